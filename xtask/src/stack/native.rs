//! A Prometheus from PATH, for machines without Docker. It listens on the loopback interface and keeps all it has under
//! `target/perf/stack/<port>/`.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::Context as _;
use perf_host::proc;
use serde_json::Value;
use tokio::process::{Child, Command};

use super::{
    ARCHIVE, Stack, StackError, StackOptions, StackPart, archive_folder, backend_owner, check_owner,
    check_prometheus_port, forget_backend, local_url, make_targets_folder, state_folder,
};
use crate::host::cleanup::Cleanup;
use crate::host::{owner, processes};
use crate::{files, http, workspace};

const PID: &str = "pid";
/// Data that is kept, and data that goes with the stack.
const DATA: &str = "data";
const PASSING_DATA: &str = "passing-data";
/// Whose it is, if it goes with a command.
const OWNER: &str = "owner";
const LOG: &str = "prometheus.log";
const START: Duration = Duration::from_secs(30);
const STOP: Duration = Duration::from_secs(20);

/// Starts Prometheus, or finds the one that was started by us.
pub(super) async fn up(options: &StackOptions) -> Result<Stack, StackError> {
    let port = options.prometheus_port;
    let folder = state_folder(port);
    let url = local_url(port)?;
    let stack = Stack { prometheus: Some(url.clone()), port, ..Stack::default() };
    if let Some(data) = data_of(port).await {
        check_owner(fs::read_to_string(folder.join(OWNER)).unwrap_or_default().trim(), port)?;
        // Another archive, or an archive where data of every day is wanted, is no use.
        let shows_it = match &options.archive {
            Some(archive) => data == archive.data,
            None => !data.starts_with(archive_folder(port)?),
        };
        if shows_it && configured_as_now(&folder, options)? {
            make_targets_folder(port)?;
            return Ok(stack);
        }
        stop(port).await?;
    }
    let Some(program) = workspace::program("prometheus") else {
        return Err(StackError::Unavailable("there is no prometheus on PATH".to_owned()));
    };
    check_prometheus_port(port)?;
    let own = folder.join(if options.keep_data { DATA } else { PASSING_DATA });
    let data = options.archive.as_ref().map_or(own, |archive| archive.data.clone());
    files::remove_folder(&folder.join(PASSING_DATA))?;
    make_targets_folder(port)?;
    options.write_configuration(&folder)?;
    let (mut child, pid) = start(&program, &folder, &data, options)?;
    let ready = url.join("-/ready").context("failed to make a URL")?;
    let is_ready = http::ready(&ready, START).await?;
    // Another one may answer, which had the port first.
    if !is_ready || child.try_wait().context("failed to look after Prometheus")?.is_some() {
        let log = tail(&folder.join(LOG));
        processes::terminate(pid, STOP).await?;
        fs::remove_file(folder.join(PID)).context("failed to remove Prometheus' process id")?;
        return Err(StackError::Unavailable(format!("{} did not start: {log}", program.display())));
    }
    Ok(stack)
}

fn start(program: &Path, folder: &Path, data: &Path, options: &StackOptions) -> anyhow::Result<(Child, u32)> {
    let log = File::create(folder.join(LOG)).context("failed to make Prometheus' log")?;
    let mut command = Command::new(program);
    command
        .arg(format!("--config.file={}", folder.join("prometheus.yml").display()))
        .arg(format!("--storage.tsdb.path={}", data.display()))
        .arg(format!("--web.listen-address=127.0.0.1:{}", options.prometheus_port))
        .args(options.flags())
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log);
    if options.keep_data {
        // Of one that ended by itself.
        files::remove_file(&folder.join(OWNER))?;
        owner::detach(&mut command);
    } else {
        // Written before there is anything to be found by it.
        fs::write(folder.join(OWNER), owner::owner()).context("failed to write whose Prometheus it is")?;
        owner::attach(&mut command);
    }
    let child = command.spawn().with_context(|| format!("failed to start {}", program.display()))?;
    let pid = child.id().context("Prometheus ended at once")?;
    fs::write(folder.join(PID), pid.to_string()).context("failed to write Prometheus' process id")?;
    Ok((child, pid))
}

/// Whether what runs there was started with these files. One that was not has other rules.
fn configured_as_now(folder: &Path, options: &StackOptions) -> anyhow::Result<bool> {
    let same = |(relative, contents): &(String, String)| {
        fs::read_to_string(folder.join(relative)).is_ok_and(|known| known == *contents)
    };
    Ok(options.configuration()?.iter().all(same))
}

/// Whether the Prometheus at that port keeps its data where we would: then it is ours, whatever a file with a process id
/// says.
async fn running(port: u16) -> bool {
    data_of(port).await.is_some()
}

/// Where it keeps its data, if it is ours.
async fn data_of(port: u16) -> Option<PathBuf> {
    let flags = http::json(&local_url(port).ok()?, "api/v1/status/flags").await.ok()?;
    let path = PathBuf::from(flags.pointer("/data/storage.tsdb.path").and_then(Value::as_str)?);
    let own = [DATA, PASSING_DATA].map(|data| state_folder(port).join(data));
    let is_ours = own.contains(&path) || archive_folder(port).is_ok_and(|archive| path.starts_with(archive));
    is_ours.then_some(path)
}

/// Each Prometheus of ours that runs, or is about to.
pub(super) async fn parts(only: Option<u16>) -> Vec<StackPart> {
    let mut parts = Vec::new();
    for (port, folder) in folders(only) {
        if is_starting(&folder).await || running(port).await {
            let pid = fs::read_to_string(folder.join(PID)).unwrap_or_default();
            parts.push(StackPart::Native { port, pid });
        }
    }
    parts
}

