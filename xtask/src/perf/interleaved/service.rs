//! The service of a side: started for a round, and stopped with all processes that it started.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, bail};
use tokio::process::{Child, Command};
use tokio::time;
use url::Url;

use crate::host::{child, http, owner, ports, processes};
use crate::stack::stub_backend::StubBackend;

/// Time limit for a service to end after SIGTERM.
#[cfg(unix)]
const STOP: Duration = Duration::from_secs(10);
const POLL: Duration = Duration::from_millis(50);
/// Number of log lines shown on failure.
const LAST_LINES: usize = 15;

/// The way in which a side's service is started.
#[derive(Debug, Clone)]
pub(super) enum SideService {
    /// A running service of the user's, which is neither started nor stopped.
    Running(Url),
    Stub(PathBuf),
    /// A shell command that runs in `folder`. The service has to listen within `within`.
    Command {
        command: String,
        folder: PathBuf,
        within: Duration,
    },
}

#[derive(Debug)]
pub(super) enum RunningService {
    Running(Url),
    Stub(StubBackend),
    Command { child: Child, group: ProcessGroup, url: Url },
}

impl SideService {
    /// Starts the service and waits until it listens. Its output goes to the file `log`.
    pub(super) async fn start(&self, side: &str, seed: u64, log: &Path) -> anyhow::Result<RunningService> {
        match self {
            Self::Running(url) => Ok(RunningService::Running(url.clone())),
            Self::Stub(program) => Ok(RunningService::Stub(StubBackend::start(program, seed, &[]).await?)),
            Self::Command { command, folder, within } => command_up(command, side, folder, log, *within).await,
        }
    }
}

impl RunningService {
    pub(super) const fn url(&self) -> &Url {
        match self {
            Self::Running(url) | Self::Command { url, .. } => url,
            Self::Stub(stub) => &stub.url,
        }
    }

    /// Stops the service with all processes that it started, unless it is the user's.
    ///
    /// Returns a warning if it had to be killed.
    pub(super) async fn stop(self) -> anyhow::Result<Option<String>> {
        match self {
            Self::Running(_) => Ok(None),
            Self::Stub(stub) => stub.stop().await.map(|()| None),
            Self::Command { mut child, group, .. } => end(&mut child, group).await,
        }
    }
}

/// A shell command in a process group of its own.
pub(super) fn shell(command: &str, folder: &Path) -> Command {
    // A program that the command leaves running on purpose, such
    // as a database, does not belong to us.
    let mut shell = child::detached(if cfg!(windows) { "cmd" } else { "sh" });
    shell.arg(if cfg!(windows) { "/C" } else { "-c" }).arg(command).current_dir(folder);
    shell.stdin(Stdio::null()).kill_on_drop(true);
    shell
}

/// The last lines of a log, for a message.
pub(super) fn last_lines(log: &Path) -> String {
    let text = fs::read(log).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default();
    let lines: Vec<_> = text.lines().collect();
    let last = &lines[lines.len().saturating_sub(LAST_LINES)..];
    let shown = if last.is_empty() { "no output".to_owned() } else { format!("last output:\n  {}", last.join("\n  ")) };
    format!("{shown}\n  (full output: {})", log.display())
}

async fn command_up(
    command: &str,
    side: &str,
    folder: &Path,
    log: &Path,
    within: Duration,
) -> anyhow::Result<RunningService> {
    let file = File::create(log).with_context(|| format!("failed to write {}", log.display()))?;
    let port = ports::free_port()?;
    let mut shell = shell(command, folder);
    owner::attach(&mut shell);
    shell.env("PORT", port.to_string()).env("PERF_SIDE", side);
    shell.stdout(file.try_clone()?).stderr(file);
    let mut child = shell.spawn().context("failed to run the shell of --start")?;
    let group = ProcessGroup::new(&child);
    let url = Url::parse(&format!("http://127.0.0.1:{port}/"))?;
    let client = http::client(&url)?;
    let responds = async {
        // A response of any status counts: the load will show whether it is a good one.
        while client.get(url.clone()).send().await.is_err() {
            time::sleep(POLL).await;
        }
    };
    let why = tokio::select! {
        responds = time::timeout(within, responds) => match responds {
            Ok(()) => return Ok(RunningService::Command { child, group, url }),
            Err(_) => format!(
                "the service of --start did not listen on 127.0.0.1:{port} (PORT) within {within:?} (--start-timeout)"
            ),
        },
        ended = child.wait() => format!(
            "the command of --start ended before it listened ({}): it has to stay in the foreground; its background processes were ended",
            ended?
        ),
    };
    end(&mut child, group).await?;
    bail!("{why}; {}", last_lines(log));
}

/// Runs a command to its end. If the future is dropped, the command and its processes are killed.
pub(super) async fn run_to_end(shell: &mut Command) -> anyhow::Result<std::process::ExitStatus> {
    let mut child = shell.spawn().context("failed to run the shell")?;
    let mut group = ProcessGroup::new(&child);
    let ended = child.wait().await.context("failed to wait for the shell")?;
    // A program that the command leaves running on purpose, such as a database, goes on.
    group.0 = None;
    Ok(ended)
}

/// The process group of a command, with all processes that it started. Dropping it kills them.
#[derive(Debug)]
pub(super) struct ProcessGroup(Option<u32>);

impl ProcessGroup {
    fn new(child: &Child) -> Self {
        Self(child.id())
    }
}

impl Drop for ProcessGroup {
    fn drop(&mut self) {
        #[cfg(unix)]
        if let Some(group) = self.0 {
            // A drop cannot report errors.
            let _ = processes::kill_group(group);
        }
    }
}

/// Ends a command and its group with SIGTERM, and with SIGKILL after the time limit.
///
/// The group lives as long as one of its processes, even if the shell has ended. Returns a warning
/// if the group had to be killed.
#[cfg(unix)]
async fn end(child: &mut Child, mut group: ProcessGroup) -> anyhow::Result<Option<String>> {
    let Some(id) = group.0.take() else { return Ok(None) };
    processes::terminate_group(id)?;
    let is_gone = time::timeout(STOP, async {
        // The shell is waited for only afterward: until then,
        // its zombie reserves the id of the group.
        while processes::group_lives(id) {
            time::sleep(POLL).await;
        }
    });
    let left = match is_gone.await {
        Ok(()) => None,
        Err(_) => {
            processes::kill_group(id)?;
            Some(format!("the service did not end within {STOP:?} of SIGTERM, and was killed with its processes"))
        }
    };
    child.wait().await.context("failed to wait for the service")?;
    Ok(left)
}

/// Kills the command alone: this system has no process groups.
#[cfg(not(unix))]
async fn end(child: &mut Child, _: ProcessGroup) -> anyhow::Result<Option<String>> {
    child.kill().await.context("failed to kill the service")?;
    Ok(None)
}
