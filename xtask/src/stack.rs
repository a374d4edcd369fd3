//! The stack: Prometheus and Grafana in containers, a Prometheus from PATH, or nothing.

pub(crate) mod docker;
mod images;
pub(crate) mod native;

use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};

use clap::ValueEnum;
use monitoring::prometheus::config::{NATIVE_HISTOGRAMS_FLAG, RECEIVER_FLAG, TARGETS, Target};
use monitoring::prometheus::recording_rules::Timing;
use monitoring::stack_limits::RETENTION;
use monitoring::{generated_files, promql, services};
use perf_report::exit_code::ExitCode;
use tokio::sync::watch;
use url::Url;

use crate::files;
use crate::host::cleanup::Cleanup;
use crate::host::{owner, ports};
use crate::workspace;
pub(crate) use images::Images;

/// Prometheus' usual port.
pub(crate) const PROMETHEUS_PORT: u16 = 9090;
/// Grafana's, beside a frontend that has 3000.
pub(crate) const GRAFANA_PORT: u16 = 3001;

/// The folder, beside a stack's state, of the archive that it shows.
const ARCHIVE: &str = "archive";

/// What the stack is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum StackChoice {
    /// Docker if it is there, else a `prometheus` on PATH, else no store
    Auto,
    /// Prometheus and Grafana in containers, or fail
    Docker,
    /// A `prometheus` from PATH, or fail
    Native,
    /// No store: metrics are counted and judged, and not kept
    None,
}

/// What a stack should be.
#[derive(Debug, Clone)]
pub(crate) struct StackOptions {
    pub(crate) choice: StackChoice,
    pub(crate) prometheus_port: u16,
    pub(crate) grafana_port: u16,
    pub(crate) grafana: bool,
    /// Keep data when the stack goes.
    pub(crate) keep_data: bool,
    /// How often Prometheus evaluates rules: as usual, or at a drill's pace.
    pub(crate) timing: Timing,
    /// The archive that it shows, in place of data of its own.
    pub(crate) archive: Option<ShownArchive>,
}

/// What of an unpacked archive a stack shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ShownArchive {
    /// Prometheus' blocks.
    pub(crate) data: PathBuf,
    /// Grafana's dashboards.
    pub(crate) dashboards: PathBuf,
}

impl StackOptions {
    /// The files that Prometheus reads, by their path beside `prometheus.yml`.
    fn configuration(&self) -> anyhow::Result<Vec<(String, String)>> {
        let files = generated_files::files(services::ALL, &self.timing)?.into_iter();
        let of_prometheus = |file: generated_files::GeneratedFile| {
            Some((file.path.strip_prefix("monitoring/prometheus/")?.to_owned(), file.contents))
        };
        Ok(files.filter_map(of_prometheus).collect())
    }

    /// Writes them.
    fn write_configuration(&self, folder: &Path) -> anyhow::Result<()> {
        for (relative, contents) in self.configuration()? {
            let path = folder.join(relative);
            if let Some(parent) = path.parent() {
                fs::create_dir_all(parent)?;
            }
            files::write(&path, contents)?;
        }
        Ok(())
    }

    /// What Prometheus is told besides where things are.
    fn flags(&self) -> [String; 4] {
        // What is in an archive is old, and would be the first to go.
        let retention = if self.archive.is_some() { "100y".to_owned() } else { promql::duration(RETENTION) };
        [
            format!("--storage.tsdb.retention.time={retention}"),
            format!("--query.lookback-delta={}", promql::duration(self.timing.lookback)),
            RECEIVER_FLAG.to_owned(),
            NATIVE_HISTOGRAMS_FLAG.to_owned(),
        ]
    }
}

/// Something of this clone's that runs, or is left over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum StackPart {
    /// A container.
    Container {
        /// Its name.
        name: String,
        /// Whether it runs: one that came back to life is as good as new.
        running: bool,
        /// Whether this command has made it.
        is_made_here: bool,
    },
    /// A Prometheus from PATH, by its port and its process: one that took another's place is another one.
    Native { port: u16, pid: String },
}

/// A stack that runs.
#[derive(Debug, Default)]
pub(crate) struct Stack {
    pub(crate) prometheus: Option<Url>,
    pub(crate) grafana: Option<Url>,
    /// What was not there before we came, and so is ours to stop.
    started: Vec<StackPart>,
    /// Whether the backend on 127.0.0.1 is to be scraped under another name.
    backend_host: Option<&'static str>,
    port: u16,
}

