//! The terminal text of common situations, at 80 and 120 columns. The first line tells the cause.

#![expect(clippy::unwrap_used, reason = "a helper that fails fails the test")]

use perf_report::Report;
use perf_report::evidence::{FailedRequest, FailureCauses, Iterations};
use perf_report::exit_code::ExitCode;
use perf_report::finding::{Finding, FindingKind, Severity, Subject};
use perf_report::headline::Headline;
use perf_report::judgement::{Measurement, ObjectiveResult, Requests};
use perf_report::read::read_report;
use perf_report::render::terminal::{RunResult, TerminalStyle, render_result};
use perf_report::verdict::{Reason, Tally, Verdict};
use perf_report::{FailureKind, Millis};

/// A run of the stub backend that met its objectives.
fn met() -> Report {
    read_report(include_str!("met.json")).unwrap()
}

fn objective<'a>(report: &'a mut Report, id: &str) -> &'a mut ObjectiveResult {
    report.objectives.iter_mut().find(|objective| objective.id == id).unwrap()
}

/// Makes a percentile objective missed. `quantile_ms` is infinite for failed requests.
fn miss(report: &mut Report, id: &str, quantile_ms: f64, total: u64) {
    let quantile = if quantile_ms.is_finite() { Millis::Finite(quantile_ms) } else { Millis::INFINITE };
    let tally = Tally { good: total / 2, total, ..Tally::default() };
    let objective = objective(report, id);
    let interval_ms = Some((Millis::Finite(100.0), quantile));
    let measured = Measurement::Percentile { tally, quantile_ms: Some(quantile), interval_ms, response_ms: None };
    (objective.verdict, objective.measured) = (Verdict::Missed, Some(measured));
}

/// Fails requests of some endpoints with a status and a body.
fn fail(report: &mut Report, endpoints: &[&str], status: u16, body: &str) {
    let mut causes = FailureCauses::default();
    for endpoint in report.endpoints.iter_mut().filter(|it| endpoints.contains(&it.name.as_str())) {
        let failed = endpoint.requests.sent / 2;
        endpoint.requests.failed = failed;
        endpoint.errors.insert(FailureKind::Status, failed);
        let (kind, body) = (FailureKind::Status, body.as_bytes());
        let request = FailedRequest { request: &endpoint.name, kind, status: Some(status), message: "", body };
        (0..failed).for_each(|_| causes.record(request, 3_000));
    }
    report.failures = causes.into_sorted();
    report.requests.failed = report.endpoints.iter().map(|endpoint| endpoint.requests.failed).sum();
    report.iterations.failed = report.requests.failed;
    let (good, total) = (report.requests.sent - report.requests.failed, report.requests.sent);
    let errors = report.objectives.iter_mut().find(|it| it.subject == "all endpoints").unwrap();
    errors.measured = Some(Measurement::Share { tally: Tally { good, total, ..Tally::default() } });
    errors.verdict = Verdict::Missed;
}

/// A run that sent nothing.
fn sent_nothing(report: &mut Report) {
    (report.requests, report.iterations) = (Requests::default(), Iterations::default());
    report.endpoints.clear();
    report.timeline.slices.clear();
    report.objectives.iter_mut().for_each(|it| it.verdict = Verdict::Inconclusive(Reason::NoData));
}

fn problem(code: ExitCode, subject: Subject, kind: FindingKind, message: &str) -> Finding {
    Finding::problem(code, subject, kind, message)
}

/// The proof of a run of the stub backend.
const PROOF: &str = "proof
✓ queries: 141 of 228 queries to Prometheus have data; 87 may be empty (reasons: proof.json)
✓ delivery: 2,548 sent, 2,548 in Prometheus, 2,548 counted by the backend
✓ same counts: good and total requests of 9 objectives, report compared with Prometheus, and 2 values of backend metrics
✓ two clocks: 7 of 7 endpoints agree with the backend; 0.1 to 0.6 ms on average outside the backend
– over time: not available: the run was too short for the backend's memory to drift
✓ coverage: 7 of 8 routes that were requested have an objective; without: POST /api/multiplayer/rooms";

