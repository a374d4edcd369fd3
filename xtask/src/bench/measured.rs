//! What a process cost, by the system's own accounting.

use std::fs;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, bail};
use wait4::Wait4 as _;

/// A process that came to its end.
#[derive(Debug, Clone)]
pub(super) struct Measured {
    /// User and system time.
    pub(super) cpu: Duration,
    /// Peak resident memory in bytes.
    pub(super) peak_memory: u64,
    pub(super) output: String,
}

/// Runs a command to its end on one processor. Fails with its output if it fails, unless its exit code is among those that
/// are fine.
pub(super) fn run(command: &Command, processor: usize, fine: &[i32]) -> anyhow::Result<Measured> {
    let mut pinned = Command::new("taskset");
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
    // Read while it runs: a full pipe would hold it up.
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let reading = thread::spawn(move || read(stderr));
    let id = child.id();
    let watching = thread::spawn(move || peak_memory(id));
    let mut output = read(stdout);
    let used = child.wait4().with_context(|| format!("failed to wait for {shown}"))?;
    output.push_str(&reading.join().unwrap_or_default());
    if !used.status.success() && !used.status.code().is_some_and(|code| fine.contains(&code)) {
        bail!("{shown} ended with {}:\n{output}", used.status);
    }
    let cpu = used.rusage.utime + used.rusage.stime;
    let peak_memory = watching.join().unwrap_or_default();
    Ok(Measured { cpu, peak_memory, output })
}

/// The peak that the system remembers of a process' memory, looked at until it ends. What it accounts for on the end of a
/// process counts our own memory as well, from which the process was begun.
fn peak_memory(id: u32) -> u64 {
    let mut peak = 0;
    loop {
        let status = fs::read_to_string(format!("/proc/{id}/status")).unwrap_or_default();
        let Some(line) = status.lines().find_map(|line| line.strip_prefix("VmHWM:")) else { return peak };
        let kib: u64 = line.split_whitespace().next().and_then(|number| number.parse().ok()).unwrap_or(0);
        // Until it has become the program, the process still has a copy of ours.
        let name = status.lines().find_map(|line| line.strip_prefix("Name:")).unwrap_or_default().trim();
        if name != "taskset" && !name.starts_with("xtask") {
            peak = peak.max(kib << 10);
        }
        thread::sleep(Duration::from_millis(50));
    }
}

fn read(from: Option<impl std::io::Read>) -> String {
    let mut bytes = Vec::new();
    if let Some(mut from) = from {
        // What cannot be read is missing from a message, and nothing else.
        let _ = from.read_to_end(&mut bytes);
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
