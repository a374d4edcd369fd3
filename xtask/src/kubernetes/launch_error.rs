//! Why a run on a cluster has no outcome.

use std::time::Duration;

use perf_report::exit_code::ExitCode;
use perf_report::outcome_log::OutcomeLogError;

use super::kubectl::KubectlError;
use super::pod_watch::PodError;

/// Why a run on a cluster has no outcome.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LaunchError {
    #[error(
        "the user of kubectl has no right to {} in {place}: ask the cluster's administrator, or use another --context \
         or --namespace",
        .rights.join(", ")
    )]
    NoRights { rights: Vec<String>, place: String },
    #[error("the cluster would start lost agents again: it needs Kubernetes 1.29 or newer")]
    TooOld,
    #[error(
        "the coordinator's {place} has the public address {address}, and agents would send it the run's token without \
         encryption: use a cluster whose pods have private addresses, or start agents yourself with --listen"
    )]
    PublicPods { place: String, address: String },
    #[error(transparent)]
    Pods(#[from] PodError),
    #[error(transparent)]
    Kubectl(#[from] KubectlError),
    #[error("interrupted before the load ended")]
    Interrupted,
    /// The coordinator's log cannot be read any more.
    #[error(transparent)]
    Log(KubectlError),
    #[error(transparent)]
    Outcome(#[from] OutcomeLogError),
    #[error("pod {pod} did not end within {} s", .limit.as_secs())]
    NotEnded { pod: String, limit: Duration },
    /// It did not start, or the image has another program.
    #[error("the coordinator's {place} {how}: its image has no program of scenarios; cargo xtask image builds one")]
    NoProgram { place: String, how: String },
    #[error("the coordinator's {place} {how} before it wrote a result: {todo}")]
    NoResult { place: String, how: String, todo: &'static str },
}

impl LaunchError {
    pub(crate) const fn code(&self) -> ExitCode {
        match self {
            Self::NoRights { .. }
            | Self::TooOld
            | Self::PublicPods { .. }
            | Self::Pods(_)
            | Self::Kubectl(_)
            | Self::NoProgram { .. } => ExitCode::BadConfiguration,
            Self::Interrupted => ExitCode::Interrupted,
            Self::Log(_) | Self::Outcome(_) | Self::NotEnded { .. } | Self::NoResult { .. } => ExitCode::Internal,
        }
    }
}
