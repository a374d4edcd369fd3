//! Errors of `--replay`.

use std::io;
use std::path::PathBuf;

use perf_report::read::ReadError;

#[derive(Debug, thiserror::Error)]
#[error("{} cannot be replayed: {reason}", .path.display())]
pub(crate) struct ReplayError {
    pub(super) path: PathBuf,
    pub(super) reason: NotReplayable,
}

#[derive(Debug, thiserror::Error)]
pub(super) enum NotReplayable {
    #[error(transparent)]
    File(io::Error),
    #[error(transparent)]
    Report(ReadError),
    #[error("it is a report of scenario {recorded}, not of {here}")]
    OtherScenario { recorded: String, here: &'static str },
    #[error("it has no part {name:?}: choose one that it has with {setting}")]
    NoPart { name: &'static str, setting: String },
    #[error(transparent)]
    Profile(serde_json::Error),
    #[error("the planner has changed since that run, so its load gives another plan. Run the scenario without {0}")]
    OtherPlan(String),
}
