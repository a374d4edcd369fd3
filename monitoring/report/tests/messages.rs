//! Tests that texts decide nothing: with other words, a report and a comparison have the same
//! colors, results, findings and exit codes.

#![expect(clippy::unwrap_used, reason = "a helper that fails fails the test")]

use std::collections::BTreeMap;

use monitoring::slo::OnMiss;
use perf_report::comparison::{
    Change, Comparison, ComparisonMethod, Conclusion, EndpointChange, Rule, SCHEMA as COMPARISON_SCHEMA,
};
use perf_report::evidence::{MissingValue, RunOverview};
use perf_report::exit_code::ExitCode;
use perf_report::finding::{Finding, FindingKind, Subject};
use perf_report::findings::{comparison_findings, run_findings};
use perf_report::gate::Gate;
use perf_report::headline::Headline;
use perf_report::read::{read_comparison, read_report};
use perf_report::render::files::{HTML, JUNIT, MARKDOWN, comparison_files, run_files};
use perf_report::render::terminal::{TerminalStyle, render_comparison, render_run};
use perf_report::verdict::{Reason, Verdict};
use perf_report::{FailureKind, Report};
use serde_json::{Value, json};

/// Members with text for people, in reports and comparisons.
const TEXTS: [&str; 13] = [
    "advice",
    "base",
    "body",
    "command",
    "head",
    "load",
    "lost",
    "message",
    "model",
    "objective",
    "place",
    "revision",
    "why",
];

/// Words that mean something else where they are.
const WORDS: [&str; 6] =
    ["regressed: x", "warning: missed", "problem: improved", "not available: 404", "met", "check \"a\" failed"];

fn problem(code: ExitCode, kind: FindingKind, message: &str) -> Finding {
    Finding::problem(code, Subject::Run, kind, message)
}

/// A run with each kind of text: failed requests, segments, and all verdicts.
fn report() -> Report {
    let mut json: Value = serde_json::from_str(&test_support::report_text("over_time.json")).unwrap();
    let failure = |request: &str, kind: &str, status: Option<u16>, message: &str| json!({ "request": request, "kind": kind, "status": status, "message": message, "body": "no", "count": 9, "first_ms": 1 });
    json["failures"] = json!([
        failure("add_item", "check", Some(200), "has a room"),
        failure("add_item", "status", Some(404), ""),
        failure("get_cart", "status", Some(302), "expected 200"),
        failure("list_orders", "refused", None, "Connection refused"),
    ]);
    let segment = |day: u32| {
        let latency = json!({ "requests": 30, "failed": 0, "p50_ms": 20.0 * f64::from(day), "p95_ms": 90.0 });
        json!({ "name": format!("day {day}"), "endpoints": { "get_cart": latency } })
    };
    json["segments"] = (1..=9).map(segment).collect();
    let mut report = read_report(&json.to_string()).unwrap();
    let unavailable =
        || Verdict::Inconclusive(Reason::Unavailable(MissingValue::NotScraped("missed: nothing".to_owned())));
    report.objectives[0].verdict = Verdict::Missed;
    report.objectives[1].verdict = unavailable();
    report.objectives[2].verdict = Verdict::Missed;
    report.objectives[2].on_miss = OnMiss::Warn;
    report.objectives.iter_mut().filter(|it| it.goal.is_backend()).for_each(|it| it.verdict = unavailable());
    let endpoint = &mut report.endpoints[0];
    endpoint.requests.failed = endpoint.requests.sent / 2;
    endpoint.errors.insert(FailureKind::Status, endpoint.requests.failed);
    report.conclude([
        problem(ExitCode::Inconclusive, FindingKind::Stall, "the target stalled"),
        problem(ExitCode::ProofFailed, FindingKind::ProofFailed, "improved: not at all").with_advice("see proof.json"),
        Finding::warning(Subject::Store, FindingKind::ClockSkew, "problem: only a word"),
    ])
}

