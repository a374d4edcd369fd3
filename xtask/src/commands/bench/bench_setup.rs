//! The setup of a measurement: built programs, a server, a
//! store, and the processors they are pinned to.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, bail};
use cargo_metadata::TargetKind;
use monitoring::prometheus::config::RECEIVER_FLAG;
use perf_settings::{DURATION, HTTP2, INSECURE, OUT, QUIET, REMOTE_WRITE, TARGET, VUS, WARM_UP};
use tokio::process::Child;
use url::Url;

use super::bench_protocol::BenchProtocol;
use super::nginx::Nginx;
use super::processors::pinned;
use crate::host::{child, files, http, ports, workspace};
use crate::scenarios::{self, PEAK_PROFILE, STUB};
use crate::stack::stub_backend::StubBackend;

/// The example with one request in each iteration.
pub(super) const FIXED: &str = "fixed";
const START: Duration = Duration::from_secs(15);

/// The server with a fixed response.
enum Server {
    Stub(StubBackend),
    Nginx(Nginx),
}

/// A server with a fixed response, a Prometheus if one is on PATH, and our generator.
pub(super) struct BenchSetup {
    server: Server,
    pub(super) protocol: BenchProtocol,
    /// The remote-write URL of the Prometheus.
    pub(super) store: Option<Url>,
    pub(super) generator: PathBuf,
    /// The folder for files of the measurement.
    pub(super) folder: PathBuf,
    store_process: Option<Child>,
}

impl BenchSetup {
    /// Builds and starts everything, for plain HTTP/1.1. With `log_delays`, the server delays its
    /// responses and logs the delays to that file.
    pub(super) async fn start(log_delays: Option<&Path>) -> anyhow::Result<Self> {
        Self::start_over(BenchProtocol::Http, log_delays, FIXED).await
    }

    /// Builds and starts everything, for this protocol. `scenario` is the example that is our
    /// generator.
    pub(super) async fn start_over(
        protocol: BenchProtocol,
        log_delays: Option<&Path>,
        scenario: &str,
    ) -> anyhow::Result<Self> {
        if workspace::program("taskset").is_none() {
            bail!("taskset, which pins programs to processors, is not on PATH: install util-linux");
        }
        if std::thread::available_parallelism().map_or(1, usize::from) < 2 {
            bail!("this machine has one processor; a measurement needs two, one for the server and one for the client");
        }
        let (generator, server) = build(scenario)?;
        let folder = workspace::state_folder().join("bench");
        files::make_folder(&folder)?;
        let server = match protocol {
            BenchProtocol::Http => {
                let mut command = pinned(&server);
                command
                    .arg("--fixed")
                    .args(log_delays.map(|file| ["--log-delays".as_ref(), file.as_os_str()]).into_iter().flatten());
                Server::Stub(StubBackend::spawn(command).await?)
            }
            BenchProtocol::Tls | BenchProtocol::Http2 => Server::Nginx(Nginx::start(&folder, protocol).await?),
        };
        let (store_process, store) = match workspace::program("prometheus") {
            Some(program) => {
                let (child, url) = start_store(&program, &folder).await?;
                (Some(child), Some(url))
            }
            None => (None, None),
        };
        Ok(Self { server, protocol, store, generator, folder, store_process })
    }

    /// The number of requests that the server has responded to.
    pub(super) async fn served_requests(&self) -> anyhow::Result<u64> {
        match &self.server {
            Server::Stub(stub) => {
                let count = http::json(&stub.url, "served").await?;
                count.as_u64().context("the server's /served is not the number of its requests")
            }
            Server::Nginx(nginx) => nginx.served_requests().await,
        }
    }

    pub(super) const fn url(&self) -> &Url {
        match &self.server {
            Server::Stub(stub) => &stub.url,
            Server::Nginx(nginx) => &nginx.url,
        }
    }

    /// The command of our generator with all of its features on, without a load.
    pub(super) fn generator_command(&self) -> std::process::Command {
        self.build(&self.generator)
    }

    /// As [`Self::generator_command`], of this build.
    pub(super) fn build(&self, generator: &Path) -> std::process::Command {
        let mut command = child::foreground(generator);
        let quiet = [(TARGET, self.url().to_string()), (QUIET, "1".to_owned())];
        command.envs(quiet).env(OUT, self.folder.join("ours"));
        if self.protocol != BenchProtocol::Http {
            command.env(INSECURE, "1");
        }
        if self.protocol == BenchProtocol::Http2 {
            command.env(HTTP2, "1");
        }
        if let Some(store) = &self.store {
            command.env(REMOTE_WRITE, store.as_str());
        }
        command
    }

    /// The command of a build of our generator for `vus` virtual users.
    pub(super) fn load_by(&self, build: &Path, vus: u32, duration: Duration) -> std::process::Command {
        let mut command = self.build(build);
        command.env(VUS, vus.to_string()).env(DURATION, format!("{}ms", duration.as_millis()));
        // With a warm-up, the generator records two phases.
        command.env(WARM_UP, "1s");
        command
    }

    pub(super) async fn stop(mut self) -> anyhow::Result<()> {
        match self.server {
            Server::Stub(stub) => stub.stop().await?,
            Server::Nginx(nginx) => nginx.stop().await?,
        }
        if let Some(mut store) = self.store_process.take() {
            store.kill().await.context("failed to stop Prometheus")?;
        }
        Ok(())
    }
}

/// Builds our generator and the server like `cargo xtask perf --peak` builds scenarios.
fn build(scenario: &str) -> anyhow::Result<(PathBuf, PathBuf)> {
    let mut args = vec!["--profile", PEAK_PROFILE, "--package", "perf-tests", "--example", scenario];
    args.extend(["--package", STUB, "--bin", STUB]);
    let built = scenarios::cargo_build(&mut workspace::cargo(), &args, "the generator does not compile")?;
    Ok((built.get(TargetKind::Example, scenario)?, built.get(TargetKind::Bin, STUB)?))
}

async fn start_store(program: &Path, folder: &Path) -> anyhow::Result<(Child, Url)> {
    let port = ports::free_port()?;
    let (config, data) = (folder.join("prometheus.yml"), folder.join("data"));
    fs::write(&config, "global: {}\n").context("failed to write Prometheus' configuration")?;
    files::remove_folder(&data)?;
    let mut command = pinned(program);
    command
        .arg(format!("--config.file={}", config.display()))
        .arg(format!("--storage.tsdb.path={}", data.display()))
        .arg(format!("--web.listen-address=127.0.0.1:{port}"))
        .arg(RECEIVER_FLAG)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let child = command.spawn().context("failed to start Prometheus")?;
    let url = Url::parse(&format!("http://127.0.0.1:{port}/"))?;
    if !http::ready(&url.join("-/ready")?, START).await? {
        bail!("Prometheus was not ready at {url} after {START:?}");
    }
    Ok((child, url.join("api/v1/write")?))
}
