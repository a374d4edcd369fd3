//! An nginx with a fixed response over TLS, since the stub backend speaks plain HTTP/1.1 only.

use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use tokio::process::Child;
use url::Url;

use super::bench_protocol::BenchProtocol;
use super::processors::pinned;
use crate::host::{child, http, ports, workspace};

const START: Duration = Duration::from_secs(5);
/// The response body of the stub backend's fixed server.
const BODY: &str = r#"{"room":"ABCD","day":12,"state":"running","players":[{"id":"p1","name":"Student 1","cash":10000},{"id":"p2","name":"Student 2","cash":9500}],"prices":{"ACME":101.5,"GLOBEX":55.25}}"#;

pub(super) struct Nginx {
    child: Child,
    /// The URL of the measured server.
    pub(super) url: Url,
    /// The URL of the count of requests, without TLS.
    status: Url,
}

impl Nginx {
    /// Starts it with a new certificate that only its own name trusts.
    pub(super) async fn start(folder: &Path, protocol: BenchProtocol) -> anyhow::Result<Self> {
        let Some(program) = workspace::program("nginx") else { bail!("nginx is not on PATH: install it") };
        certify(folder)?;
        let (port, status_port) = (ports::free_port()?, ports::free_port()?);
        // The directive http2, which replaces this, is newer than many distributions' nginx.
        let http2 = if protocol == BenchProtocol::Http2 { " http2" } else { "" };
        let at = folder.display();
        let configuration = format!(
            "daemon off; master_process off; pid {at}/nginx.pid; error_log {at}/nginx.log;
events {{ worker_connections 4096; }}
http {{
  access_log off; keepalive_requests 1000000000; keepalive_timeout 600s;
  client_body_temp_path {at}; proxy_temp_path {at}; fastcgi_temp_path {at}; uwsgi_temp_path {at}; scgi_temp_path {at};
  server {{
    listen 127.0.0.1:{port} ssl{http2};
    ssl_certificate {at}/server.pem; ssl_certificate_key {at}/server.key; ssl_protocols TLSv1.3;
    location / {{ default_type application/json; return 200 '{BODY}'; }}
  }}
  server {{ listen 127.0.0.1:{status_port}; location / {{ stub_status; }} }}
}}
"
        );
        let file = folder.join("nginx.conf");
        fs::write(&file, configuration).context("failed to write nginx's configuration")?;
        let mut command = pinned(&program);
        command.arg("-c").arg(&file).arg("-e").arg(folder.join("nginx.log"));
        let child = command.stdin(Stdio::null()).spawn().context("failed to start nginx")?;
        let [url, status] = [format!("https://127.0.0.1:{port}/"), format!("http://127.0.0.1:{status_port}/")];
        let (url, status) = (Url::parse(&url)?, Url::parse(&status)?);
        if !http::ready(&status, START).await? {
            bail!("nginx was not ready after {START:?}: see {at}/nginx.log");
        }
        Ok(Self { child, url, status })
    }

    /// The number of requests that it has received, this one included.
    pub(super) async fn served_requests(&self) -> anyhow::Result<u64> {
        let text = http::text(&self.status, "", None).await?;
        let counts = text.lines().nth(2).and_then(|line| line.split_whitespace().nth(2));
        counts.and_then(|count| count.parse().ok()).with_context(|| format!("nginx's status has no count: {text:?}"))
    }

    pub(super) async fn stop(mut self) -> anyhow::Result<()> {
        self.child.kill().await.context("failed to stop nginx")
    }
}

/// Makes a self-signed certificate for 127.0.0.1.
fn certify(folder: &Path) -> anyhow::Result<()> {
    let Some(openssl) = workspace::program("openssl") else { bail!("openssl is not on PATH: install it") };
    let mut command = child::foreground(openssl);
    command
        .args("req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=bench".split(' '));
    command.args(["-addext", "subjectAltName=IP:127.0.0.1"]);
    command.arg("-keyout").arg(folder.join("server.key")).arg("-out").arg(folder.join("server.pem"));
    let output = command.output().context("failed to run openssl")?;
    ensure!(output.status.success(), "openssl made no certificate: {}", String::from_utf8_lossy(&output.stderr));
    Ok(())
}
