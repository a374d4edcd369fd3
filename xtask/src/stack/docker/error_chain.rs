//! Errors of Docker's client with their causes.

use std::error::Error;
use std::fmt;
use std::io::ErrorKind::{self, ConnectionRefused, NotFound, PermissionDenied};

use testcontainers::bollard::errors::Error as DockerError;

/// An error and its causes. `Display` joins them on one line.
pub(super) struct ErrorChain<'error>(pub(super) &'error DockerError);

impl ErrorChain<'_> {
    /// Whether the error means that Docker is missing: no socket, or no listener on it.
    pub(super) fn is_absence(&self) -> bool {
        match self.io_kind() {
            Some(kind) => matches!(kind, ConnectionRefused | NotFound),
            None => matches!(self.0, DockerError::SocketNotFoundError(_)),
        }
    }

    /// Whether this user may not connect to the socket.
    pub(super) fn is_denied(&self) -> bool {
        matches!(self.io_kind(), Some(PermissionDenied))
    }

    fn io_kind(&self) -> Option<ErrorKind> {
        match self.0 {
            // It is not among its causes.
            DockerError::IOError { err } => Some(err.kind()),
            error => causes(Some(error)).find_map(|cause| Some(cause.downcast_ref::<std::io::Error>()?.kind())),
        }
    }

    /// The first cause that the text of the error does not have yet.
    fn first_cause(&self) -> Option<&(dyn Error + 'static)> {
        match self.0 {
            // Their text ends with the text of their cause.
            DockerError::HyperLegacyError { err } => err.source(),
            DockerError::URLEncodedError { err } => err.source(),
            DockerError::URLParseError { err } => err.source(),
            DockerError::InvalidURIError { err } => err.source(),
            DockerError::InvalidURIPartsError { err } => err.source(),
            DockerError::HttpHeaderToStrError { err } => err.source(),
            DockerError::Base64DecodeError { err } => err.source(),
            other => other.source(),
        }
    }
}

impl fmt::Display for ErrorChain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        causes(self.first_cause()).try_for_each(|cause| write!(f, ": {cause}"))
    }
}

/// The error and its causes.
fn causes<'error>(first: Option<&'error (dyn Error + 'static)>) -> impl Iterator<Item = &'error (dyn Error + 'static)> {
    std::iter::successors(first, |&error| error.source())
}

#[cfg(all(test, unix))]
mod tests;
