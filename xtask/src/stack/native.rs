//! A Prometheus from PATH, for machines without Docker.
//!
//! It listens on the loopback interface and keeps its files in `target/perf/stack/<port>/`.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::Context as _;
use monitoring::generated_files::{GeneratedFile, prometheus_files};
use monitoring::services;
use perf_host::proc;
use prometheus_store::StoreAccess;
use serde_json::Value;
use tokio::process::Child;

use super::{
    ARCHIVE, Stack, StackError, StackOptions, StackPart, UnavailableError, archive_folder, backend_owner, check_owner,
    check_prometheus_port, forget_backend, local_url, make_targets_folder, stack_folder,
};
use crate::host::cleanup::Cleanup;
use crate::host::{child, files, http, owner, processes, workspace};

const PID: &str = "pid";
/// The folder of data that is kept.
const DATA: &str = "data";
/// The folder of data that is removed with the stack.
const TEMPORARY_DATA: &str = "passing-data";
/// The file that names the owner of a stack that belongs to a command.
const OWNER: &str = "owner";
const LOG: &str = "prometheus.log";
const START: Duration = Duration::from_secs(30);
const STOP: Duration = Duration::from_secs(20);

/// Starts Prometheus, or reuses the one that a command of this clone started.
pub(super) async fn up(options: &StackOptions) -> Result<Stack, StackError> {
    let port = options.prometheus_port;
    let folder = stack_folder(port);
    let url = local_url(port)?;
    let stack = Stack { prometheus: Some(url.clone()), port, ..Stack::default() };
    if let Some(data) = data_folder(port).await {
        check_owner(fs::read_to_string(folder.join(OWNER)).unwrap_or_default().trim(), port)?;
        let has_wanted_data = match &options.archive {
            Some(archive) => data == archive.data,
            None => !data.starts_with(archive_folder(port)?),
        };
        if has_wanted_data && has_current_configuration(&folder, options)? {
            make_targets_folder(port)?;
            return Ok(stack);
        }
        stop(port).await?;
    }
    let Some(program) = workspace::program("prometheus") else {
        return Err(UnavailableError::NoPrometheus.into());
    };
    check_prometheus_port(port)?;
    let own = folder.join(if options.keep_data { DATA } else { TEMPORARY_DATA });
    let data = options.archive.as_ref().map_or(own, |archive| archive.data.clone());
    files::remove_folder(&folder.join(TEMPORARY_DATA))?;
    make_targets_folder(port)?;
    options.write_configuration(&folder)?;
    let (mut child, pid) = start(&program, &folder, &data, options)?;
    let ready = url.join("-/ready").context("failed to make a URL")?;
    let is_ready = http::ready(&ready, START).await?;
    // If the child has ended, another Prometheus responded, which had the port first.
    if !is_ready || child.try_wait().context("failed to check whether Prometheus still runs")?.is_some() {
        let last_line = last_log_line(&folder.join(LOG));
        processes::terminate(pid, STOP).await?;
        fs::remove_file(folder.join(PID)).context("failed to remove Prometheus' process id")?;
        return Err(UnavailableError::NotStarted { program, last_line }.into());
    }
    Ok(stack)
}

fn start(program: &Path, folder: &Path, data: &Path, options: &StackOptions) -> anyhow::Result<(Child, u32)> {
    let log = File::create(folder.join(LOG)).context("failed to create Prometheus' log")?;
    let mut command = child::detached(program);
    command
        .arg(format!("--config.file={}", folder.join("prometheus.yml").display()))
        .arg(format!("--storage.tsdb.path={}", data.display()))
        .arg(format!("--web.listen-address=127.0.0.1:{}", options.prometheus_port))
        .args(options.flags())
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log);
    if options.keep_data {
        // An earlier Prometheus that ended by itself may have left its owner.
        files::remove_file(&folder.join(OWNER))?;
    } else {
        // Written before the start: if this command is killed, the next one can clean up.
        fs::write(folder.join(OWNER), owner::this_command()).context("failed to write the owner of Prometheus")?;
        owner::attach(&mut command);
    }
    let child = command.spawn().with_context(|| format!("failed to start {}", program.display()))?;
    let pid = child.id().context("Prometheus ended at once")?;
    fs::write(folder.join(PID), pid.to_string()).context("failed to write Prometheus' process id")?;
    Ok((child, pid))
}

