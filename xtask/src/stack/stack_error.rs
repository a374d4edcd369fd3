//! Why a stack did not start.

use std::path::PathBuf;

use perf_report::exit_code::ExitCode;

use super::docker_host::NETWORK;
use crate::host::files;

#[derive(Debug, thiserror::Error)]
pub(crate) enum StackError {
    #[error(transparent)]
    Unavailable(#[from] UnavailableError),
    /// The user chose the kind of stack that is not available. `other` is another kind.
    #[error("{why}{} use --stack {other}, or --stack none for a verdict without metrics", why.conjunction())]
    ChosenUnavailable { why: UnavailableError, other: &'static str },
    #[error("Docker is present but not usable at {place}: {why}; {remedy}, or use --stack native or --stack none")]
    UnusableDocker {
        /// Its address, and where that is from.
        place: String,
        why: String,
        remedy: &'static str,
    },
    #[error("{NETWORK} is {0:?}: set it to host or bridge")]
    UnknownNetwork(String),
    /// The user chose this image, so no other kind of stack takes its place.
    #[error(transparent)]
    ChosenImage(ContainerError),
    /// The alternative follows the advice to choose another port.
    #[error("port {port} for {service} is taken by {holder}: choose another with {flag}{alternative}")]
    PortInUse { port: u16, service: &'static str, holder: String, flag: &'static str, alternative: String },
    #[error(
        "the stack at port {stack} belongs to another running command (process {pid}): wait for that command, or choose \
         another port with --prometheus-port. To stop the stack: cargo xtask stack down --prometheus-port {stack}"
    )]
    InUse { stack: u16, pid: u32 },
    #[error("interrupted while the stack was starting")]
    Interrupted,
    #[error("{0:#}")]
    Internal(#[from] anyhow::Error),
}

impl StackError {
    pub(crate) fn code(&self) -> ExitCode {
        match self {
            Self::Unavailable(_)
            | Self::ChosenUnavailable { .. }
            | Self::UnusableDocker { .. }
            | Self::UnknownNetwork(_)
            | Self::ChosenImage(_)
            | Self::PortInUse { .. }
            | Self::InUse { .. } => ExitCode::BadConfiguration,
            Self::Internal(error) if files::is_unwritable(error) => ExitCode::BadConfiguration,
            Self::Interrupted => ExitCode::Interrupted,
            Self::Internal(_) => ExitCode::Internal,
        }
    }

    /// Whether the user has to change something, whatever the kind of stack.
    pub(super) fn is_mistake(&self) -> bool {
        self.code() == ExitCode::BadConfiguration && !matches!(self, Self::Unavailable(_))
    }
}

/// Why one kind of stack is not available on this machine. Another kind may be.
#[derive(Debug, thiserror::Error)]
pub(crate) enum UnavailableError {
    #[error("{problem}: {remedy}")]
    NoDocker {
        /// The reason and the places that were tried.
        problem: String,
        remedy: &'static str,
    },
    #[error(transparent)]
    Container(ContainerError),
    #[error("{image} runs in Docker and does not respond at {url}")]
    NotReachable { image: String, url: String },
    #[error("there is no prometheus on PATH")]
    NoPrometheus,
    #[error("{} did not start; last line of its log: {last_line}", program.display())]
    NotStarted { program: PathBuf, last_line: String },
}

impl UnavailableError {
    /// The reason without a remedy.
    pub(crate) fn problem(&self) -> String {
        if let Self::NoDocker { problem, .. } = self { problem.clone() } else { self.to_string() }
    }

    /// The text between the message and another remedy.
    const fn conjunction(&self) -> &'static str {
        if matches!(self, Self::NoDocker { .. }) { ", or" } else { ";" }
    }
}

#[derive(Debug, thiserror::Error)]
#[error("{image} did not start in Docker: {why}")]
pub(crate) struct ContainerError {
    pub(super) image: String,
    pub(super) why: String,
}
