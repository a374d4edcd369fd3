//! Tests of the included scenarios with `cargo xtask perf` and the stub backend.
//!
//! Long scenarios are shortened by flags. Each executor makes its planned load, a plan can be drawn
//! and replayed, and contradicting flags are rejected.

use std::path::Path;
use std::thread;

use perf_report::Report;
use perf_report::interpretation::interpret;
use perf_report::judgement::SegmentResult;

use crate::real::{Backend, out, report, run, xtask};

/// Runs `cargo xtask perf` without a store, against the stub
/// backend that it starts. Gives the report.
fn perf(name: &str, flags: &[&str]) -> Report {
    perf_in(None, name, flags)
}

/// As [`perf`], with a state folder, so that several runs may
/// go on at once.
fn perf_in(folder: Option<&Path>, name: &str, flags: &[&str]) -> Report {
    let out = out(name);
    let mut command = xtask(&["perf", "--stack", "none", "-q", "--out", out.to_str().unwrap()]);
    command.args(flags).envs(folder.map(|folder| (perf_settings::FOLDER, folder)));
    let output = run(&mut command);
    assert_eq!(output.code, 0, "{}", output.text);
    report(&out)
}

#[test]
#[ignore = "builds and runs load: run with cargo xtask ci"]
fn progressive_ramps_in_stages_and_does_not_judge_warm_up() {
    let report = perf("progressive", &["progressive", "-s", "3s:10", "-s", "2s:10", "-s", "3s:0", "--warmup", "1s"]);
    assert_eq!(report.run.load, "1 VU, then 3s:10,2s:10,3s:0, the first 1s of it warm-up");
    // Warm-up requests are counted and not judged.
    let judged =
        report.objectives.iter().find(|objective| objective.id == "api_errors").unwrap().tally().unwrap().total;
    assert!(judged > 100 && judged < report.requests.sent, "{judged} of {}", report.requests.sent);
}

/// Asserts that this many students played thirty days, and that their room grew to all of them.
/// Gives the results by the number of players.
fn check_game_session(report: &Report, students: u64) -> Vec<SegmentResult> {
    assert_eq!((report.iterations.completed, report.requests.sent), (students, students + students * 30 * 6));
    let part = &report.run.plan.parts[0];
    let session = part.iteration_ms.expect("how long sessions took");
    assert!(session.p50 > 5_000.0 && session.max < 120_000.0, "{session:?}");
    let (days, sizes): (Vec<_>, Vec<_>) = report.segments.iter().cloned().partition(|result| result.segment.0 == "day");
    assert_eq!((days.len(), &*days[0].segment.to_string(), &*days[29].segment.to_string()), (30, "day 1", "day 30"));
    assert!(days.iter().all(|day| day.endpoints["get_state"].requests == students));
    assert!(days.iter().all(|day| !day.endpoints.contains_key("join_room")), "joined before the first day");
    // There is one room. It grows to all students, by the backend's responses.
    let names: Vec<_> = sizes.iter().map(|size| size.segment.to_string()).collect();
    assert_eq!(names, (1..=students).map(|players| format!("players {players}")).collect::<Vec<_>>());
    assert!(sizes[0].endpoints["leaderboard"].requests >= 10, "{:?}", sizes[0]);
    let trades: u64 = sizes.iter().map(|size| size.endpoints["update_player"].requests).sum();
    assert_eq!(trades, students * 30, "each trade is in one segment");
    let findings: Vec<_> = interpret(report).into_iter().map(|finding| finding.message).collect();
    let by_players = |text: &String| {
        text.contains(&format!("depends on players (1 to {students})"))
            || (text.contains("depends on players: ")
                && text.contains(" at 1, ")
                && text.contains(&format!(" at {students}")))
    };
    assert!(findings.iter().any(by_players), "{findings:?}");
    sizes
}

