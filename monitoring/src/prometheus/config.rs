//! Prometheus' own configuration, <https://prometheus.io/docs/prometheus/latest/configuration/configuration/>.
//!
//! What differs from run to run (where the backend listens) does not stand in it: that goes through a file of targets.

use serde::Serialize;

use crate::label::BACKEND_JOB;
use crate::prometheus::recording_rules::Timing;
use crate::promql::duration;
use crate::stack_limits::SCRAPE_INTERVAL;

/// The folder of target files, relative to `prometheus.yml`.
pub const TARGETS: &str = "targets";
/// The option without which Prometheus answers remote write with 404.
pub const RECEIVER_FLAG: &str = "--web.enable-remote-write-receiver";
/// Lets a Prometheus before 3.9 take native histograms; later ones always do.
pub const NATIVE_HISTOGRAMS_FLAG: &str = "--enable-feature=native-histograms";

/// `prometheus.yml`.
#[derive(Debug, Clone, Serialize)]
pub struct Server {
    global: Global,
    rule_files: Vec<String>,
    scrape_configs: Vec<Scrape>,
}

#[derive(Debug, Clone, Serialize)]
struct Global {
    scrape_interval: String,
    evaluation_interval: String,
}

#[derive(Debug, Clone, Serialize)]
struct Scrape {
    job_name: &'static str,
    file_sd_configs: Vec<FileSd>,
}

#[derive(Debug, Clone, Serialize)]
struct FileSd {
    files: Vec<String>,
    refresh_interval: String,
}

/// An entry of a target file: where the backend answers `/metrics`.
#[derive(Debug, Clone, Serialize)]
pub struct Target {
    targets: Vec<String>,
    labels: std::collections::BTreeMap<&'static str, &'static str>,
}

impl Target {
    /// A backend at `host:port`, by HTTPS or not.
    pub fn new(authority: String, https: bool) -> Self {
        let scheme = if https { "https" } else { "http" };
        Self { targets: vec![authority], labels: [("__scheme__", scheme)].into() }
    }
}

/// The configuration.
pub fn server(timing: &Timing) -> Server {
    Server {
        global: Global { scrape_interval: duration(SCRAPE_INTERVAL), evaluation_interval: duration(timing.interval) },
        rule_files: vec!["rules/*.yml".to_owned()],
        scrape_configs: vec![Scrape {
            job_name: BACKEND_JOB,
            file_sd_configs: vec![FileSd {
                files: vec![format!("{TARGETS}/*.json")],
                refresh_interval: duration(SCRAPE_INTERVAL),
            }],
        }],
    }
}
