//! What a process cost, by the system's own accounting.

use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, bail};
use perf_host::proc;

/// A process that came to its end.
#[derive(Debug, Clone)]
pub(super) struct ProcessCost {
    /// User and system time.
    pub(super) cpu: Duration,
    /// Peak resident memory in bytes.
    pub(super) peak_memory: u64,
    pub(super) output: String,
}

/// Runs a command to its end on one processor. Fails with its output if it fails, unless its exit code is among those that
/// are fine.
pub(super) fn run(command: &Command, processor: usize, fine: &[i32]) -> anyhow::Result<ProcessCost> {
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
    let before = proc::time_of_children();
    let status = child.wait().with_context(|| format!("failed to wait for {shown}"))?;
    let after = proc::time_of_children();
    output.push_str(&reading.join().unwrap_or_default());
    if !status.success() && !status.code().is_some_and(|code| fine.contains(&code)) {
        bail!("{shown} ended with {status}:\n{output}");
    }
    // Of all children that have ended, this one is what came last.
    let cpu = before.zip(after).map(|(before, after)| after.saturating_sub(before));
    let cpu = cpu.context("the system does not tell what processes cost")?;
    let peak_memory = watching.join().unwrap_or_default();
    Ok(ProcessCost { cpu, peak_memory, output })
}

/// The peak that the system remembers of a process' memory, looked at until it ends. What it accounts for on the end of a
/// process counts our own memory as well, from which the process was begun.
fn peak_memory(id: u32) -> u64 {
    let mut peak = 0;
    while let Some((name, bytes)) = proc::peak_memory(id) {
        // Until it has become the program, the process still has a copy of ours.
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
        // What cannot be read is missing from a message, and nothing else.
        let _ = from.read_to_end(&mut bytes);
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn a_busy_process_costs_processor_time_and_memory() {
        let mut busy = Command::new("sh");
        busy.args(["-c", "i=0; while [ $i -lt 400000 ]; do i=$((i+1)); done; echo done"]);
        let cost = run(&busy, 0, &[]).unwrap();
        assert!(cost.cpu > Duration::from_millis(30) && cost.cpu < Duration::from_secs(60), "{:?}", cost.cpu);
        assert!(cost.peak_memory > 100 << 10, "{}", cost.peak_memory);
        assert_eq!(cost.output, "done\n");
    }
}
