//! Errors of a run that has no report.

use std::error::Error;
use std::io;
use std::path::PathBuf;

use perf_report::exit_code::ExitCode;
use perf_settings::Shard;
use prometheus_store::OtherScheme;

use super::capacity::CapacityError;
use super::hosts::HostError;
use super::replay_error::ReplayError;
use super::spec::SpecError;
use crate::agents::{AgentEnd, AgentError, ShardError};
use crate::engine::ShareError;
use crate::evidence::FileError;
use crate::remote_write::PushError;

/// An error of a part of the program that knows nothing of runs.
type Source = Box<dyn Error + Send + Sync>;

#[derive(Debug, thiserror::Error)]
pub(crate) enum RunError {
    #[error(transparent)]
    Spec(#[from] SpecError),
    #[error("the scenario's VUs change in stages, so {vus} alone is ambiguous: give {stages} or {duration}")]
    VusOfStages { vus: String, stages: String, duration: String },
    #[error("{rate} and {stages} describe one load, and the scenario has several parts: choose one with {part}")]
    OneOfSeveral { rate: String, stages: String, part: String },
    #[error(transparent)]
    Capacity(#[from] CapacityError),
    #[error("{setting}: {error}")]
    Shares { setting: String, error: ShareError },
    #[error(transparent)]
    Host(#[from] HostError),
    /// A target of a load by several machines. The note says which of them tried it.
    #[error("{error}. {note}")]
    HostOfSeveral { error: HostError, note: &'static str },
    #[error("no target: the stub backend does not serve {0}. Name the service's URL with --target URL")]
    NotServedByStub(&'static str),
    #[error(
        "monitoring/src/services/mod.rs does not list the service {0}, so it has no rules and no dashboards: add it to ALL"
    )]
    NotListed(&'static str),
    #[error("the store already has series of testid {testid:?}, and would add up both runs: choose another {setting}")]
    TestidInStore { testid: String, setting: String },
    #[error("the store does not accept metrics, so nothing was sent: {0}")]
    Receiver(PushError),
    #[error("the store cannot be queried, so nothing was sent: {0} in --prometheus-url")]
    Queries(OtherScheme),
    #[error(transparent)]
    Replay(#[from] ReplayError),
    #[error(transparent)]
    Shard(#[from] ShardError),
    #[error("{} already exists: choose another {setting}, or remove it", path.display())]
    ShardExists { path: PathBuf, setting: String },
    #[error("{error}; then make shard {shard} again, since what it measured is lost")]
    ShardNotWritten { shard: Shard, code: ExitCode, error: FileError },
    #[error("only cargo xtask perf makes load by pods: use --agents kubernetes:N there, or leave out kubernetes: here")]
    Pods,
    #[error(transparent)]
    Agent(#[from] AgentError),
    #[error(transparent)]
    AgentEnd(#[from] AgentEnd),
    #[error(transparent)]
    File(#[from] FileError),
    #[error(transparent)]
    Configuration(Source),
    #[error("interrupted before the load began")]
    Interrupted,
    #[error(
        "interrupted before the load began: setup blocked its thread, so the run could not end in order. In setup, await \
         what takes long: vu.think(…) in place of std::thread::sleep"
    )]
    SetupBlocked,
    #[error("failed to read this program: {0}")]
    Program(io::Error),
    #[error(transparent)]
    Internal(Source),
}

impl RunError {
    pub(crate) const fn code(&self) -> ExitCode {
        match self {
            Self::Spec(_)
            | Self::VusOfStages { .. }
            | Self::OneOfSeveral { .. }
            | Self::Capacity(_)
            | Self::Shares { .. }
            | Self::Host(_)
            | Self::HostOfSeveral { .. }
            | Self::NotServedByStub(_)
            | Self::NotListed(_)
            | Self::TestidInStore { .. }
            | Self::Receiver(_)
            | Self::Queries(_)
            | Self::Replay(_)
            | Self::Shard(_)
            | Self::ShardExists { .. }
            | Self::Pods
            | Self::Configuration(_) => ExitCode::BadConfiguration,
            Self::Agent(error) => error.code(),
            Self::AgentEnd(end) => end.code(),
            Self::File(error) => error.code(),
            Self::ShardNotWritten { code, .. } => *code,
            Self::Interrupted | Self::SetupBlocked => ExitCode::Interrupted,
            Self::Program(_) | Self::Internal(_) => ExitCode::Internal,
        }
    }
}

#[derive(Debug, thiserror::Error)]
#[error("{0}: the results are printed here, but not saved")]
pub(crate) struct NotSavedError(pub(super) FileError);

pub(super) fn internal(error: impl Error + Send + Sync + 'static) -> RunError {
    RunError::Internal(Box::new(error))
}

pub(crate) fn configuration(error: impl Error + Send + Sync + 'static) -> RunError {
    RunError::Configuration(Box::new(error))
}
