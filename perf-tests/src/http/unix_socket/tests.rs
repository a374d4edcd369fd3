//! Tests of `unix_socket`.

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
    assert!(denied.message.starts_with("this user may not connect to the socket /run/a.sock"), "{}", denied.message);
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
