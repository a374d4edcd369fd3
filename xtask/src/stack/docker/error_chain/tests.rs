//! Tests of `error_chain`.

use testcontainers::bollard::{API_DEFAULT_VERSION, Docker};

use super::*;

#[tokio::test]
async fn each_cause_of_a_refused_connection_is_named_once() {
    let socket = std::env::temp_dir().join(format!("perf-refused-{}.sock", std::process::id()));
    drop(std::os::unix::net::UnixListener::bind(&socket).unwrap());
    let docker = Docker::connect_with_unix(socket.to_str().unwrap(), 5, API_DEFAULT_VERSION).unwrap();
    let error = docker.ping().await.unwrap_err();
    std::fs::remove_file(socket).unwrap();
    let chain = ErrorChain(&error);
    assert!(chain.is_absence());
    let text = chain.to_string();
    let refused = "Error in the hyper legacy client: client error (Connect): Connection refused (os error ";
    assert!(text.starts_with(refused), "{text}");
}

#[test]
fn a_denied_socket_is_not_an_absent_one() {
    for (kind, is_denied, is_absence) in
        [(PermissionDenied, true, false), (NotFound, false, true), (ErrorKind::TimedOut, false, false)]
    {
        let error = DockerError::IOError { err: kind.into() };
        let chain = ErrorChain(&error);
        assert_eq!((chain.is_denied(), chain.is_absence()), (is_denied, is_absence), "{kind}");
    }
}
