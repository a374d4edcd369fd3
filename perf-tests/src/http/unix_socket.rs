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
            _ => format!("no service listens on the socket {shown}, which an earlier one has left"),
        }),
        io::ErrorKind::PermissionDenied => ExchangeError {
            failure: Failure::Other,
            message: format!(
                "this user may not connect to the socket {shown}: run as a user who may write to it and enter its \
                 folder, or change their permissions"
            ),
        },
        _ if error.raw_os_error() == Some(EPROTOTYPE) => {
            refused(format!("{shown} is a socket of another kind: the service must listen on a stream socket"))
        }
        _ => refused(format!("cannot connect to the socket {shown}: {error}")),
    }
}

/// The number of this error on Linux, and on macOS.
const EPROTOTYPE: i32 = if cfg!(target_os = "linux") { 91 } else { 41 };

#[cfg(test)]
mod tests {
    use std::os::unix::net::{UnixDatagram, UnixListener};

    use tokio::net::UnixSocket;

    use super::*;

    fn folder(name: &str) -> std::path::PathBuf {
        let folder = std::env::temp_dir().join(format!("perf-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        folder
    }

    #[tokio::test]
    async fn each_reason_for_no_connection_is_named() {
        let folder = folder("reasons");
        let [file, left, datagram] = ["file", "left", "datagram"].map(|name| folder.join(name));
        std::fs::write(&file, "").unwrap();
        drop(UnixListener::bind(&left).unwrap());
        let _datagram = UnixDatagram::bind(&datagram).unwrap();
        for (path, expected) in [
            (folder.join("none"), "there is no socket"),
            (file.join("below"), "a part of its path is a file"),
            (file, "is a file, not a socket"),
            (folder.clone(), "is a folder, not a socket"),
            (left, "no service listens on the socket"),
            (datagram, "is a socket of another kind"),
        ] {
            let ExchangeError { failure, message } = explain(&path, &connect(&path).await.unwrap_err());
            assert!(message.contains(expected) && message.contains(path.to_str().unwrap()), "{message}");
            assert_eq!(failure, Failure::Refused, "{message}");
        }
        std::fs::remove_dir_all(folder).unwrap();
        // Root may connect to every socket, so the error is made here.
        let denied = explain(Path::new("/run/a.sock"), &io::Error::from(io::ErrorKind::PermissionDenied));
        assert_eq!(denied.failure, Failure::Other, "it is not an outage of the service");
        assert!(
            denied.message.starts_with("this user may not connect to the socket /run/a.sock"),
            "{}",
            denied.message
        );
    }

    #[tokio::test]
    async fn a_full_queue_delays_a_connection() {
        let folder = folder("queue");
        let path = folder.join("a.sock");
        let socket = UnixSocket::new_stream().unwrap();
        socket.bind(&path).unwrap();
        let listener = socket.listen(1).unwrap();
        let mut queue = Vec::new();
        let full = loop {
            match UnixStream::connect(&path).await {
                Ok(stream) => queue.push(stream),
                Err(error) => break error.kind(),
            }
        };
        assert_eq!(full, io::ErrorKind::WouldBlock);
        let connecting = tokio::spawn({
            let path = path.clone();
            async move { connect(&path).await.map(drop) }
        });
        sleep(PAUSE * 20).await;
        assert!(!connecting.is_finished());
        let _accepted = listener.accept().await.unwrap();
        connecting.await.unwrap().unwrap();
        std::fs::remove_dir_all(folder).unwrap();
    }
}