/// Why there is no stack.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StackError {
    /// This way cannot be gone here; another might.
    #[error("{0}")]
    Unavailable(String),
    /// The user has to decide.
    #[error("{0}")]
    Configuration(String),
    /// A signal came first.
    #[error("interrupted while the stack was starting")]
    Interrupted,
    /// Nobody expected that.
    #[error("{0:#}")]
    Internal(#[from] anyhow::Error),
}

impl StackError {
    pub(crate) const fn code(&self) -> ExitCode {
        match self {
            Self::Unavailable(_) | Self::Configuration(_) => ExitCode::BadConfiguration,
            Self::Interrupted => ExitCode::Interrupted,
            Self::Internal(_) => ExitCode::Internal,
        }
    }
}

/// Starts a stack, or finds the one that runs. One that does not start, or is interrupted by a signal, leaves nothing. What is not there, and
/// what that costs, is printed.
pub(crate) async fn start(options: &StackOptions, mut signals: watch::Receiver<u32>) -> Result<Stack, StackError> {
    let before = parts(options.choice, Some(options.prometheus_port)).await?;
    let failure = tokio::select! {
        stack = up(options, &before) => match stack {
            Ok(stack) => return Ok(stack),
            Err(error) => error,
        },
        _ = signals.wait_for(|count| *count > 0) => StackError::Interrupted,
    };
    // Half a stack is no use to anyone.
    let ended = match parts_since(&before, options).await {
        Ok(parts) => stop(&parts).await,
        Err(error) => Err(error.into()),
    };
    if let Err(error) = ended {
        eprintln!("warning: something of the stack may be left, for the next command to take away: {error:#}");
    }
    Err(failure)
}

async fn up(options: &StackOptions, before: &[StackPart]) -> Result<Stack, StackError> {
    let mut stack = match options.choice {
        StackChoice::None => return Ok(Stack::default()),
        StackChoice::Docker => docker::up(options).await?,
        StackChoice::Native => native::up(options).await?,
        StackChoice::Auto => auto(options).await?,
    };
    stack.started = parts_since(before, options).await?;
    Ok(stack)
}

async fn auto(options: &StackOptions) -> Result<Stack, StackError> {
    let no_docker = match docker::up(options).await {
        Err(StackError::Unavailable(why)) => why,
        result => return result,
    };
    match native::up(options).await {
        Err(StackError::Unavailable(no_native)) => {
            let cost = "metrics are judged but not kept, and there is no dashboard";
            eprintln!("{no_docker}, and {no_native}: {cost}");
            Ok(Stack::default())
        }
        Ok(stack) => {
            eprintln!("{no_docker}: using prometheus from PATH, so there is no Grafana to look at");
            Ok(stack)
        }
        Err(error) => Err(error),
    }
}

/// What there is of this clone's stacks, or of the one whose Prometheus has that port, as far as the choice allows it.
pub(crate) async fn parts(choice: StackChoice, prometheus_port: Option<u16>) -> Result<Vec<StackPart>, StackError> {
    let mut parts = match choice {
        StackChoice::None => return Ok(Vec::new()),
        StackChoice::Native => Vec::new(),
        StackChoice::Auto | StackChoice::Docker => docker::parts(prometheus_port).await?,
    };
    parts.extend(native::parts(prometheus_port).await);
    Ok(parts)
}

/// Takes away what commands left that are gone.
pub(crate) async fn clean_up(cleanup: &mut Cleanup) {
    docker::clean_up(cleanup).await;
    native::clean_up(cleanup).await;
}

/// What has come since.
async fn parts_since(before: &[StackPart], options: &StackOptions) -> Result<Vec<StackPart>, StackError> {
    let mut parts = parts(options.choice, Some(options.prometheus_port)).await?;
    // What has come by another command is not ours to stop.
    parts.retain(|part| !before.contains(part) && !matches!(part, StackPart::Container { is_made_here: false, .. }));
    Ok(parts)
}

/// Stops them, one whatever becomes of another, and gives the first error. Named volumes stay.
pub(crate) async fn stop(parts: &[StackPart]) -> anyhow::Result<()> {
    let mut stopped = Ok(());
    for part in parts {
        stopped = stopped.and(match part {
            StackPart::Container { name, .. } => docker::stop(name).await,
            StackPart::Native { port, .. } => native::stop(*port).await,
        });
    }
    if parts.iter().any(|part| matches!(part, StackPart::Container { .. })) {
        stopped = stopped.and(docker::remove_idle_networks().await);
    }
    stopped
}

