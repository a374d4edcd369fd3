//! The scenarios that ship, by the command and against the stand-in, long ones shortened by flags: each executor delivers
//! what it promised, a run can be drawn and repeated, and what does not fit together is refused.

use crate::real::{out, report, run, xtask};
use perf_report::Report;

/// Runs `cargo xtask perf` without a store against the stand-in that it starts, and gives the report.
fn perf(name: &str, flags: &[&str]) -> Report {
    let out = out(name);
    let said = run(xtask(&["perf", "--stack", "none", "-q", "--out", out.to_str().unwrap()]).args(flags));
    assert_eq!(said.code, 0, "{}", said.text);
    report(&out)
}

#[test]
#[ignore = "builds and runs load: run with cargo xtask ci"]
fn progressive_is_ramped_in_stages() {
    let report = perf("progressive", &["progressive", "-s", "3s:10", "-s", "2s:10", "-s", "3s:0", "--warmup", "1s"]);
    assert_eq!(report.load, "1 VU, then 3s:10,2s:10,3s:0, the first 1s of it warm-up");
    // What was warm-up is counted and not judged.
    let judged =
        report.objectives.iter().find(|objective| objective.id == "api_errors").unwrap().tally().unwrap().total;
    assert!(judged > 100 && judged < report.requests.sent, "{judged} of {}", report.requests.sent);
}

#[test]
#[ignore = "builds and runs load: run with cargo xtask ci"]
fn a_game_session_is_thirty_days_for_each_student_who_joined_once() {
    let report = perf("session", &["game_session", "-u", "20"]);
    assert_eq!((report.iterations.completed, report.requests.sent), (20, 20 + 20 * 30 * 6));
    let part = &report.plan.parts[0];
    let session = part.iteration_ms.expect("how long sessions took");
    assert!(session.p50 > 5_000.0 && session.max < 120_000.0, "{session:?}");
    let (days, rooms): (Vec<_>, Vec<_>) = report.segments.iter().partition(|segment| segment.name.starts_with("day "));
    assert_eq!((days.len(), days[0].name.as_str(), days[29].name.as_str()), (30, "day 1", "day 30"));
    assert!(days.iter().all(|day| day.endpoints["get_state"].requests == 20));
    assert!(days.iter().all(|day| !day.endpoints.contains_key("join_room")), "joined before the first day");
    // As many players as were in the room by then, by the backend's word.
    assert!(rooms.iter().all(|room| room.name.starts_with("players ")) && rooms.len() >= 5, "{rooms:?}");
    let trades: u64 = rooms.iter().map(|room| room.endpoints["update_player"].requests).sum();
    assert_eq!(trades, 20 * 30, "each is of one room");
}

#[test]
#[ignore = "builds and runs load: run with cargo xtask ci"]
fn endurance_is_a_closed_load_and_says_what_that_hides() {
    let report = perf("endurance", &["endurance", "-u", "10", "-d", "5s"]);
    assert!(report.requests.sent > 200 && report.plan.parts[0].model.contains("under-sampled"));
}

#[test]
#[ignore = "builds and runs load: run with cargo xtask ci"]
fn a_rate_is_kept_and_replayed() {
    let first = perf("rate", &["basic", "--rate", "30/s", "-d", "5s", "--max-vus", "60", "--seed", "9"]);
    let arrivals = first.plan.parts[0].arrivals.as_ref().expect("arrivals");
    assert_eq!((arrivals.planned, arrivals.started, first.iterations.dropped), (150, 150, 0));
    assert_eq!(first.requests.sent, 150 * 7);
    assert!(first.objectives[0].response_ms().is_some() && first.generator.workers > 0);
    let path = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("rate/latest/report.json");
    let again = perf("rate-again", &["--replay", path.to_str().unwrap()]);
    assert_eq!((&again.plan.hash, again.seed, again.requests.sent), (&first.plan.hash, 9, 150 * 7));
}

#[test]
#[ignore = "builds and runs load: run with cargo xtask ci"]
fn a_plan_is_drawn_without_a_stack_a_target_or_a_verdict() {
    let said = run(xtask(&["perf", "progressive", "--dry-run"]).env("PERF_TARGET", "http://127.0.0.1:1"));
    assert_eq!(said.code, 0, "{}", said.text);
    assert!(said.text.contains("up to 98") && said.text.contains("phases     ramp 7m"), "{}", said.text);
    assert!(!said.text.contains("was met"), "{}", said.text);
    let odd = run(&mut xtask(&["perf", "progressive", "--dry-run", "-u", "5"]));
    assert!(odd.code == 104 && odd.text.contains("--stage"), "{}", odd.text);
    let warm = run(&mut xtask(&["perf", "basic", "--dry-run", "--warmup", "30s"]));
    assert!(warm.code == 104 && warm.text.contains("warm-up"), "{}", warm.text);
}