/// All text at both widths, after the exit code has been decided.
fn texts(report: Report, findings: impl IntoIterator<Item = Finding>) -> String {
    let report = report.conclude(findings);
    let verdict = Headline::new(&report).verdict;
    // A run that sent nothing, was stopped, or lost its store is not proved.
    let has_store = report.findings.iter().all(|finding| finding.subject != Subject::Store);
    let is_proved = report.was_loaded() && report.exit_code != ExitCode::Interrupted && has_store;
    let result = RunResult {
        report: &report,
        proof: is_proved.then_some(PROOF),
        compared: None,
        dashboard: Some("http://localhost:3001/d/stock-ai-multiplayer"),
        html: "target/perf/20261129-basic/report.html",
    };
    let at = |width| {
        let text = render_result(&result, TerminalStyle { width, ..TerminalStyle::PLAIN });
        format!("{}\n{verdict}", text.trim_start())
    };
    let texts = [80, 120].map(|width| {
        let text = at(width);
        let widest = text.lines().map(|line| line.chars().count()).max().unwrap();
        assert!(widest <= width, "a line has {widest} of {width} columns:\n{text}");
        format!("{}\n{text}", "-".repeat(width))
    });
    texts.join("\n\n")
}

#[test]
fn a_met_run() {
    insta::assert_snapshot!(texts(met(), []));
}

#[test]
fn a_missed_objective() {
    let mut report = met();
    miss(&mut report, "get_game_data_latency", 761.0, 263);
    insta::assert_snapshot!(texts(report, []));
}

#[test]
fn several_missed_objectives() {
    let mut report = met();
    miss(&mut report, "get_news_latency", f64::INFINITY, 263);
    miss(&mut report, "get_state_latency", 412.0, 263);
    fail(&mut report, &["get_news"], 500, r#"{"detail":"connection pool exhausted"}"#);
    insta::assert_snapshot!(texts(report, []));
}

#[test]
fn too_few_requests() {
    let mut report = met();
    for objective in report.objectives.iter_mut().filter(|it| it.goal.is_latency()) {
        let reason = Reason::TooFew { total: 12, needed: 20, quantile: "p95".to_owned() };
        objective.verdict = Verdict::Inconclusive(reason);
        let tally = Tally { good: 12, total: 12, ..Tally::default() };
        objective.measured =
            Some(Measurement::Percentile { tally, quantile_ms: None, interval_ms: None, response_ms: None });
    }
    insta::assert_snapshot!(texts(report, []));
}

#[test]
fn a_failed_setup() {
    let mut report = met();
    sent_nothing(&mut report);
    let message = r#"setup failed: POST /api/multiplayer/rooms answered 404 Not Found: {"detail":"Not Found"}"#;
    let advice = "The scenario makes this request before the load, at perf-tests/tests/load/game.rs:35. Does this service have that route?";
    let finding = problem(ExitCode::Inconclusive, Subject::Scenario, FindingKind::SetupFailed, message);
    insta::assert_snapshot!(texts(report, [finding.with_advice(advice)]));
}

#[test]
fn a_target_without_the_routes() {
    let mut report = met();
    let names: Vec<_> = report.endpoints.iter().map(|endpoint| endpoint.name.clone()).collect();
    for name in &names {
        miss(&mut report, &format!("{name}_latency"), f64::INFINITY, 263);
    }
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    fail(&mut report, &names, 404, r#"{"detail":"Not Found"}"#);
    insta::assert_snapshot!(texts(report, []));
}

#[test]
fn a_store_that_is_gone() {
    let message = "the store did not accept the final metrics: http://127.0.0.1:9090/api/v1/write cannot be reached: \
                   Connection refused (os error 111)";
    let finding = problem(ExitCode::Inconclusive, Subject::Store, FindingKind::StoreRefused, message);
    insta::assert_snapshot!(texts(met(), [finding]));
}

#[test]
fn an_interrupted_run() {
    let message = "stopped by a signal; the report has everything that was measured until then";
    let finding = problem(ExitCode::Interrupted, Subject::Run, FindingKind::Interrupted, message);
    insta::assert_snapshot!(texts(met(), [finding]));
}

#[test]
fn a_regressed_run() {
    let message = "compared with main: regressed: get_news: p95 75.0 ms before, 91.2 ms after: +21.6 %, between +15.0 % and +28.1 %";
    let finding = problem(ExitCode::Regressed, Subject::Baseline, FindingKind::ChangedFromBaseline, message);
    let warning = Finding::new(Severity::Warning, Subject::Baseline, FindingKind::OtherConditions, "another seed");
    insta::assert_snapshot!(texts(met(), [finding, warning]));
}
