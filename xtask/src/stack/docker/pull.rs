//! Pulls a public image without credentials.

use std::time::Duration;

use futures::TryStreamExt as _;
use testcontainers::bollard::Docker;
use testcontainers::bollard::query_parameters::CreateImageOptions;
use tokio::time;

use super::super::images;

/// Pulls an image without credentials. The credentials of a Docker Desktop that is signed in are
/// tokens, which testcontainers sends as a password, and the registry refuses them as
/// "unauthorized" (<https://github.com/testcontainers/testcontainers-rs/pull/935>).
///
/// A failure is not an error: testcontainers then pulls with the user's credentials, as a private
/// registry needs them, and reports its own error.
pub(super) async fn pull_without_credentials(docker: &Docker, image: &str, limit: Duration) {
    let (name, tag) = images::split(image);
    let (from_image, tag) = (Some(name.to_owned()), Some(tag.to_owned()));
    let options = CreateImageOptions { from_image, tag, ..CreateImageOptions::default() };
    let pulled = docker.create_image(Some(options), None, None).try_for_each(async |_| Ok(()));
    drop(time::timeout(limit, pulled).await);
}

#[cfg(all(test, unix))]
mod tests {
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
            write!(stream, "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}", body.len())
                .unwrap();
            head.join("\n").to_ascii_lowercase()
        });
        let docker = Docker::connect_with_unix(path.to_str().unwrap(), 5, API_DEFAULT_VERSION).unwrap();
        pull_without_credentials(&docker, "prom/prometheus:v9", Duration::from_secs(5)).await;
        let head = daemon.join().unwrap();
        std::fs::remove_file(path).unwrap();
        assert!(head.contains("/images/create?") && head.contains("tag=v9"), "{head}");
        assert!(!head.contains("x-registry-auth"), "{head}");
    }
}
