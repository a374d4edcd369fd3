//! Connections to a Unix socket, and why one cannot be made.

use std::io;
use std::os::unix::fs::FileTypeExt as _;
use std::path::Path;
use std::time::Duration;

use tokio::net::UnixStream;
use tokio::time::sleep;

use super::exchange::ExchangeError;
use crate::measure::Failure;

/// The pause before another attempt while the socket's queue is full.
const PAUSE: Duration = Duration::from_millis(1);

/// Connects. While the queue of the socket is full, it waits, as a connection over TCP does. Only
/// the time limit of the request ends this.
pub(super) async fn connect(path: &Path) -> io::Result<UnixStream> {
    loop {
        match UnixStream::connect(path).await {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => sleep(PAUSE).await,
            result => return result,
        }
    }
}

/// Why no connection could be made. Only a service that does not run is refused.
pub(super) fn explain(path: &Path, error: &io::Error) -> ExchangeError {
    let shown = path.display();
    let refused = |message| ExchangeError { failure: Failure::Refused, message };
    match error.kind() {
        io::ErrorKind::NotFound => refused(format!("there is no socket {shown}")),
        io::ErrorKind::NotADirectory => refused(format!("there is no socket {shown}: a part of its path is a file")),
        io::ErrorKind::ConnectionRefused => refused(match std::fs::metadata(path).map(|it| it.file_type()) {
            Ok(file) if file.is_dir() => format!("{shown} is a folder, not a socket"),
            Ok(file) if !file.is_socket() => format!("{shown} is a file, not a socket"),
            _ => format!("no service listens on the socket {shown}: start the service again"),
        }),
        io::ErrorKind::PermissionDenied => ExchangeError::local(format!(
            "this user may not connect to the socket {shown}: run as a user who may write to it and enter its \
             folder, or change their permissions"
        )),
        _ if error.raw_os_error() == Some(EPROTOTYPE) => {
            refused(format!("{shown} is a socket of another kind: the service must listen on a stream socket"))
        }
        _ => refused(format!("cannot connect to the socket {shown}: {error}")),
    }
}

/// The number of this error on Linux, and on macOS.
const EPROTOTYPE: i32 = if cfg!(target_os = "linux") { 91 } else { 41 };

#[cfg(test)]
mod tests;
