//! Runs against a real Prometheus in a container: what was sent is what is stored, every rule and panel has data, and
//! verdicts are those that the injected faults ask for.

use std::time::Duration;

use crate::real::{Backend, Stack, has_data, out, query, report, run, value, wait_for, xtask};
use monitoring::services::stock_ai::{GET_GAME_DATA, STOCK_AI};
use perf_report::Report;
use perf_report::verdict::Verdict;

/// What the users ask, as they ask it.
const ASKED: [&str; 4] = [
    "histogram_quantile(0.95, sum(rate(join_room_latency_bucket[5m])) by (le))",
    "sum(rate(http_reqs{status=~\"[45]..\"}[5m])) by (name) / sum(rate(http_reqs[5m])) by (name)",
    "sum(rate(http_reqs[1m])) by (name)",
    "join_room_latency:p95",
];

#[test]
#[ignore = "needs Docker and an image of Prometheus: run with cargo xtask ci"]
fn what_was_sent_is_what_is_stored_and_everything_drawn_has_data() {
    let (stack, backend) = (Stack::up("docker"), Backend::start(&["--errors", "get_news=20%"]));
    let out = out("stored");
    let said = run(xtask(&["perf", "-u", "5", "-d", "12s", "--testid", "stored-1", "--tag", "team=trading"]).args([
        "--target",
        &backend.url,
        "--prometheus-url",
        &stack.url(),
        "--out",
        out.to_str().unwrap(),
    ]));
    assert_eq!(said.code, 99, "{}", said.text);
    let report = report(&out);
    let store = report.store.as_ref().unwrap();
    assert_eq!((store.complete, store.agrees, store.refused), (true, Some(true), 0), "{:?}", report.findings);
    assert!(report.requests.sent > 200 && report.requests.failed > 5, "{:?}", report.requests);
    counts_are_equal(&stack, &report);
    let proof = proof(&out);
    assert_eq!(proof["nothing empty"], "shown", "{}", said.text);
    assert_eq!(proof["same answer"], "shown", "{}", said.text);
    // A fifth of the news failed, and the backend counted them so.
    assert_eq!((&proof["delivery"], &proof["two clocks"]), (&"shown".into(), &"shown".into()), "{}", said.text);
    let (url, from) = (stack.url(), report.started_unix_ms);
    // Rules are evaluated every 30 s, at a time that Prometheus chooses.
    wait_for("a recorded p95", Duration::from_secs(45), || {
        let now = now_ms();
        has_data(&query(&url, ASKED[3], None, now)).then_some(())
    });
    for expr in ASKED {
        // Steps are a second wide: one of them lies behind the sample that was recorded last.
        let result = query(&url, expr, Some(from), now_ms() + 1_000);
        assert!(has_data(&result), "{expr}: {result:?}");
    }
    an_hour_later(&url);
    // The same name again would be added to the first run's counts.
    let again = run(xtask(&["perf", "-i", "1", "--testid", "stored-1", "--target", &backend.url])
        .args(["--prometheus-url", &stack.url()]));
    assert_eq!(again.code, 104, "{}", again.text);
    assert!(again.text.contains("stored-1"), "{}", again.text);
}

/// What `offset 1h` gives an hour from now is what is recorded now: that is how two days are laid over one another.
fn an_hour_later(url: &str) {
    let now = now_ms();
    let recorded = query(url, ASKED[3], None, now);
    let later = query(url, &format!("{} offset 1h", ASKED[3]), None, now + 3_600_000);
    let values =
        |found: &[serde_json::Value]| found.iter().map(|series| series["value"][1].clone()).collect::<Vec<_>>();
    assert!(has_data(&recorded) && values(&recorded) == values(&later), "{recorded:?} and {later:?}");
}

/// Each count of the report, asked of Prometheus in words of the test's own.
fn counts_are_equal(stack: &Stack, report: &Report) {
    let (url, at) = (stack.url(), now_ms());
    let last = |series: &str| value(&url, &format!("sum(last_over_time({series}[1h]))"), at);
    let of_run = "testid=\"stored-1\"";
    assert_eq!(last(&format!("http_reqs{{{of_run}}}")), report.requests.sent as f64);
    assert_eq!(last(&format!("http_req_failed{{{of_run}}}")), report.requests.failed as f64);
    assert_eq!(last(&format!("http_reqs{{{of_run},team=\"trading\"}}")), report.requests.sent as f64);
    for objective in report.objectives.iter().filter(|objective| !objective.goal.is_backend()) {
        let name = objective.subject.as_str();
        let (good, total) = match objective.objective.split_once(" <= ") {
            Some((_, threshold)) => {
                let le = threshold.trim_end_matches(" ms");
                (
                    last(&format!("{name}_latency_bucket{{{of_run},le=\"{le}.0\"}}")),
                    last(&format!("{name}_latency_count{{{of_run}}}")),
                )
            }
            None if name == "all endpoints" => {
                let all = last(&format!("http_reqs{{{of_run}}}"));
                (all - last(&format!("api_errors{{{of_run}}}")), all)
            }
            None => (last(&format!("{name}_success{{{of_run}}}")), last(&format!("{name}_latency_count{{{of_run}}}"))),
        };
        let tally = objective.tally().unwrap();
        assert_eq!((good, total), (tally.good as f64, tally.total as f64), "{}", objective.id);
        assert!(total > 0.0, "{}", objective.id);
    }
    // Series have ended: an instant selector sees none, though only a moment has passed.
    assert!(query(&url, &format!("http_reqs{{{of_run}}}"), None, at).is_empty());
}