/// An interleaved comparison with each conclusion, and objectives of the head.
fn comparison() -> Comparison {
    let endpoint = |(name, conclusion): (&str, Conclusion)| EndpointChange {
        name: name.to_owned(),
        conclusion,
        p95: Change { before: Some(100.0), after: Some(120.0), change: Some(0.2), interval: Some((0.1, 0.3)) },
        p: 0.01,
        p50: Change::default(),
        p99: Change::default(),
        success: Change::default(),
        throughput: Change::default(),
        rounds_p95_ms: Vec::new(),
    };
    use Conclusion::{Improved, NoChangeMeasured, Regressed, TooLittleData};
    let endpoints = [("a", Regressed), ("b", Improved), ("c", NoChangeMeasured), ("d", TooLittleData)];
    let Report { run: RunOverview { scenario, load, .. }, objectives, .. } = report();
    let (base, head) = ("main".to_owned(), "a branch".to_owned());
    let compared = Comparison {
        schema: COMPARISON_SCHEMA,
        name: "compared".to_owned(),
        base,
        head,
        method: ComparisonMethod::Interleaved,
        scenario,
        load,
        rule: Rule::default(),
        alpha: 0.05,
        pairs: 12,
        endpoints: endpoints.map(endpoint).into(),
        objectives: Vec::new(),
        findings: Vec::new(),
        exit_code: ExitCode::Met,
    };
    let stall = problem(ExitCode::Inconclusive, FindingKind::Stall, "the target stalled");
    let left = Finding::warning(Subject::Run, FindingKind::ServiceLeft, "it is left");
    compared.conclude(Gate::Both, objectives, vec![stall, left])
}

/// Gives each text other words, and equal texts the same ones. The name of a failed check stays,
/// and so does the number of a segment: they are not text.
fn swap(json: &mut Value, words: &mut BTreeMap<String, String>) {
    let is_check = json["kind"] == "check";
    match json {
        Value::Array(values) => values.iter_mut().for_each(|value| swap(value, words)),
        Value::Object(members) => {
            for (name, value) in members {
                match value {
                    Value::String(text) if TEXTS.contains(&&**name) && !(is_check && name == "message") => {
                        let known = words.len();
                        let other = || format!("{} {known}", WORDS[known % WORDS.len()]);
                        *text = words.entry(text.clone()).or_insert_with(other).clone();
                    }
                    Value::String(text) if name == "name" => *text = text.replace("day ", "turn "),
                    value => swap(value, words),
                }
            }
        }
        _ => {}
    }
}

fn other_words<T: serde::Serialize>(value: &T) -> String {
    let mut json = serde_json::to_value(value).unwrap();
    swap(&mut json, &mut BTreeMap::new());
    json.to_string()
}

/// A file of a report.
fn file(report: &Report, name: &str) -> String {
    content(run_files(report, None).unwrap(), name)
}

