//! Tests of `cargo xtask perf --against`: a slower head, the same code, services that do not start
//! or do not end, and revisions that do not exist.

use std::path::Path;
use std::process::Command;

use perf_report::exit_code::ExitCode;

use crate::real::{Backend, CommandOutput, out, root, run, xtask};
use perf_host::proc;
use perf_report::comparison::{Comparison, Conclusion};

/// A short round with enough requests for a p95.
const ROUND: [&str; 4] = ["-u", "10", "-d", "2s"];

fn against(base: &str, args: &[&str], out: &Path) -> CommandOutput {
    run(xtask(&["perf", "--against", base]).args(ROUND).args(args).args(["--out", out.to_str().unwrap()]))
}

fn comparison(out: &Path) -> Comparison {
    let folder = std::fs::read_dir(out).unwrap().next().expect("a comparison's folder").unwrap().path();
    serde_json::from_str(&std::fs::read_to_string(folder.join("comparison.json")).unwrap()).unwrap()
}

/// A `--start` command for the stub backend, with one endpoint slower on one side.
fn start(slowed_side: &str, sides: &Path) -> String {
    // This builds the program.
    drop(Backend::start(&[]));
    let program = root().join("target/debug/stub-backend");
    let delay = format!("$([ $PERF_SIDE = {slowed_side} ] && echo 150ms || echo 1ms)");
    // Each round has another seed, so that rounds are independent, as with any
    // other service. The seeds are the same in every run of the test, since one
    // comparison in twenty may have a false finding.
    let seed = format!("$(cat {} 2>/dev/null | wc -l)", sides.display());
    format!("exec {} --port $PORT --seed {seed} --delay join_room={delay}", program.display())
}

#[test]
#[ignore = "loads two stub backends: run with cargo xtask ci"]
fn a_slower_endpoint_of_the_head_is_reported_without_secrets() {
    let (out, resets) = (out("against-slowed"), out("against-resets"));
    std::fs::create_dir_all(&resets).unwrap();
    let sides = resets.join("sides");
    let reset = format!("echo $PERF_SIDE >> {}", sides.display());
    let start = format!("SECRET=hunter2 {}", start("head", &sides));
    let line = ["--start", &start, "--reset", &reset, "--rounds", "10", "--gate", "relative"];
    let output = against("HEAD", &line, &out);
    assert_eq!(output.code, 91, "{}", output.text);
    assert!(
        output.text.contains("✗ regressed") && output.text.contains("(exit 91): join_room p95 "),
        "{}",
        output.text
    );
    let last = output.text.lines().last().unwrap_or_default();
    assert_eq!(last, "basic: slower than the base (exit 91)");
    let found = comparison(&out);
    let regressed = found.endpoints.iter().filter(|endpoint| endpoint.conclusion == Conclusion::Regressed);
    assert_eq!(regressed.map(|endpoint| endpoint.name.as_str()).collect::<Vec<_>>(), ["join_room"], "{}", output.text);
    assert_eq!((found.pairs, found.exit_code, found.objectives.len()), (10, ExitCode::Regressed, 0));
    // The reset runs before each round; the side that is first alternates.
    let sides = std::fs::read_to_string(sides).unwrap();
    assert_eq!(sides.lines().take(5).collect::<Vec<_>>(), ["base", "head", "head", "base", "base"], "{sides}");
    assert_eq!(sides.lines().count(), 20);
    let folder = std::fs::read_dir(&out).unwrap().next().unwrap().unwrap().path();
    let html = folder.join("report.html").display().to_string();
    assert!(output.text.lines().any(|line| line.split_whitespace().eq(["report", &html])), "{}", output.text);
    for file in ["comparison.json", "report.html", "summary.md"] {
        let text = std::fs::read_to_string(folder.join(file)).unwrap();
        assert!(text.contains("join_room") || text.contains("join\\_room"), "{file}");
        assert!(!text.contains("hunter2"), "{file}");
    }
}

#[test]
#[ignore = "loads the stub backend: run with cargo xtask ci"]
fn an_undetectable_slow_down_is_inconclusive_before_any_round() {
    let (backend, folder) = (Backend::start(&[]), out("calibrated"));
    let line = ["--target", &backend.url, "--out", folder.to_str().unwrap()];
    let calibrated = run(xtask(&["perf", "--calibrate", "--rounds", "3"]).args(ROUND).args(line));
    assert!([0, 90].contains(&calibrated.code), "{}", calibrated.text);
    assert!(calibrated.text.contains("noise: between rounds of the same code, the p95 of "), "{}", calibrated.text);
    let tight = against(&backend.url, &["--target", &backend.url, "--detect", "5.1"], &out("tight"));
    assert_eq!(tight.code, 90, "{}", tight.text);
    assert!(tight.text.contains("this machine is too noisy") && !tight.text.contains("round 1"), "{}", tight.text);
    // The calibration does not apply to another load.
    let other = against(
        &backend.url,
        &["--target", &backend.url, "--rounds", "2", "--user-agent", "another"],
        &out("uncalibrated"),
    );
    assert!(other.text.contains("not calibrated for this load: cargo xtask perf --calibrate"), "{}", other.text);
}