impl std::fmt::Display for StackPart {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Container { name, .. } => f.write_str(name),
            Self::Native { port, .. } => write!(f, "prometheus at port {port}"),
        }
    }
}

impl Stack {
    /// Tells Prometheus where the backend answers `/metrics`.
    pub(crate) fn scrape(&self, backend: &Url) -> anyhow::Result<()> {
        if self.prometheus.is_none() {
            return Ok(());
        }
        let host = backend.host_str().unwrap_or_default();
        let local = matches!(host, "localhost" | "127.0.0.1" | "[::1]");
        let host = self.backend_host.filter(|_| local).unwrap_or(host);
        let port = backend.port_or_known_default().unwrap_or(80);
        let target = Target::new(format!("{host}:{port}"), backend.scheme() == "https");
        let file = backend_file(self.port);
        let text = serde_json::to_string(&[target])?;
        // First, so that it is found if there is no time to take it back.
        let owner = backend_owner(self.port);
        files::write(&owner, owner::owner())?;
        files::write(&file, text)
    }

    /// Tells Prometheus that the backend is gone.
    pub(crate) fn forget_backend(&self) -> anyhow::Result<()> {
        if self.prometheus.is_some() { forget_backend(self.port) } else { Ok(()) }
    }

    /// Whether it is in containers with a network of their own.
    pub(crate) const fn is_on_a_bridge(&self) -> bool {
        self.backend_host.is_some()
    }

    /// Stops what was not there before we came.
    pub(crate) async fn down(&self) -> anyhow::Result<()> {
        stop(&self.started).await
    }
}

/// The folder with a stack's target file, and with all state of a Prometheus from PATH.
fn state_folder(prometheus_port: u16) -> PathBuf {
    workspace::perf().join("stack").join(prometheus_port.to_string())
}

/// The file that tells a stack's Prometheus where the backend is.
fn backend_file(prometheus_port: u16) -> PathBuf {
    state_folder(prometheus_port).join(TARGETS).join("backend.json")
}

/// The file with the command that wrote it.
fn backend_owner(prometheus_port: u16) -> PathBuf {
    state_folder(prometheus_port).join("backend-owner")
}

/// Removes both.
fn forget_backend(prometheus_port: u16) -> anyhow::Result<()> {
    files::remove_file(&backend_file(prometheus_port))?;
    files::remove_file(&backend_owner(prometheus_port))
}

/// Where a stack's archive is unpacked.
pub(crate) fn archive_folder(prometheus_port: u16) -> anyhow::Result<PathBuf> {
    Ok(std::path::absolute(state_folder(prometheus_port).join(ARCHIVE))?)
}

/// Runs Prometheus' tool from its image, in a folder.
pub(crate) async fn promtool(folder: &Path, arguments: &[String]) -> anyhow::Result<()> {
    docker::promtool(folder, arguments).await
}

fn make_targets_folder(prometheus_port: u16) -> anyhow::Result<PathBuf> {
    let folder = state_folder(prometheus_port).join(TARGETS);
    files::make_folder(&folder)?;
    Ok(folder)
}

/// Refuses a port that something else has.
fn check_port(port: u16, what: &str, flag: &str, also: &str) -> Result<(), StackError> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).map(drop).map_err(|error| {
        StackError::Configuration(format!(
            "port {port} for {what} is taken by {}: choose another with {flag}{also}",
            ports::holder(port).unwrap_or_else(|| error.to_string())
        ))
    })
}

/// Refuses what goes with another command: it would be gone before we are done, and is not ours to replace.
fn check_owner(owner: &str, stack: u16) -> Result<(), StackError> {
    match owner::running_owner(owner) {
        None => Ok(()),
        Some(pid) => Err(StackError::Configuration(format!(
            "the stack at port {stack} is of another command that still runs, and goes with it (process {pid}): wait for that, or choose \
             another port with --prometheus-port (if it does not run: cargo xtask stack down --prometheus-port {stack})"
        ))),
    }
}

fn check_prometheus_port(port: u16) -> Result<(), StackError> {
    let also = format!(", or use what runs there with --prometheus-url http://127.0.0.1:{port}");
    check_port(port, "Prometheus", "--prometheus-port", &also)
}

pub(crate) fn local_url(port: u16) -> anyhow::Result<Url> {
    Ok(Url::parse(&format!("http://127.0.0.1:{port}/"))?)
}
