//! Tests of `pull`.

use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::net::UnixListener;

use testcontainers::bollard::API_DEFAULT_VERSION;

use super::*;

#[tokio::test]
async fn the_first_pull_sends_no_credentials() {
    let path = std::env::temp_dir().join(format!("perf-pull-{}.sock", std::process::id()));
    let listener = UnixListener::bind(&path).unwrap();
    let daemon = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let lines = BufReader::new(stream.try_clone().unwrap()).lines().map(Result::unwrap);
        let head: Vec<_> = lines.take_while(|line| !line.is_empty()).collect();
        let body = "{\"status\":\"Pull complete\"}\n";
        write!(stream, "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}", body.len()).unwrap();
        head.join("\n").to_ascii_lowercase()
    });
    let docker = Docker::connect_with_unix(path.to_str().unwrap(), 5, API_DEFAULT_VERSION).unwrap();
    pull_without_credentials(&docker, "prom/prometheus:v9", Duration::from_secs(5)).await;
    let head = daemon.join().unwrap();
    std::fs::remove_file(path).unwrap();
    assert!(head.contains("/images/create?") && head.contains("tag=v9"), "{head}");
    assert!(!head.contains("x-registry-auth"), "{head}");
}
