//! A side's service: started for a round, waited for, and ended with all that it started.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, bail};
use tokio::process::{Child, Command};
use tokio::time;
use url::Url;

use crate::host::{owner, ports, processes};
use crate::http;
use crate::stub_backend::StubBackend;

/// How long a service may take to end when it is asked to.
#[cfg(unix)]
const STOP: Duration = Duration::from_secs(10);
const POLL: Duration = Duration::from_millis(50);
/// So many lines of a log tell mostly why.
const LAST_LINES: usize = 15;

/// How a side's service comes to be.
#[derive(Debug, Clone)]
pub(super) enum SideService {
    /// It runs already, and is not ours.
    Running(Url),
    /// Our own stand-in.
    StandIn(PathBuf),
    /// A shell's command, run in a folder.
    Command { command: String, folder: PathBuf, within: Duration },
}

/// A service that runs.
#[derive(Debug)]
pub(super) enum RunningService {
    Running(Url),
    StandIn(StubBackend),
    Command { child: Child, group: ProcessGroup, url: Url },
}

impl SideService {
    /// Starts it and waits until it listens. What it says goes to a file.
    pub(super) async fn start(&self, side: &str, seed: u64, log: &Path) -> anyhow::Result<RunningService> {
        match self {
            Self::Running(url) => Ok(RunningService::Running(url.clone())),
            Self::StandIn(program) => Ok(RunningService::StandIn(StubBackend::start(program, seed, &[]).await?)),
            Self::Command { command, folder, within } => command_up(command, side, folder, log, *within).await,
        }
    }
}

impl RunningService {
    pub(super) const fn url(&self) -> &Url {
        match self {
            Self::Running(url) | Self::Command { url, .. } => url,
            Self::StandIn(backend) => &backend.url,
        }
    }

    /// Ends it, if it is ours, with all processes that it started; says if some would not go by themselves.
    pub(super) async fn stop(self) -> anyhow::Result<Option<String>> {
        match self {
            Self::Running(_) => Ok(None),
            Self::StandIn(backend) => backend.stop().await.map(|()| None),
            Self::Command { mut child, group, .. } => end(&mut child, group).await,
        }
    }
}

/// A shell's command, in a group of its own.
pub(super) fn shell(command: &str, folder: &Path) -> Command {
    let mut shell = if cfg!(windows) { Command::new("cmd") } else { Command::new("sh") };
    shell.arg(if cfg!(windows) { "/C" } else { "-c" }).arg(command).current_dir(folder);
    shell.stdin(Stdio::null()).kill_on_drop(true);
    // What it leaves running on purpose, such as a database, is its own affair, and carries no mark of ours.
    owner::detach(&mut shell);
    shell
}

/// The end of a log, for a message.
pub(super) fn last_lines(log: &Path) -> String {
    let text = fs::read(log).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default();
    let lines: Vec<_> = text.lines().collect();
    let last = &lines[lines.len().saturating_sub(LAST_LINES)..];
    let said =
        if last.is_empty() { "it said nothing".to_owned() } else { format!("it said:\n  {}", last.join("\n  ")) };
    format!("{said}\n  (all of it is in {})", log.display())
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
    let mut child = shell.spawn().context("failed to run what --start says")?;
    let group = ProcessGroup::new(&child);
    let url = Url::parse(&format!("http://127.0.0.1:{port}/"))?;
    let client = http::client(&url)?;
    let answered = async {
        // Any answer will do: whether it is a good one is what the load finds out.
        while client.get(url.clone()).send().await.is_err() {
            time::sleep(POLL).await;
        }
    };
    let why = tokio::select! {
        answered = time::timeout(within, answered) => match answered {
            Ok(()) => return Ok(RunningService::Command { child, group, url }),
            Err(_) => format!("what --start runs did not listen on 127.0.0.1, port {port} (PORT), within {within:?}"),
        },
        ended = child.wait() => format!(
            "what --start runs ended before it listened ({}); what it left in the background was ended, too: it has to stay",
            ended?
        ),
    };
    end(&mut child, group).await?;
    bail!("{why}; {}", last_lines(log));
}

/// Runs a command to its end. If nobody waits for that any more, it and all that it started are ended.
pub(super) async fn run_to_end(shell: &mut Command) -> anyhow::Result<std::process::ExitStatus> {
    let mut child = shell.spawn().context("failed to run it")?;
    let mut group = ProcessGroup::new(&child);
    let ended = child.wait().await.context("failed to wait for it")?;
    // What it leaves running on purpose, such as a database, is its own affair.
    group.0 = None;
    Ok(ended)
}

/// The processes that a command started, itself among them. Dropped, they are ended: then nobody waits for them any more.
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
            // There is nobody left to tell of an error.
            let _ = processes::kill_group(group);
        }
    }
}

/// Ends a command and its group: asked to at first, then not. The group lives as long as one of its processes does, though the shell may be
/// gone.
#[cfg(unix)]
async fn end(child: &mut Child, mut group: ProcessGroup) -> anyhow::Result<Option<String>> {
    let Some(id) = group.0.take() else { return Ok(None) };
    processes::terminate_group(id)?;
    let is_gone = time::timeout(STOP, async {
        // Its zombie holds the group's name as long as it is not waited for, so that the name is not another's meanwhile.
        while processes::group_lives(id) {
            time::sleep(POLL).await;
        }
    });
    let left = match is_gone.await {
        Ok(()) => None,
        Err(_) => {
            processes::kill_group(id)?;
            Some(format!("the service did not end within {STOP:?} of SIGTERM, and was killed with what it had started"))
        }
    };
    child.wait().await.context("failed to wait for the service")?;
    Ok(left)
}

/// Where there are no groups, the command alone.
#[cfg(not(unix))]
async fn end(child: &mut Child, _: ProcessGroup) -> anyhow::Result<Option<String>> {
    child.kill().await.context("failed to end the service")?;
    Ok(None)
}
