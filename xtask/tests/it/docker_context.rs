//! Docker at a place that only a context of Docker's command line names.

use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::net::{UnixListener, UnixStream};

use crate::real::{run, xtask};

/// Responds to one request as a Docker without images and containers.
fn respond(mut stream: UnixStream) {
    let mut head = String::new();
    let mut lines = BufReader::new(stream.try_clone().unwrap());
    while !head.ends_with("\r\n\r\n") && lines.read_line(&mut head).unwrap_or_default() > 0 {}
    let (status, body) = match head.split(' ').nth(1).unwrap_or_default() {
        path if path.contains("/version") => ("200 OK", r#"{"Version":"99.9","ApiVersion":"1.44"}"#),
        path if path.contains("/_ping") => ("200 OK", "OK"),
        path if path.contains("/containers/json") => ("200 OK", "[]"),
        _ => ("404 Not Found", r#"{"message":"not found"}"#),
    };
    let head = format!("HTTP/1.1 {status}\r\ncontent-type: application/json\r\nconnection: close");
    // The command may have found Docker and closed the connection.
    let _ = write!(stream, "{head}\r\ncontent-length: {}\r\n\r\n{body}", body.len());
}

#[test]
fn docker_is_found_by_its_context() {
    let folder = std::env::temp_dir().join(format!("perf-context-{}", std::process::id()));
    std::fs::create_dir_all(folder.join("contexts/meta/1")).unwrap();
    let socket = folder.join("docker.sock");
    let listener = UnixListener::bind(&socket).unwrap();
    std::thread::spawn(move || listener.incoming().flatten().for_each(respond));
    let host = format!("unix://{}", socket.display());
    let meta = serde_json::json!({ "Name": "elsewhere", "Endpoints": { "docker": { "Host": host } } });
    std::fs::write(folder.join("contexts/meta/1/meta.json"), meta.to_string()).unwrap();
    std::fs::write(folder.join("config.json"), r#"{"currentContext":"elsewhere"}"#).unwrap();
    let doctor = || {
        let mut command = xtask(&["stack", "doctor", "--prometheus-port", "9", "--grafana-port", "9"]);
        command.env_remove("DOCKER_HOST").env_remove("DOCKER_CONTEXT").env("DOCKER_CONFIG", &folder);
        // Long lines are broken.
        run(&mut command).text.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    let found = doctor();
    assert!(found.contains("Docker 99.9"), "{found}");
    std::fs::remove_file(&socket).unwrap();
    let gone = doctor();
    assert!(gone.contains(&format!("tried {host} (of the context elsewhere)")), "{gone}");
    assert!(gone.contains("DOCKER_HOST=unix:///PATH"), "{gone}");
    std::fs::remove_dir_all(folder).unwrap();
}