#[test]
#[ignore = "builds and runs load: run with cargo xtask ci"]
fn a_game_session_is_a_class_of_thirty_in_one_room() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("session-of-hundred");
    thread::scope(|scope| {
        let hundred = scope.spawn(|| perf_in(Some(&folder), "session-of-100", &["game_session", "-u", "100"]));
        let class = check_game_session(&perf("session", &["game_session"]), 30);
        // A latency counts from ten requests on, also that of the first student alone.
        assert!(class.iter().all(|size| size.endpoints["leaderboard"].requests >= 5), "{class:?}");
        check_game_session(&hundred.join().unwrap(), 100);
    });
}

#[test]
#[ignore = "builds and runs load: run with cargo xtask ci"]
fn shards_are_merged_and_judged_as_one_run() {
    let (backend, shards, merged) = (Backend::start(&[]), out("shards"), out("merged"));
    for shard in ["1/2", "2/2"] {
        let folder = shards.join(shard.replace('/', "-of-"));
        let load = ["perf", "basic", "-q", "-u", "4", "-i", "60", "--target", &backend.url, "--shard", shard];
        let made = run(xtask(&load).arg("--out").arg(folder));
        assert_eq!(made.code, 0, "{}", made.text);
    }
    let judged = run(xtask(&["merge"]).arg(&shards).arg("--out").arg(&merged));
    assert_eq!(judged.code, 0, "{}", judged.text);
    let report = report(&merged);
    assert_eq!((report.iterations.completed, report.requests.sent), (60, 60 * 7));
    assert_eq!(report.run.agents.iter().map(|shard| shard.requests).sum::<u64>(), 60 * 7);
    let alone = run(xtask(&["merge"]).arg(shards.join("1-of-2")).arg("--out").arg(out("alone")));
    assert!(alone.code == 90 && alone.text.contains("shard 2 of 2"), "{}", alone.text);
}

#[test]
#[ignore = "builds and runs load: run with cargo xtask ci"]
fn endurance_warns_that_a_closed_load_under_samples_stalls() {
    let report = perf("endurance", &["endurance", "-u", "10", "-d", "5s"]);
    assert!(
        report.requests.sent > 200 && report.run.plan.parts[0].model.describe().contains("a stall leaves few samples")
    );
}

#[test]
#[ignore = "builds and runs load: run with cargo xtask ci"]
fn a_rate_is_held_and_can_be_replayed() {
    let first = perf("rate", &["basic", "--rate", "30/s", "-d", "5s", "--max-vus", "60", "--seed", "9"]);
    let arrivals = first.run.plan.parts[0].model.arrivals().expect("arrivals");
    assert_eq!((arrivals.planned, arrivals.started, first.iterations.dropped), (150, 150, 0));
    assert_eq!(first.requests.sent, 150 * 7);
    assert!(first.objectives[0].response_ms().is_some() && first.run.generator.workers > 0);
    let path = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("rate/latest/report.json");
    let again = perf("rate-again", &["--replay", path.to_str().unwrap()]);
    assert_eq!((&again.run.plan.hash, again.run.seed, again.requests.sent), (&first.run.plan.hash, 9, 150 * 7));
}

#[test]
#[ignore = "builds and runs load: run with cargo xtask ci"]
fn a_plan_is_drawn_without_a_stack_a_target_or_a_verdict() {
    let output = run(xtask(&["perf", "progressive", "--dry-run"]).env("PERF_TARGET", "http://127.0.0.1:1"));
    assert_eq!(output.code, 0, "{}", output.text);
    assert!(output.text.contains("up to 100") && output.text.contains("phases     ramp 7m"), "{}", output.text);
    assert!(!output.text.contains("was met"), "{}", output.text);
    let odd = run(&mut xtask(&["perf", "progressive", "--dry-run", "-u", "5"]));
    assert!(odd.code == 104 && odd.text.contains("--stage"), "{}", odd.text);
    let warm = run(&mut xtask(&["perf", "basic", "--dry-run", "--warmup", "30s"]));
    assert!(warm.code == 104 && warm.text.contains("warm-up"), "{}", warm.text);
}
