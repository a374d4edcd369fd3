//! Prometheus' own configuration, see
//! <https://prometheus.io/docs/prometheus/latest/configuration/configuration/>.
//!
//! The backend's address differs from run to run. It is in a target file, not in this
//! configuration.

use serde::Serialize;

use crate::intervals::SCRAPE_INTERVAL;
use crate::label::BACKEND_JOB;
use crate::prometheus::recording_rules::Timing;
use crate::promql::duration;

/// Folder of `prometheus.yml` in the stack's container.
pub const CONTAINER_FOLDER: &str = "/etc/prometheus";
/// Folder of target files, relative to `prometheus.yml`.
pub const TARGETS: &str = "targets";
/// Folder in [`TARGETS`] of targets that need user and password, with the files of both.
pub const LOGIN: &str = "login";
/// File in [`LOGIN`] with the name of the user.
pub const USER_FILE: &str = "user";
/// File in [`LOGIN`] with the password.
pub const PASSWORD_FILE: &str = "password";
/// Folder in [`TARGETS`] of targets that need a bearer token, with its file.
pub const TOKEN: &str = "token";
/// File in [`TOKEN`] with the token.
pub const TOKEN_FILE: &str = "bearer";
/// Flag that turns on the remote-write receiver. Without it Prometheus responds with 404.
pub const RECEIVER_FLAG: &str = "--web.enable-remote-write-receiver";
/// Flag that makes Prometheus before 3.9 accept native histograms. Later versions always do.
pub const NATIVE_HISTOGRAMS_FLAG: &str = "--enable-feature=native-histograms";

/// Contents of `prometheus.yml`.
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
    #[serde(flatten)]
    login: Option<Login>,
    /// `false` with a login: Prometheus sends it to every address that a redirect leads to.
    #[serde(skip_serializing_if = "Option::is_none")]
    follow_redirects: Option<bool>,
    file_sd_configs: Vec<FileSd>,
}

/// The login of Prometheus to a target. It reads the files at each scrape.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "snake_case")]
enum Login {
    BasicAuth {
        username_file: String,
        password_file: String,
    },
    /// With a bearer token.
    Authorization {
        credentials_file: String,
    },
}

#[derive(Debug, Clone, Serialize)]
struct FileSd {
    files: Vec<String>,
    refresh_interval: String,
}

/// Path that Prometheus scrapes if the target does not name one.
const DEFAULT_PATH: &str = "/metrics";

/// An entry of a target file: the address at which the backend serves its metrics.
#[derive(Debug, Clone, Serialize)]
pub struct ScrapeTarget {
    targets: Vec<String>,
    labels: std::collections::BTreeMap<&'static str, String>,
}

impl ScrapeTarget {
    /// A backend at `authority`, which is `host:port`, with the path of its metrics.
    pub fn new(authority: String, https: bool, path: &str) -> Self {
        let scheme = if https { "https" } else { "http" };
        let mut labels: std::collections::BTreeMap<_, _> = [("__scheme__", scheme.to_owned())].into();
        if path != DEFAULT_PATH {
            labels.insert("__metrics_path__", path.to_owned());
            // Without this, two paths of one address would be the same `up` and the same series.
            labels.insert("instance", format!("{authority}{path}"));
        }
        Self { targets: vec![authority], labels }
    }

    /// The label `instance` of its series.
    pub fn instance(&self) -> &str {
        self.labels.get("instance").unwrap_or(&self.targets[0])
    }

    /// The same target for a file in [`LOGIN`] or [`TOKEN`]. Its series have the usual job.
    #[must_use]
    pub fn with_login(mut self) -> Self {
        self.labels.insert("job", BACKEND_JOB.to_owned());
        self
    }
}

/// Makes the contents of `prometheus.yml`.
pub fn server(timing: &Timing) -> Server {
    let [user, token] = [LOGIN, TOKEN].map(|folder| format!("{TARGETS}/{folder}"));
    let by_user = Login::BasicAuth {
        username_file: format!("{user}/{USER_FILE}"),
        password_file: format!("{user}/{PASSWORD_FILE}"),
    };
    let by_token = Login::Authorization { credentials_file: format!("{token}/{TOKEN_FILE}") };
    Server {
        global: Global { scrape_interval: duration(SCRAPE_INTERVAL), evaluation_interval: duration(timing.interval) },
        rule_files: vec!["rules/*.yml".to_owned()],
        scrape_configs: vec![
            scrape(BACKEND_JOB, TARGETS, None),
            scrape("backend_with_login", &user, Some(by_user)),
            scrape("backend_with_token", &token, Some(by_token)),
        ],
    }
}

fn scrape(job_name: &'static str, folder: &str, login: Option<Login>) -> Scrape {
    let files = vec![format!("{folder}/*.json")];
    Scrape {
        job_name,
        follow_redirects: login.is_some().then_some(false),
        login,
        file_sd_configs: vec![FileSd { files, refresh_interval: duration(SCRAPE_INTERVAL) }],
    }
}

#[cfg(test)]
mod tests;