/// Whether the files in the folder are those that Prometheus would be started with now.
fn has_current_configuration(folder: &Path, options: &StackOptions) -> anyhow::Result<bool> {
    let same =
        |file: &GeneratedFile| fs::read_to_string(folder.join(&file.path)).is_ok_and(|known| known == file.contents);
    Ok(prometheus_files(services::ALL, &options.timing)?.iter().all(same))
}

/// Whether a Prometheus of this clone runs at that port.
async fn is_running(port: u16) -> bool {
    data_folder(port).await.is_some()
}

/// The data folder of the Prometheus at that port, if it is one of this clone's.
///
/// Prometheus belongs to this clone if its data is in the clone's state folder. The file with the
/// process id does not count, since it may be old.
async fn data_folder(port: u16) -> Option<PathBuf> {
    let prometheus = http::prometheus(&local_url(port).ok()?, &StoreAccess::default()).ok()?;
    let flags = prometheus.get_json("status/flags", &[]).await.ok()?;
    let path = PathBuf::from(flags.pointer("/data/storage.tsdb.path").and_then(Value::as_str)?);
    let own = [DATA, TEMPORARY_DATA].map(|data| stack_folder(port).join(data));
    let is_ours = own.contains(&path) || archive_folder(port).is_ok_and(|archive| path.starts_with(archive));
    is_ours.then_some(path)
}

/// Each Prometheus of this clone that runs or is starting.
pub(super) async fn parts(only: Option<u16>) -> Vec<StackPart> {
    let mut parts = Vec::new();
    for (port, folder) in started_folders(only) {
        if has_process(&folder).await || is_running(port).await {
            let pid = fs::read_to_string(folder.join(PID)).unwrap_or_default();
            parts.push(StackPart::Native { port, pid });
        }
    }
    parts
}

/// Whether the process that was started with this folder exists, even if it does not respond yet.
///
/// False on systems that do not show the command line of a process.
async fn has_process(folder: &Path) -> bool {
    const READINGS: u32 = 100;
    const PAUSE: Duration = Duration::from_millis(20);
    let Ok(pid) = fs::read_to_string(folder.join(PID)).unwrap_or_default().trim().parse() else { return false };
    for _ in 0..READINGS {
        let command = proc::command_line(pid).unwrap_or_default();
        // During exec, a process shows an empty command line.
        if !command.is_empty() || proc::start_time(pid).is_none() {
            return command.contains(&folder.display().to_string());
        }
        tokio::time::sleep(PAUSE).await;
    }
    false
}

/// Stops this clone's Prometheus at that port.
pub(super) async fn stop(port: u16) -> anyhow::Result<()> {
    let folder = stack_folder(port);
    let file = folder.join(PID);
    let text = files::read(&file)?;
    // Prometheus may have ended by itself, and another process may have its id now. Only on Linux
    // can this be checked.
    if !cfg!(target_os = "linux") || has_process(&folder).await {
        processes::terminate(text.trim().parse()?, STOP).await?;
    }
    files::remove_file(&file)?;
    // Two commands that start Prometheus at once share the file of the process id.
    anyhow::ensure!(
        !is_running(port).await,
        "a Prometheus of this clone still runs at port {port}, and its process id is unknown: find it with \
         ss -ltnp 'sport = :{port}', and end it with kill"
    );
    remove_temporary(&folder)
}

/// Removes the owner's file and the temporary data.
fn remove_temporary(folder: &Path) -> anyhow::Result<()> {
    files::remove_file(&folder.join(OWNER))?;
    files::remove_folder(&folder.join(TEMPORARY_DATA))
}