/// What each check of the proof came to.
fn proof(out: &std::path::Path) -> std::collections::BTreeMap<String, String> {
    let text = std::fs::read_to_string(out.join("latest/proof.json")).unwrap();
    let proof: serde_json::Value = serde_json::from_str(&text).unwrap();
    let checks = proof["checks"].as_array().unwrap();
    checks
        .iter()
        .map(|check| (check["name"].as_str().unwrap().into(), check["outcome"].as_str().unwrap().into()))
        .collect()
}

fn now_ms() -> i64 {
    let since = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap();
    i64::try_from(since.as_millis()).unwrap()
}

fn missed(report: &Report) -> Vec<&str> {
    let missed = report.objectives.iter().filter(|objective| objective.verdict == Verdict::Missed);
    missed.map(|objective| objective.id.as_str()).collect()
}

#[test]
#[ignore = "loads the stub backend: run with cargo xtask ci"]
fn an_endpoint_that_became_slow_is_named_and_no_other() {
    let backend = Backend::start(&["--delay", "get_game_data=600ms"]);
    let out = out("slow");
    let said = run(xtask(&["perf", "-u", "10", "-i", "60", "--stack", "none"]).args([
        "--target",
        &backend.url,
        "--out",
        out.to_str().unwrap(),
    ]));
    assert_eq!(said.code, 99, "{}", said.text);
    assert_eq!(missed(&report(&out)), ["get_game_data_latency"]);
    let sentence = said.text.lines().find(|line| line.starts_with("missed:")).unwrap();
    let promise = STOCK_AI.latency_slo(&GET_GAME_DATA).unwrap().describe();
    for part in ["get_game_data", &promise, "over 60 requests", "0 of them good"] {
        assert!(sentence.contains(part), "{sentence}");
    }
}

#[test]
#[ignore = "loads the stub backend: run with cargo xtask ci"]
fn fast_errors_miss_the_p95_and_the_success_of_their_endpoint() {
    let backend = Backend::start(&["--errors", "join_room=30%"]);
    let out = out("errors");
    let said = run(xtask(&["perf", "-u", "10", "-i", "200", "--stack", "none"]).args([
        "--target",
        &backend.url,
        "--out",
        out.to_str().unwrap(),
    ]));
    assert_eq!(said.code, 99, "{}", said.text);
    assert_eq!(missed(&report(&out)), ["join_room_latency", "join_room_success", "api_errors"]);
    assert!(said.text.contains("counts as infinitely slow"), "{}", said.text);
}

/// What takes too long for every change.
mod full {
    use super::*;

    #[test]
    #[ignore = "needs Docker and an image of Prometheus: run with cargo xtask ci --full"]
    fn a_pool_that_runs_dry_is_told_with_the_moment_and_the_load_at_which_promises_broke() {
        let out = out("pool");
        let (stack, backend) = (Stack::up("docker"), Backend::start(&["--pool=2"]));
        let port = stack.port.to_string();
        let said = run(xtask(&["perf", "-q", "-s", "10s:2", "-s", "8s:60", "-s", "8s:60"]).args([
            "--target",
            &backend.url,
            "--stack",
            "docker",
            "--no-grafana",
            "--prometheus-port",
            &port,
            "--out",
            out.to_str().unwrap(),
        ]));
        assert_eq!(said.code, 99, "{}", said.text);
        let report = report(&out);
        assert!(missed(&report).contains(&"backend:pool_used"), "{}", said.text);
        let read: Vec<_> = said.text.lines().filter(|line| line.starts_with("reading: ")).collect();
        for part in [
            "the backend uses more than it was promised to: pool_used",
            "cache days had",
            "the first promise to break was ",
        ] {
            assert!(read.iter().any(|line| line.contains(part)), "{part:?} is not in {read:?}");
        }
        // Two players have two connections; it was later, and with more of them, that they had to wait.
        let first = perf_report::readings::first_break(&report).unwrap();
        assert!(first.at_ms > 5_000 && first.vus > 2, "{first:?}");
    }
}
