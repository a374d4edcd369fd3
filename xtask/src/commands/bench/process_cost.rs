//! Processor time and memory of a process, from the operating system's accounting.

use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, bail};
use perf_host::proc;

use crate::host::child;

/// Cost and output of a process that has ended.
#[derive(Debug, Clone)]
pub(super) struct ProcessCost {
    /// User and system time.
    pub(super) cpu: Duration,
    /// Peak resident memory in bytes.
    pub(super) peak_memory: u64,
    /// Standard output, then standard error.
    pub(super) output: String,
}

/// Runs a command to its end on one processor.
///
/// # Errors
/// If the command fails with an exit code that is not in
/// `fine`. The error has the command's output.
pub(super) fn run(command: &Command, processor: usize, fine: &[i32]) -> anyhow::Result<ProcessCost> {
    let mut pinned = child::foreground("taskset");
    pinned.args(["-c", &processor.to_string()]).arg(command.get_program()).args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => pinned.env(name, value),
            None => pinned.env_remove(name),
        };
    }
    pinned.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let shown = command.get_program().to_string_lossy().into_owned();
    let mut child = pinned.spawn().with_context(|| format!("failed to start taskset for {shown}"))?;
    // Read while the command runs: a full pipe would block it.
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let reading = thread::spawn(move || read(stderr));
    let id = child.id();
    let watching = thread::spawn(move || peak_memory(id));
    let mut output = read(stdout);
    let before = proc::time_of_children();
    let status = child.wait().with_context(|| format!("failed to wait for {shown}"))?;
    let after = proc::time_of_children();
    output.push_str(&reading.join().unwrap_or_default());
    if !status.success() && !status.code().is_some_and(|code| fine.contains(&code)) {
        bail!("{shown} ended with {status}:\n{output}");
    }
    // The system counts the time of all children that have ended; this one ended last.
    let cpu = before.zip(after).map(|(before, after)| after.saturating_sub(before));
    let cpu = cpu.context("this system does not report the processor time of processes")?;
    let peak_memory = watching.join().unwrap_or_default();
    Ok(ProcessCost { cpu, peak_memory, output })
}

/// The peak memory of a process in bytes, polled until it ends.
///
/// The system's value at the end of a process is unusable. It includes our own memory, from which
/// the process was forked.
fn peak_memory(id: u32) -> u64 {
    let mut peak = 0;
    while let Some((name, bytes)) = proc::peak_memory(id) {
        // Until it runs the program, the process still has a copy of our memory.
        if name != "taskset" && !name.starts_with("xtask") {
            peak = peak.max(bytes);
        }
        thread::sleep(Duration::from_millis(50));
    }
    peak
}

fn read(from: Option<impl std::io::Read>) -> String {
    let mut bytes = Vec::new();
    if let Some(mut from) = from {
        // Unreadable output is only missing from a message.
        let _ = from.read_to_end(&mut bytes);
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(all(test, target_os = "linux"))]
mod tests;