/// Removes what ended commands have left: the scraped backend of any stack, and the temporary data
/// of their Prometheus. Stops that Prometheus if it still runs.
pub(super) async fn clean_up(cleanup: &mut Cleanup) {
    for (port, folder) in stack_folders(None) {
        if owner::is_gone_in(&backend_owner(port)) {
            cleanup.record(forget_backend(port), || format!("the scraped backend of the stack at port {port}"));
        }
        if owner::is_gone_in(&folder.join(OWNER)) {
            cleanup.record(remove_all(port, &folder).await, || format!("data of the prometheus at port {port}"));
        }
    }
}

/// Stops the Prometheus at that port if its data is temporary, and removes its files.
async fn remove_all(port: u16, folder: &Path) -> anyhow::Result<()> {
    if data_folder(port).await.is_some_and(|data| data == folder.join(TEMPORARY_DATA)) {
        stop(port).await?;
    }
    files::remove_file(&folder.join(PID))?;
    remove_temporary(folder)
}

/// A line for each Prometheus of this clone, and its URL.
pub(crate) async fn status() -> anyhow::Result<Vec<(String, Option<url::Url>)>> {
    let mut lines = Vec::new();
    for (port, folder) in started_folders(None) {
        if is_running(port).await {
            let url = local_url(port)?;
            let other = [ARCHIVE, TEMPORARY_DATA].into_iter().map(|data| folder.join(data)).find(|data| data.exists());
            let data = other.unwrap_or_else(|| folder.join(DATA));
            lines.push((format!("prometheus  {url}  from PATH, data in {}", data.display()), Some(url)));
        }
    }
    Ok(lines)
}

/// Prints the last log lines of each Prometheus of this clone; with `follow`, also new lines.
///
/// Returns the number of log files.
pub(crate) async fn logs(follow: bool) -> anyhow::Result<usize> {
    const LINES: usize = 50;
    const PAUSE: Duration = Duration::from_millis(500);
    let folders = started_folders(None);
    let mut shown = vec![0; folders.len()];
    loop {
        for ((port, folder), shown) in folders.iter().zip(&mut shown) {
            let text = files::read(folder.join(LOG))?;
            let lines: Vec<_> = text.lines().collect();
            // A log that is shorter than before is a new one.
            let from = if *shown == 0 || lines.len() < *shown { lines.len().saturating_sub(LINES) } else { *shown };
            lines[from..]
                .iter()
                .for_each(|line| crate::host::terminal::print_line(&format!("prometheus at {port}  {line}")));
            *shown = lines.len();
        }
        if !follow || folders.is_empty() {
            return Ok(folders.len());
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// The folders with data of this clone's stacks, whether or not it is in use.
pub(crate) fn data(only: Option<u16>) -> Vec<PathBuf> {
    let folders = stack_folders(only).into_iter();
    folders
        .flat_map(|(_, folder)| [DATA, TEMPORARY_DATA, ARCHIVE].map(|data| folder.join(data)))
        .filter(|data| data.exists())
        .collect()
}

/// Removes the data folders. Prometheus must have been stopped.
pub(crate) fn remove_data(only: Option<u16>) -> anyhow::Result<()> {
    data(only).iter().try_for_each(|data| files::remove_folder(data))
}

/// Port and state folder of each stack in which a Prometheus was started.
fn started_folders(only: Option<u16>) -> Vec<(u16, PathBuf)> {
    stack_folders(only).into_iter().filter(|(_, folder)| folder.join(PID).exists()).collect()
}

/// Port and state folder of all stacks that have ever been started in this clone.
fn stack_folders(only: Option<u16>) -> Vec<(u16, PathBuf)> {
    let entries = fs::read_dir(workspace::state_folder().join("stack")).into_iter().flatten().flatten();
    let ports = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u16>().ok());
    let mut folders: Vec<_> = ports.filter(|port| only.is_none_or(|only| only == *port)).collect();
    folders.sort_unstable();
    folders.into_iter().map(|port| (port, stack_folder(port))).collect()
}

/// The last line of a log, which usually says why its writer ended.
fn last_log_line(log: &Path) -> String {
    let text = fs::read_to_string(log).unwrap_or_else(|error| error.to_string());
    text.lines().last().unwrap_or("(the log is empty)").to_owned()
}
