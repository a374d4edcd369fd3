//! Tests of runs with a real Prometheus in a container, and of verdicts with injected faults.
//!
//! The store has every request that was sent, and every rule and panel has data.

use std::time::Duration;

use crate::real::{Backend, Stack, has_data, now_ms, out, query, report, run, value, wait_for, xtask};
use perf_report::Report;
use perf_report::verdict::Verdict;

/// Queries that users of the metrics make.
const USER_QUERIES: [&str; 4] = [
    "histogram_quantile(0.95, sum(rate(join_room_latency_bucket[5m])) by (le))",
    "sum(rate(http_reqs{status=~\"[45]..\"}[5m])) by (name) / sum(rate(http_reqs[5m])) by (name)",
    "sum(rate(http_reqs[1m])) by (name)",
    "join_room_latency:p95",
];

#[test]
#[ignore = "needs Docker and an image of Prometheus: run with cargo xtask ci"]
fn the_store_has_every_request_and_every_panel_has_data() {
    let (stack, backend) = (Stack::up("docker"), Backend::start(&["--errors", "get_news=20%"]));
    let out = out("stored");
    let output = run(xtask(&["perf", "-u", "5", "-d", "12s", "--testid", "stored-1", "--tag", "team=trading"]).args([
        "--target",
        &backend.url,
        "--prometheus-url",
        &stack.url(),
        "--out",
        out.to_str().unwrap(),
    ]));
    assert_eq!(output.code, 99, "{}", output.text);
    let report = report(&out);
    let store = report.run.store.as_ref().unwrap();
    assert_eq!((store.complete, store.agrees, store.refused), (true, Some(true), 0), "{:?}", report.findings);
    assert!(report.requests.sent > 200 && report.requests.failed > 5, "{:?}", report.requests);
    check_counts(&stack, &report);
    let proof = proof(&out);
    assert_eq!(proof["queries"], "shown", "{}", output.text);
    assert_eq!(proof["same counts"], "shown", "{}", output.text);
    // The backend also counted a fifth of the requests for news as failed.
    assert_eq!((&proof["delivery"], &proof["two clocks"]), (&"shown".into(), &"shown".into()), "{}", output.text);
    let (url, from) = (stack.url(), report.run.started_unix_ms);
    // Rules are evaluated every 30 s, at a time that Prometheus chooses.
    wait_for("a recorded p95", Duration::from_secs(45), || {
        let now = now_ms();
        has_data(&query(&url, USER_QUERIES[3], None, now)).then_some(())
    });
    for expr in USER_QUERIES {
        // One second more, so that a step lies after the last recorded sample.
        let result = query(&url, expr, Some(from), now_ms() + 1_000);
        assert!(has_data(&result), "{expr}: {result:?}");
    }
    check_offset(&url);
    // A second run with the same testid would add to the counts of the first.
    let again = run(xtask(&["perf", "-i", "1", "--testid", "stored-1", "--target", &backend.url])
        .args(["--prometheus-url", &stack.url()]));
    assert_eq!(again.code, 104, "{}", again.text);
    assert!(again.text.contains("stored-1"), "{}", again.text);
}

/// Checks that `offset 1h` gives the recorded values an hour
/// later. Users compare two days this way.
fn check_offset(url: &str) {
    let now = now_ms();
    let recorded = query(url, USER_QUERIES[3], None, now);
    let later = query(url, &format!("{} offset 1h", USER_QUERIES[3]), None, now + 3_600_000);
    let values =
        |found: &[serde_json::Value]| found.iter().map(|series| series["value"][1].clone()).collect::<Vec<_>>();
    assert!(has_data(&recorded) && values(&recorded) == values(&later), "{recorded:?} and {later:?}");
}

/// Compares each count of the report with Prometheus, by queries that the test writes itself.
fn check_counts(stack: &Stack, report: &Report) {
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
    // Stale markers have ended the series, so an instant query has no result even now.
    assert!(query(&url, &format!("http_reqs{{{of_run}}}"), None, at).is_empty());
}

