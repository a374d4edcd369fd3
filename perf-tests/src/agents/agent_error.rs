//! Why agents cannot make a load.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use perf_report::exit_code::ExitCode;
use perf_report::format::{counted_part, seconds};

use super::message::{MessageError, PATIENCE};

/// Why agents cannot make a load. An agent is named as in all messages: "agent 2 (process 4711 on
/// node-3)".
#[derive(Debug, thiserror::Error)]
pub(crate) enum AgentError {
    #[error("cannot listen for agents at {address}: {error}: choose another address with --listen")]
    Listen { address: SocketAddr, error: io::Error },
    /// Agents are missing. The texts are about peers that were refused.
    #[error(
        "{} joined, so nothing was sent: {why}{}",
        counted_part(*.joined as u64, (*.agents).into(), "agent"),
        list(.refused)
    )]
    NotAllJoined { joined: usize, agents: u32, why: String, refused: Vec<String> },
    /// The hashes are shortened.
    #[error("{agent} plans another load: its plan is {theirs}, not {ours}")]
    OtherPlan { agent: String, theirs: String, ours: String },
    /// An agent gave this reason why it cannot make its share.
    #[error("{agent}: {why}")]
    Failed { agent: String, why: String },
    #[error("failed to start an agent: {0}")]
    NotStarted(io::Error),
    #[error("{agent} did not respond within {} s", PATIENCE.as_secs())]
    NoResponse { agent: String },
    #[error("{agent} sent an unexpected message")]
    Unexpected { agent: String },
    #[error("{agent} is lost: {error}")]
    Lost { agent: String, error: MessageError },
    /// Agents left, because they heard nothing.
    #[error(
        "the coordinator did not run for {}, so its agents left before the load: its process was stopped, or its machine \
         was busy or asleep",
        seconds(*.length, 1)
    )]
    StoodStill { length: Duration },
    #[error("interrupted before the load began")]
    Interrupted,
}

impl AgentError {
    pub(crate) const fn code(&self) -> ExitCode {
        match self {
            Self::Listen { .. } | Self::NotAllJoined { .. } | Self::OtherPlan { .. } | Self::Failed { .. } => {
                ExitCode::BadConfiguration
            }
            Self::NotStarted(_) | Self::Unexpected { .. } => ExitCode::Internal,
            Self::NoResponse { .. } | Self::Lost { .. } | Self::StoodStill { .. } => ExitCode::Inconclusive,
            Self::Interrupted => ExitCode::Interrupted,
        }
    }
}

fn list(refused: &[String]) -> String {
    refused.iter().map(|text| format!("; {text}")).collect()
}