#[test]
#[ignore = "loads the stub backend: run with cargo xtask ci"]
fn few_rounds_are_inconclusive_unless_only_objectives_are_judged() {
    let (backend, both, absolute) = (Backend::start(&[]), out("against-same"), out("against-absolute"));
    let output = against(&backend.url, &["--target", &backend.url, "--rounds", "2"], &both);
    assert_eq!(output.code, 90, "{}", output.text);
    let text = output.text.replace("\n  ", " ");
    assert!(text.contains("too little data") && text.contains("takes at least 9 pairs"), "{text}");
    let output = against(&backend.url, &["--target", &backend.url, "--rounds", "2", "--gate", "absolute"], &absolute);
    assert_eq!(output.code, 0, "{}", output.text);
    assert!(comparison(&absolute).objectives.iter().all(|objective| objective.tally().unwrap().total > 20));
}

#[test]
#[ignore = "builds the scenarios: run with cargo xtask ci"]
fn a_started_service_ends_with_all_of_its_processes() {
    let (base, folder) = (Backend::start(&[]), out("against-start"));
    let never = against(&base.url, &["--start", "echo not today; sleep 60", "--start-timeout", "1s"], &folder);
    assert_eq!(never.code, 104, "{}", never.text);
    assert!(never.text.contains("did not listen") && never.text.contains("not today"), "{}", never.text);
    let ended = against(&base.url, &["--start", "echo broken >&2; exit 3"], &folder);
    assert_eq!(ended.code, 104, "{}", ended.text);
    assert!(ended.text.contains("ended before it listened") && ended.text.contains("broken"), "{}", ended.text);
    // The service has a child in the background.
    let start = "sleep 3456.789 & exec python3 -m http.server --bind 127.0.0.1 $PORT";
    let silent = out("against-silent");
    let output = against(&base.url, &["--start", start, "--rounds", "2"], &silent);
    // The service does not have the game's API, so every request fails.
    assert_eq!(output.code, 90, "setup fails in each round: {}", output.text);
    assert_eq!(comparison(&silent).pairs, 2, "{}", output.text);
    assert_eq!(processes("sleep 3456.789"), 0, "{}", output.text);
    let away = against(&base.url, &["--start", "sleep 4567.891 & exit 0"], &folder);
    assert!(away.code == 104 && away.text.contains("stay in the foreground"), "{}", away.text);
    assert_eq!(processes("sleep 4567.891"), 0, "{}", away.text);
}

/// The number of processes with that command line.
fn processes(command: &str) -> usize {
    proc::pids().unwrap().into_iter().filter(|pid| proc::command_line(*pid).as_deref() == Some(command)).count()
}

#[test]
#[ignore = "builds the stub backend of another checkout: run with cargo xtask ci"]
fn revisions_are_checked_out_and_removed_afterwards() {
    let worktrees = || {
        let listed =
            Command::new("git").args(["worktree", "list", "--porcelain"]).current_dir(root()).output().unwrap();
        String::from_utf8(listed.stdout).unwrap().lines().filter(|line| line.starts_with("worktree ")).count()
    };
    let (before, folder) = (worktrees(), out("against-revision"));
    let unknown = against("no-such-branch", &[], &folder);
    assert_eq!(unknown.code, 104, "{}", unknown.text);
    assert!(unknown.text.contains("no revision \"no-such-branch\""), "{}", unknown.text);
    let unbuilt = against("HEAD", &["--start", "sleep 60", "--build", "test $PERF_SIDE = head"], &folder);
    assert_eq!(unbuilt.code, 90, "{}", unbuilt.text);
    assert!(unbuilt.text.contains("nothing to compare with"), "{}", unbuilt.text);
    // Each side starts at the top of its own checkout.
    let start = "pwd; exit 1";
    let started = against("HEAD", &["--start", start], &folder);
    assert_eq!(started.code, 90, "{}", started.text);
    assert!(started.text.contains("target/perf/against/"), "{}", started.text);
    assert_eq!(worktrees(), before);
}
