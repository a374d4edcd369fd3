//! Why a stack did not start.

use perf_report::exit_code::ExitCode;

use super::docker_host::NETWORK;

/// Why a stack did not start.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StackError {
    /// This kind of stack is not available on this machine; another kind may be.
    #[error("{0}")]
    Unavailable(String),
    /// No Docker was found, so that this kind of stack is not available.
    #[error(transparent)]
    NoDocker(#[from] NoDockerError),
    #[error("Docker is present but not usable: {0}; fix that, or use --stack native or --stack none")]
    UnusableDocker(String),
    #[error("{NETWORK} is {0:?}: set it to host or bridge")]
    UnknownNetwork(String),
    /// The user chose this image, so no other kind of stack takes its place.
    #[error(transparent)]
    ChosenImage(ContainerError),
    /// The alternative follows the advice to choose another port.
    #[error("port {port} for {service} is taken by {holder}: choose another with {flag}{alternative}")]
    PortInUse { port: u16, service: &'static str, holder: String, flag: &'static str, alternative: String },
    #[error(
        "the stack at port {stack} belongs to another running command (process {pid}), which will stop it: \
         wait for that command, choose another port with --prometheus-port, or stop the stack \
         (cargo xtask stack down --prometheus-port {stack})"
    )]
    InUse { stack: u16, pid: u32 },
    #[error("interrupted while the stack was starting")]
    Interrupted,
    /// An unexpected error.
    #[error("{0:#}")]
    Internal(#[from] anyhow::Error),
}

impl StackError {
    pub(crate) const fn code(&self) -> ExitCode {
        match self {
            Self::Unavailable(_)
            | Self::NoDocker(_)
            | Self::UnusableDocker(_)
            | Self::UnknownNetwork(_)
            | Self::ChosenImage(_)
            | Self::PortInUse { .. }
            | Self::InUse { .. } => ExitCode::BadConfiguration,
            Self::Interrupted => ExitCode::Interrupted,
            Self::Internal(_) => ExitCode::Internal,
        }
    }

    /// Whether the user has to change something, whatever the kind of stack.
    pub(super) fn is_mistake(&self) -> bool {
        self.code() == ExitCode::BadConfiguration && !matches!(self, Self::Unavailable(_) | Self::NoDocker(_))
    }
}

/// A container did not start.
#[derive(Debug, thiserror::Error)]
#[error("{image} did not start in Docker: {why}")]
pub(crate) struct ContainerError {
    pub(super) image: String,
    pub(super) why: String,
}

/// No Docker was found.
#[derive(Debug, thiserror::Error)]
#[error("{problem}: {remedy}")]
pub(crate) struct NoDockerError {
    /// The reason and the places that were tried, without the remedy.
    pub(crate) problem: String,
    pub(super) remedy: &'static str,
}
