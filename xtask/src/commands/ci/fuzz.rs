//! A short run of each fuzzer, from the inputs that are committed on.

use std::fs;

use anyhow::{Context as _, ensure};
use xshell::{Shell, cmd};

use crate::{files, workspace};

/// Inputs for each target.
const RUNS: &str = "200000";
/// And no longer than so many seconds, if there were as many as this by then.
const SECONDS: &str = "60";
const LEAST: u64 = 10_000;

/// Runs all targets. A finding is an error.
pub(super) fn run(shell: &Shell) -> anyhow::Result<()> {
    let package = workspace::root().join("perf-tests");
    let _within = shell.push_dir(&package);
    let mut targets = fs::read_dir(package.join("fuzz/seeds"))
        .context("failed to read the fuzzers' inputs")?
        .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
        .collect::<anyhow::Result<Vec<_>>>()?;
    targets.sort_unstable();
    // Coverage is for nightly compilers, and works on this one.
    let _coverage = shell.push_env("RUSTC_BOOTSTRAP", "1");
    let known = cmd!(shell, "cargo fuzz list").read().context("cargo-fuzz is not there: cargo install cargo-fuzz")?;
    ensure!(
        known.lines().eq(targets.iter().map(String::as_str)),
        "a fuzzer without inputs, or the other way round: {known}"
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
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "a finding of {target}: {said}");
        let inputs =
            said.lines().find_map(|line| line.strip_prefix("stat::number_of_executed_units:")?.trim().parse().ok());
        let inputs: u64 = inputs.with_context(|| format!("{target} did not say how many inputs it has had: {said}"))?;
        ensure!(inputs >= LEAST, "{target} has had {inputs} inputs in {SECONDS} s, and {LEAST} are wanted");
        println!("fuzzed {target}: {inputs} inputs, no finding");
    }
    Ok(())
}