/// The outcome of each check of the proof, by name.
fn proof(out: &std::path::Path) -> std::collections::BTreeMap<String, String> {
    let text = std::fs::read_to_string(out.join("latest/proof.json")).unwrap();
    let proof: serde_json::Value = serde_json::from_str(&text).unwrap();
    let checks = proof["checks"].as_array().unwrap();
    checks
        .iter()
        .map(|check| (check["name"].as_str().unwrap().into(), check["outcome"].as_str().unwrap().into()))
        .collect()
}

fn missed(report: &Report) -> Vec<&str> {
    let missed = report.objectives.iter().filter(|objective| objective.verdict == Verdict::Missed);
    missed.map(|objective| objective.id.as_str()).collect()
}

#[test]
#[ignore = "loads the stub backend: run with cargo xtask ci"]
fn only_the_slow_endpoint_misses_its_objective() {
    let backend = Backend::start(&["--delay", "get_game_data=600ms"]);
    let out = out("slow");
    let output = run(xtask(&["perf", "-u", "10", "-i", "60", "--stack", "none"]).args([
        "--target",
        &backend.url,
        "--out",
        out.to_str().unwrap(),
    ]));
    assert_eq!(output.code, 99, "{}", output.text);
    assert_eq!(missed(&report(&out)), ["get_game_data_latency"]);
    let headline = output.text.lines().find(|line| line.starts_with('✗')).unwrap();
    for part in ["basic: missed, 1 of 9 (exit 99): get_game_data p95 ", " ms > 500 ms, 60 requests"] {
        assert!(headline.contains(part), "{headline}");
    }
    assert!(output.text.trim_end().ends_with("basic: missed, 1 of 9 (exit 99)"), "{}", output.text);
}

#[test]
#[ignore = "loads the stub backend: run with cargo xtask ci"]
fn fast_errors_miss_the_p95_and_the_success_of_their_endpoint() {
    let backend = Backend::start(&["--errors", "join_room=30%"]);
    let out = out("errors");
    let output = run(xtask(&["perf", "-u", "10", "-i", "200", "--stack", "none"]).args([
        "--target",
        &backend.url,
        "--out",
        out.to_str().unwrap(),
    ]));
    assert_eq!(output.code, 99, "{}", output.text);
    assert_eq!(missed(&report(&out)), ["join_room_latency", "join_room_success", "api_errors"]);
    let headline = output.text.lines().find(|line| line.starts_with('✗')).unwrap();
    for part in
        ["join_room p95 ∞ > 300 ms", "× 500 Internal Server Error {\"detail\":\"injected fault\"}, first at 00:0"]
    {
        assert!(headline.contains(part), "{headline}");
    }
}

/// Tests that take too long for every change.
mod full {
    use super::*;

    #[test]
    #[ignore = "needs Docker and an image of Prometheus: run with cargo xtask ci --full"]
    fn an_exhausted_pool_is_reported_with_time_and_load() {
        let out = out("pool");
        let (stack, backend) = (Stack::up("docker"), Backend::start(&["--pool=2"]));
        let port = stack.port.to_string();
        let output = run(xtask(&["perf", "-q", "-s", "10s:2", "-s", "8s:60", "-s", "8s:60"]).args([
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
        assert_eq!(output.code, 99, "{}", output.text);
        let report = report(&out);
        assert!(missed(&report).contains(&"backend:pool_used"), "{}", output.text);
        let findings: Vec<_> = output.text.lines().collect();
        // A good share of hits is not printed beside a miss.
        assert!(report.run.caches.iter().any(|cache| cache.name == "days"), "{:?}", report.run.caches);
        for part in ["the backend misses objectives on its own metrics: pool_used", "first missed: "] {
            assert!(findings.iter().any(|line| line.contains(part)), "{part:?} is not in {findings:?}");
        }
        // The pool has two connections, enough for two players: more
        // players, at a later time, had to wait.
        let first = perf_report::interpretation::first_miss(&report).unwrap();
        assert!(first.at_ms > 5_000 && first.vus > 2, "{first:?}");
    }
}
