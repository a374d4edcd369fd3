//! Comparisons by the command: a slowed head, the same code, services that do not start or do not end, revisions that are not there.

use perf_report::exit_code::ExitCode;
use std::path::Path;
use std::process::Command;

use crate::real::{Backend, Said, out, root, run, xtask};
use perf_report::comparison::{Comparison, Conclusion};

/// Rounds that are over soon, and have requests enough for a p95.
const ROUND: [&str; 4] = ["-u", "10", "-d", "2s"];

fn against(base: &str, args: &[&str], out: &Path) -> Said {
    run(xtask(&["perf", "--against", base]).args(ROUND).args(args).args(["--out", out.to_str().unwrap()]))
}

fn comparison(out: &Path) -> Comparison {
    let folder = std::fs::read_dir(out).unwrap().next().expect("a comparison's folder").unwrap().path();
    serde_json::from_str(&std::fs::read_to_string(folder.join("comparison.json")).unwrap()).unwrap()
}

/// The stand-in as a service of somebody else's: started by a command, with one endpoint slower on one side.
fn start(slowed_side: &str, sides: &Path) -> String {
    // Built already, for its own sake.
    drop(Backend::start(&[]));
    let program = root().join("target/debug/stub-backend");
    let delay = format!("$([ $PERF_SIDE = {slowed_side} ] && echo 150ms || echo 1ms)");
    // Another seed each time, as other services have: the same draws in each round would be the same luck in each. But the same ones
    // whenever this runs: one comparison in twenty may find what is not there, and this is none of them.
    let seed = format!("$(cat {} 2>/dev/null | wc -l)", sides.display());
    format!("exec {} --port $PORT --seed {seed} --delay join_room={delay}", program.display())
}

#[test]
#[ignore = "loads two stub backends: run with cargo xtask ci"]
fn a_revision_s_slower_head_is_found_and_named_and_what_started_it_is_nobody_s_business() {
    let (out, resets) = (out("against-slowed"), out("against-resets"));
    std::fs::create_dir_all(&resets).unwrap();
    let sides = resets.join("sides");
    let reset = format!("echo $PERF_SIDE >> {}", sides.display());
    let start = format!("SECRET=hunter2 {}", start("head", &sides));
    let line = ["--start", &start, "--reset", &reset, "--rounds", "10", "--gate", "relative"];
    let said = against("HEAD", &line, &out);
    assert_eq!(said.code, 91, "{}", said.text);
    assert!(said.text.contains("✗ regressed") && said.text.contains("regressed: join_room"), "{}", said.text);
    let found = comparison(&out);
    let regressed = found.endpoints.iter().filter(|endpoint| endpoint.conclusion == Conclusion::Regressed);
    assert_eq!(regressed.map(|endpoint| endpoint.name.as_str()).collect::<Vec<_>>(), ["join_room"], "{}", said.text);
    assert_eq!((found.pairs, found.exit_code, found.objectives.len()), (10, ExitCode::Regressed, 0));
    // Before each round, and the sides take turns in being first.
    let sides = std::fs::read_to_string(sides).unwrap();
    assert_eq!(sides.lines().take(5).collect::<Vec<_>>(), ["base", "head", "head", "base", "base"], "{sides}");
    assert_eq!(sides.lines().count(), 20);
    let folder = std::fs::read_dir(&out).unwrap().next().unwrap().unwrap().path();
    for file in ["comparison.json", "report.html", "summary.md"] {
        let text = std::fs::read_to_string(folder.join(file)).unwrap();
        assert!(text.contains("join_room") || text.contains("join\\_room"), "{file}");
        assert!(!text.contains("hunter2"), "{file}");
    }
}