/// Whether the process that was started with this folder is there, though it may not answer yet. Known only where
/// processes show what they were started with.
async fn is_starting(folder: &Path) -> bool {
    const READINGS: u32 = 100;
    const PAUSE: Duration = Duration::from_millis(20);
    let Ok(pid) = fs::read_to_string(folder.join(PID)).unwrap_or_default().trim().parse() else { return false };
    for _ in 0..READINGS {
        let command = proc::command_line(pid).unwrap_or_default();
        // While a process is about to become another program, and its pages are still read, it shows none.
        if !command.is_empty() || proc::start_time(pid).is_none() {
            return command.contains(&folder.display().to_string());
        }
        tokio::time::sleep(PAUSE).await;
    }
    false
}

/// Stops our Prometheus at that port.
pub(super) async fn stop(port: u16) -> anyhow::Result<()> {
    let folder = state_folder(port);
    let file = folder.join(PID);
    let text = fs::read_to_string(&file).context("failed to read Prometheus' process id")?;
    // It may have ended by itself, and its number be another's by now. Only Linux shows what a process was started with.
    if !cfg!(target_os = "linux") || is_starting(&folder).await {
        processes::terminate(text.trim().parse()?, STOP).await?;
    }
    files::remove_file(&file)?;
    // Two that were started at once have one file.
    anyhow::ensure!(
        !running(port).await,
        "a Prometheus of ours still runs at port {port}, and it is not known by which process"
    );
    forget_passing(&folder)
}

fn forget_passing(folder: &Path) -> anyhow::Result<()> {
    files::remove_file(&folder.join(OWNER))?;
    files::remove_folder(&folder.join(PASSING_DATA))
}

/// Takes away what a Prometheus left whose owner is gone, and itself where processes do not show whose they are; and, of any stack, the
/// backend that nobody loads any more.
pub(super) async fn clean_up(cleanup: &mut Cleanup) {
    for (port, folder) in state_folders(None) {
        let is_gone = |file: &Path| fs::read_to_string(file).is_ok_and(|owner| owner::is_gone(owner.trim()));
        if is_gone(&backend_owner(port)) {
            cleanup.note(forget_backend(port), || format!("the backend that the stack at port {port} scraped"));
        }
        if is_gone(&folder.join(OWNER)) {
            cleanup.note(forget_all(port, &folder).await, || format!("data of the prometheus at port {port}"));
        }
    }
}

async fn forget_all(port: u16, folder: &Path) -> anyhow::Result<()> {
    if data_of(port).await.is_some_and(|data| data == folder.join(PASSING_DATA)) {
        stop(port).await?;
    }
    files::remove_file(&folder.join(PID))?;
    forget_passing(folder)
}

/// A line for each Prometheus of ours, and where it answers.
pub(crate) async fn status() -> anyhow::Result<Vec<(String, Option<url::Url>)>> {
    let mut lines = Vec::new();
    for (port, folder) in folders(None) {
        if running(port).await {
            let url = local_url(port)?;
            let kept = [ARCHIVE, PASSING_DATA].into_iter().map(|data| folder.join(data)).find(|data| data.exists());
            let data = kept.unwrap_or_else(|| folder.join(DATA));
            lines.push((format!("prometheus  {url}  from PATH, data in {}", data.display()), Some(url)));
        }
    }
    Ok(lines)
}

/// Prints what each Prometheus of ours wrote last, and goes on if it is to. Gives their number.
pub(crate) async fn logs(follow: bool) -> anyhow::Result<usize> {
    const LINES: usize = 50;
    const PAUSE: Duration = Duration::from_millis(500);
    let folders = folders(None);
    let mut shown = vec![0; folders.len()];
    loop {
        for ((port, folder), shown) in folders.iter().zip(&mut shown) {
            let text = fs::read_to_string(folder.join(LOG)).with_context(|| format!("failed to read {LOG}"))?;
            let lines: Vec<_> = text.lines().collect();
            // A log that is shorter than before is another one's.
            let from = if *shown == 0 || lines.len() < *shown { lines.len().saturating_sub(LINES) } else { *shown };
            lines[from..].iter().for_each(|line| crate::terminal::say(&format!("prometheus at {port}  {line}")));
            *shown = lines.len();
        }
        if !follow || folders.is_empty() {
            return Ok(folders.len());
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// Folders with data of ours, whether or not it is in use.
pub(crate) fn data(only: Option<u16>) -> Vec<PathBuf> {
    let folders = state_folders(only).into_iter();
    folders
        .flat_map(|(_, folder)| [DATA, PASSING_DATA, ARCHIVE].map(|data| folder.join(data)))
        .filter(|data| data.exists())
        .collect()
}

/// Removes it. Nothing may use it any more.
pub(crate) fn remove_data(only: Option<u16>) -> anyhow::Result<()> {
    data(only).iter().try_for_each(|data| files::remove_folder(data))
}

/// The state folders in which a Prometheus was started.
fn folders(only: Option<u16>) -> Vec<(u16, PathBuf)> {
    state_folders(only).into_iter().filter(|(_, folder)| folder.join(PID).exists()).collect()
}

/// The state folders of all stacks that there ever were here.
fn state_folders(only: Option<u16>) -> Vec<(u16, PathBuf)> {
    let entries = fs::read_dir(workspace::perf().join("stack")).into_iter().flatten().flatten();
    let ports = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u16>().ok());
    let mut folders: Vec<_> = ports.filter(|port| only.is_none_or(|only| only == *port)).collect();
    folders.sort_unstable();
    folders.into_iter().map(|port| (port, state_folder(port))).collect()
}

/// The last line of a log, which says why its writer ended.
fn tail(log: &Path) -> String {
    let text = fs::read_to_string(log).unwrap_or_else(|error| error.to_string());
    text.lines().last().unwrap_or("its log is empty").to_owned()
}
