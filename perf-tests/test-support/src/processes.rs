//! Processes of this machine, by id. A process that has ended has no children, files or name.

use std::path::PathBuf;

use procfs::process::{FDTarget, Process};

fn process(pid: u32) -> Option<Process> {
    Process::new(i32::try_from(pid).ok()?).ok()
}

/// The running processes that a process started. Zombies are left out.
pub fn children(parent: u32) -> Vec<u32> {
    let tasks = process(parent).and_then(|process| process.tasks().ok()).into_iter().flatten();
    let children = tasks.filter_map(|task| task.ok()?.children().ok()).flatten();
    let runs = |pid: &u32| process(*pid).and_then(|process| process.stat().ok()).is_some_and(|stat| stat.state != 'Z');
    children.filter(runs).collect()
}

/// The open files of a process, sockets included.
pub fn open_files(pid: u32) -> Vec<FDTarget> {
    let files = process(pid).and_then(|process| process.fd().ok());
    files.into_iter().flatten().filter_map(|file| Some(file.ok()?.target)).collect()
}

/// The number of open sockets of a process.
pub fn open_sockets(pid: u32) -> usize {
    open_files(pid).iter().filter(|target| matches!(target, FDTarget::Socket(_))).count()
}

/// The memory of a process that no file backs, in KiB.
pub fn anonymous_memory(pid: u32) -> Option<u64> {
    process(pid)?.status().ok()?.rssanon
}

/// The program of a process.
pub fn executable(pid: u32) -> Option<PathBuf> {
    process(pid)?.exe().ok()
}

/// The folder in which a process runs.
pub fn folder(pid: u32) -> Option<PathBuf> {
    process(pid)?.cwd().ok()
}
