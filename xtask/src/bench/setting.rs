//! What is around a measurement: the server, a store, processors to pin to, and the programs that were built.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, bail};
use cargo_metadata::{Message, TargetKind};
use monitoring::prometheus::config::RECEIVER_FLAG;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::time;
use url::Url;

use crate::{http, process, workspace};

const START: Duration = Duration::from_secs(15);

/// The processors: one for the server and the store, one for whoever is measured.
pub(super) const SERVERS: usize = 0;
pub(super) const CLIENT: usize = 1;

/// A server that answers always the same, a store if there is a Prometheus, and our generator.
pub(super) struct Setting {
    pub(super) server: Url,
    /// Where a Prometheus takes metrics; none if there is none on PATH.
    pub(super) store: Option<Url>,
    pub(super) generator: PathBuf,
    /// Where files of this measurement go.
    pub(super) folder: PathBuf,
    server_process: Child,
    store_process: Option<Child>,
}

impl Setting {
    /// Builds and starts everything. The server delays its answers and writes that down if a file is named.
    pub(super) async fn start(log_delays: Option<&Path>) -> anyhow::Result<Self> {
        if workspace::program("taskset").is_none() {
            bail!("there is no taskset on PATH (util-linux), and without it nothing is pinned to a processor");
        }
        if std::thread::available_parallelism().map_or(1, usize::from) < 2 {
            bail!("this machine has one processor, and a measurement needs one for the server and one for the client");
        }
        let (generator, server) = build()?;
        let folder = workspace::perf().join("bench");
        fs::create_dir_all(&folder).with_context(|| format!("failed to make {}", folder.display()))?;
        let (server_process, url) = start_server(&server, log_delays).await?;
        let (store_process, store) = match workspace::program("prometheus") {
            Some(program) => {
                let (child, url) = start_store(&program, &folder).await?;
                (Some(child), Some(url))
            }
            None => (None, None),
        };
        Ok(Self { server: url, store, generator, folder, server_process, store_process })
    }

    /// How many requests the server has answered.
    pub(super) async fn answered(&self) -> anyhow::Result<u64> {
        let count = http::json(self.server.join("answered")?).await?;
        count.as_u64().context("the server did not say how many requests it answered")
    }

    /// Our generator with everything on, before anything is said of its load.
    pub(super) fn ours(&self) -> std::process::Command {
        let mut command = std::process::Command::new(&self.generator);
        let quiet = [(perf_settings::TARGET, self.server.to_string()), (perf_settings::QUIET, "1".to_owned())];
        command.envs(quiet).env(perf_settings::OUT, self.folder.join("ours"));
        if let Some(store) = &self.store {
            command.env(perf_settings::REMOTE_WRITE, store.as_str());
        }
        command
    }

    /// Ends what was started.
    pub(super) async fn stop(mut self) -> anyhow::Result<()> {
        drop(self.server_process.stdin.take());
        self.server_process.wait().await.context("failed to wait for the server")?;
        if let Some(mut store) = self.store_process.take() {
            store.kill().await.context("failed to end Prometheus")?;
        }
        Ok(())
    }
}

/// Our generator and the server, built as `cargo xtask perf --peak` builds scenarios.
fn build() -> anyhow::Result<(PathBuf, PathBuf)> {
    let mut command = workspace::cargo();
    command.args([
        "build",
        "--profile",
        crate::scenarios::PEAK_PROFILE,
        "--package",
        "perf-tests",
        "--example",
        "fixed",
    ]);
    command.args(["--package", "stub-backend", "--bin", "stub-backend", "--message-format=json-render-diagnostics"]);
    let output =
        command.current_dir(workspace::root()).stderr(Stdio::inherit()).output().context("failed to run cargo")?;
    if !output.status.success() {
        bail!("the generator does not compile");
    }
    let (mut generator, mut server) = (None, None);
    for message in Message::parse_stream(output.stdout.as_slice()) {
        if let Message::CompilerArtifact(artifact) = message.context("failed to read cargo's messages")?
            && let Some(executable) = artifact.executable
        {
            match artifact.target.name.as_str() {
                "fixed" if artifact.target.kind.contains(&TargetKind::Example) => generator = Some(executable.into()),
                "stub-backend" => server = Some(executable.into()),
                _ => {}
            }
        }
    }
    Ok((generator.context("cargo built no example named fixed")?, server.context("cargo built no backend")?))
}

fn pinned(program: &Path) -> Command {
    let mut command = Command::new("taskset");
    command.args(["-c", &SERVERS.to_string()]).arg(program).kill_on_drop(true);
    process::own_group(&mut command);
    command
}

async fn start_server(program: &Path, log_delays: Option<&Path>) -> anyhow::Result<(Child, Url)> {
    let mut command = pinned(program);
    command.args(["--fixed", "--port", "0", "--until-stdin-closes"]).stdin(Stdio::piped()).stdout(Stdio::piped());
    if let Some(file) = log_delays {
        command.arg("--log-delays").arg(file);
    }
    let mut child = command.spawn().context("failed to start the server")?;
    let stdout = child.stdout.take().context("the server has no output")?;
    let mut lines = BufReader::new(stdout).lines();
    let first = time::timeout(START, lines.next_line()).await.context("the server did not say where it listens")??;
    let url = first.as_deref().and_then(|line| line.strip_prefix("listening on "));
    Ok((child, Url::parse(url.context("the server did not start")?)?))
}

async fn start_store(program: &Path, folder: &Path) -> anyhow::Result<(Child, Url)> {
    let port = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    let (config, data) = (folder.join("prometheus.yml"), folder.join("data"));
    fs::write(&config, "global: {}\n").context("failed to write Prometheus' configuration")?;
    if data.exists() {
        fs::remove_dir_all(&data).context("failed to remove an older measurement's data")?;
    }
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
        bail!("Prometheus did not start");
    }
    Ok((child, url.join("api/v1/write")?))
}
