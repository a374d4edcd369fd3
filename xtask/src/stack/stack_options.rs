//! The options of a stack, and the configuration of Prometheus that follows from them.

use std::path::{Path, PathBuf};

use clap::ValueEnum;
use monitoring::prometheus::config::{NATIVE_HISTOGRAMS_FLAG, RECEIVER_FLAG};
use monitoring::prometheus::recording_rules::Timing;
use monitoring::{generated_files, promql, services};

use super::limits::RETENTION;
use crate::host::{files, workspace};

pub(crate) const PROMETHEUS_PORT: u16 = 9090;
/// The default port of Grafana; its usual 3000 is often a frontend's.
pub(crate) const GRAFANA_PORT: u16 = 3001;

/// The programs that make up the stack.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum StackChoice {
    /// Docker if it is available, else a `prometheus` on PATH, else no store
    Auto,
    /// Prometheus and Grafana in containers, or fail
    Docker,
    /// A `prometheus` from PATH, or fail
    Native,
    /// No store: requests are judged, and no metrics are stored
    None,
}

#[derive(Debug, Clone)]
pub(crate) struct StackOptions {
    pub(crate) choice: StackChoice,
    pub(crate) prometheus_port: u16,
    pub(crate) grafana_port: u16,
    pub(crate) grafana: bool,
    /// Keep the data when the stack is stopped. Without it, the stack belongs to this command.
    pub(crate) keep_data: bool,
    /// The interval at which Prometheus evaluates rules: the usual one, or a drill's.
    pub(crate) timing: Timing,
    /// The archive to show instead of the stack's own data.
    pub(crate) archive: Option<ShownArchive>,
}

/// The folders of an unpacked archive that a stack shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ShownArchive {
    /// Blocks for Prometheus.
    pub(crate) data: PathBuf,
    /// Dashboards for Grafana.
    pub(crate) dashboards: PathBuf,
}

impl StackOptions {
    /// Writes the files that Prometheus reads.
    pub(super) fn write_configuration(&self, folder: &Path) -> anyhow::Result<()> {
        files::write_generated(folder, &generated_files::prometheus_files(services::ALL, &self.timing)?)
    }

    /// The flags of Prometheus besides paths and addresses.
    pub(super) fn flags(&self) -> [String; 4] {
        // The data of an archive is old: the usual retention would delete it.
        let retention = if self.archive.is_some() { "100y".to_owned() } else { promql::duration(RETENTION) };
        [
            format!("--storage.tsdb.retention.time={retention}"),
            format!("--query.lookback-delta={}", promql::duration(self.timing.lookback)),
            RECEIVER_FLAG.to_owned(),
            NATIVE_HISTOGRAMS_FLAG.to_owned(),
        ]
    }
}

/// The folder of a stack's target file, and of all state of a Prometheus from PATH.
pub(super) fn stack_folder(prometheus_port: u16) -> PathBuf {
    workspace::state_folder().join("stack").join(prometheus_port.to_string())
}
