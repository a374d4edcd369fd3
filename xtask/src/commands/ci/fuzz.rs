//! Runs each fuzzer for a short time, starting from its committed inputs.

use std::fs;

use anyhow::{Context as _, ensure};
use xshell::{Shell, cmd};

use crate::host::terminal::print_line;
use crate::host::{files, workspace};

/// Limit on the inputs of each target.
const RUNS: &str = "200000";
/// Time limit of each target, in seconds.
const SECONDS: &str = "60";
/// The least number of inputs within the time limit.
const LEAST: u64 = 10_000;

/// Runs all targets. A crash is an error.
pub(super) fn run(shell: &Shell) -> anyhow::Result<()> {
    let package = workspace::root().join("perf-tests");
    let _within = shell.push_dir(&package);
    let mut targets = fs::read_dir(package.join("fuzz/seeds"))
        .context("failed to read the fuzzers' inputs in perf-tests/fuzz/seeds")?
        .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
        .collect::<anyhow::Result<Vec<_>>>()?;
    targets.sort_unstable();
    // Coverage is a feature of nightly compilers; this variable enables it on a stable one.
    let _coverage = shell.push_env("RUSTC_BOOTSTRAP", "1");
    let known = cmd!(shell, "cargo fuzz list").read();
    let known = known.context("cargo fuzz could not run: cargo install cargo-fuzz")?;
    ensure!(
        known.lines().eq(targets.iter().map(String::as_str)),
        "each fuzzer needs a folder in perf-tests/fuzz/seeds, and each folder a fuzzer; the fuzzers are: {known}"
    );
    let built = workspace::target().join("fuzz");
    for target in &targets {
        let found = built.join("corpus").join(target);
        files::make_folder(&found)?;
        let seeds = package.join("fuzz/seeds").join(target);
        let limits = [format!("-runs={RUNS}"), format!("-max_total_time={SECONDS}"), "-max_len=65536".to_owned()];
        let run = cmd!(
            shell,
            "cargo fuzz run --target-dir {built} {target} {found} {seeds} -- {limits...} -print_final_stats=1"
        );
        let output = run.ignore_status().output()?;
        let log = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "fuzzer {target} failed: {log}");
        let inputs =
            log.lines().find_map(|line| line.strip_prefix("stat::number_of_executed_units:")?.trim().parse().ok());
        let inputs: u64 = inputs.with_context(|| format!("fuzzer {target} did not print its inputs: {log}"))?;
        ensure!(inputs >= LEAST, "fuzzer {target} tried {inputs} inputs in {SECONDS} s, fewer than {LEAST}");
        print_line(&format!("fuzzed {target}: {inputs} inputs, no crash"));
    }
    Ok(())
}