fn content(files: Vec<(&'static str, String)>, name: &str) -> String {
    files.into_iter().find(|(known, _)| *known == name).unwrap().1
}

/// Decisions in files: classes of the page, signs of the summary and kinds of results.
fn decisions_in(files: &[(&'static str, String)]) -> Vec<String> {
    let file = |name| content(files.to_vec(), name);
    let (page, results) = (file(HTML), file(JUNIT));
    let classes = page.split("class=\"").skip(1).map(|rest| rest.split('"').next().unwrap().to_owned());
    let tags = ["<failure", "<error", "<skipped"].map(|tag| results.matches(tag).count().to_string());
    let signs = file(MARKDOWN).chars().filter(|c| "✅❌❔⚠➖".contains(*c)).map(String::from).collect::<Vec<_>>();
    classes.chain(tags).chain(signs).collect()
}

fn list_decisions(headline: &Headline, findings: &[Finding], colored: &str) -> Vec<String> {
    let headline = format!("{:?}", (headline.cause.is_empty(), headline.advice.is_some()));
    let findings = findings.iter().map(|it| format!("{:?}", (it.severity, it.kind, &it.subject, it.exit_code)));
    let colors = colored.split("\u{1b}[").skip(1).map(|rest| rest.split('m').next().unwrap().to_owned());
    std::iter::once(headline).chain(findings).chain(colors).collect()
}

/// Decisions at the first place where two lists differ.
fn first_difference<'a>(before: &'a [String], after: &'a [String]) -> Option<[Option<&'a String>; 2]> {
    let pairs = (0..before.len().max(after.len())).map(|at| [before.get(at), after.get(at)]);
    pairs.into_iter().find(|[before, after]| before != after)
}

const COLORED: TerminalStyle = TerminalStyle { color: true, ..TerminalStyle::PLAIN };

fn decisions(report: &Report) -> (ExitCode, Vec<String>) {
    let mut decisions = decisions_in(&run_files(report, None).unwrap());
    decisions.extend(list_decisions(&Headline::new(report), &run_findings(report), &render_run(report, COLORED)));
    let cause =
        |objective| report.main_failure(objective).and_then(|main| report.failures.iter().position(|it| it == main));
    decisions.extend(report.objectives.iter().map(|objective| format!("{:?}", cause(objective))));
    (report.clone().conclude([]).exit_code, decisions)
}

#[test]
fn other_words_change_no_color_result_or_exit_code() {
    let report = report();
    let (code, before) = decisions(&report);
    assert_eq!(code, ExitCode::Missed);
    for part in ["SegmentTrend", "BackendResource", "FailedRequests", "Some(0)"] {
        assert!(before.iter().any(|decision| decision.contains(part)), "{part} is not among {before:?}");
    }
    let swapped = read_report(&other_words(&report)).unwrap();
    assert_ne!(file(&swapped, MARKDOWN), file(&report, MARKDOWN));
    let (swapped_code, after) = decisions(&swapped);
    assert_eq!((swapped_code, first_difference(&before, &after)), (code, None));
}

#[test]
fn other_words_change_no_decision_of_a_comparison() {
    let decisions = |compared: &Comparison| {
        let mut decisions = decisions_in(&comparison_files(compared).unwrap());
        let (headline, findings) = (Headline::for_comparison(compared), comparison_findings(compared));
        decisions.extend(list_decisions(&headline, &findings, &render_comparison(compared, COLORED)));
        let conclude = |gate| compared.clone().conclude(gate, compared.objectives.clone(), Vec::new()).exit_code;
        ([Gate::Both, Gate::Absolute].map(conclude), decisions)
    };
    let compared = comparison();
    let (codes, before) = decisions(&compared);
    assert_eq!(codes, [ExitCode::Missed; 2]);
    let swapped = read_comparison(&other_words(&compared)).unwrap();
    assert_ne!(swapped.findings, compared.findings);
    let (swapped_codes, after) = decisions(&swapped);
    assert_eq!((swapped_codes, first_difference(&before, &after)), (codes, None));
}

#[test]
fn page_summary_and_results_have_all_findings() {
    let report = report();
    let findings = run_findings(&report);
    let is_about = |kind| findings.iter().any(|finding| finding.kind == kind);
    assert!(is_about(FindingKind::Missed) && is_about(FindingKind::Stall) && is_about(FindingKind::SegmentTrend));
    assert!(findings.is_sorted_by_key(|finding| std::cmp::Reverse(finding.severity)));
    // The table of the summary has missed objectives, and its list failed requests.
    let is_told =
        |kind| matches!(kind, FindingKind::Missed | FindingKind::MissedWarnsOnly | FindingKind::FailedRequests);
    for name in [HTML, JUNIT, MARKDOWN] {
        let escapes = [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&apos;", "'"), ("&amp;", "&"), ("\\_", "_")];
        let text = escapes.iter().fold(file(&report, name), |text, (escape, c)| text.replace(escape, c));
        for finding in findings.iter().filter(|it| name != MARKDOWN || !is_told(it.kind)) {
            assert!(text.contains(&finding.message), "{name} lacks {finding}");
        }
        let missed = report.objectives.iter().filter(|it| it.verdict == Verdict::Missed);
        for row in missed.map(|it| format!("missed | {} | {} |", it.subject, it.objective)) {
            assert!(name != MARKDOWN || text.contains(&row), "{name} lacks {row}");
        }
        let causes = report.failures.iter().map(|it| it.describe());
        for cause in causes {
            assert!(name != MARKDOWN || text.contains(&cause), "{name} lacks {cause}");
        }
    }
}