#[test]
#[ignore = "loads the stub backend: run with cargo xtask ci"]
fn a_machine_is_calibrated_and_a_gate_that_it_cannot_hold_is_inconclusive_before_anything_is_sent() {
    let (backend, folder) = (Backend::start(&[]), out("calibrated"));
    let line = ["--target", &backend.url, "--out", folder.to_str().unwrap()];
    let calibrated = run(xtask(&["perf", "--calibrate", "--rounds", "3"]).args(ROUND).args(line));
    assert!([0, 90].contains(&calibrated.code), "{}", calibrated.text);
    assert!(calibrated.text.contains("rounds of the same code differ most for "), "{}", calibrated.text);
    let tight = against(&backend.url, &["--target", &backend.url, "--detect", "5.1"], &out("tight"));
    assert_eq!(tight.code, 90, "{}", tight.text);
    assert!(
        tight.text.contains("tighter than what this machine can see") && !tight.text.contains("round 1"),
        "{}",
        tight.text
    );
    // Of another load it says nothing, and that is told.
    let other = against(
        &backend.url,
        &["--target", &backend.url, "--rounds", "2", "--user-agent", "another"],
        &out("uncalibrated"),
    );
    assert!(other.text.contains("is not known: cargo xtask perf --calibrate"), "{}", other.text);
}

#[test]
#[ignore = "loads the stub backend: run with cargo xtask ci"]
fn few_rounds_of_the_same_code_say_nothing_and_objectives_can_be_asked_alone() {
    let (backend, both, absolute) = (Backend::start(&[]), out("against-same"), out("against-absolute"));
    let said = against(&backend.url, &["--target", &backend.url, "--rounds", "2"], &both);
    assert_eq!(said.code, 90, "{}", said.text);
    assert!(said.text.contains("too little data") && said.text.contains("take 9 pairs"), "{}", said.text);
    let said = against(&backend.url, &["--target", &backend.url, "--rounds", "2", "--gate", "absolute"], &absolute);
    assert_eq!(said.code, 0, "{}", said.text);
    assert!(comparison(&absolute).objectives.iter().all(|objective| objective.tally().unwrap().total > 20));
}

#[test]
#[ignore = "builds the scenarios: run with cargo xtask ci"]
fn a_service_is_waited_for_and_ends_with_all_that_it_started() {
    let (base, folder) = (Backend::start(&[]), out("against-start"));
    let never = against(&base.url, &["--start", "echo not today; sleep 60", "--start-timeout", "1s"], &folder);
    assert_eq!(never.code, 104, "{}", never.text);
    assert!(never.text.contains("did not listen") && never.text.contains("not today"), "{}", never.text);
    let ended = against(&base.url, &["--start", "echo broken >&2; exit 3"], &folder);
    assert_eq!(ended.code, 104, "{}", ended.text);
    assert!(ended.text.contains("ended before it listened") && ended.text.contains("broken"), "{}", ended.text);
    // A child of its own in the background, which nobody would look for.
    let start = "sleep 3456.789 & exec python3 -m http.server --bind 127.0.0.1 $PORT";
    let silent = out("against-silent");
    let said = against(&base.url, &["--start", start, "--rounds", "2"], &silent);
    // It answers nothing of the game, so what was measured is that all of it failed.
    assert_eq!(said.code, 90, "setup fails in each round: {}", said.text);
    assert_eq!(comparison(&silent).pairs, 2, "{}", said.text);
    assert_eq!(processes("sleep 3456.789"), 0, "{}", said.text);
    let away = against(&base.url, &["--start", "sleep 4567.891 & exit 0"], &folder);
    assert!(away.code == 104 && away.text.contains("it has to stay"), "{}", away.text);
    assert_eq!(processes("sleep 4567.891"), 0, "{}", away.text);
}

/// How many processes have that command line.
fn processes(command: &str) -> usize {
    let lines =
        std::fs::read_dir("/proc").unwrap().filter_map(|entry| std::fs::read(entry.ok()?.path().join("cmdline")).ok());
    lines.filter(|line| String::from_utf8_lossy(line).replace('\0', " ").trim() == command).count()
}

#[test]
#[ignore = "builds the stand-in of another checkout: run with cargo xtask ci"]
fn revisions_are_checked_out_and_gone_afterwards() {
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
    // Each side is started at the top of its own checkout.
    let start = "pwd; exit 1";
    let started = against("HEAD", &["--start", start], &folder);
    assert_eq!(started.code, 90, "{}", started.text);
    assert!(started.text.contains("target/perf/against/"), "{}", started.text);
    assert_eq!(worktrees(), before);
}
