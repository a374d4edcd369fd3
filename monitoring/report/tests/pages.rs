//! Pages and summaries of common situations: each cause once, and nothing about what was
//! never measured.

#![expect(clippy::unwrap_used, reason = "a helper that fails fails the test")]

use std::fs;
use std::path::Path;

use perf_report::Report;
use perf_report::finding::FindingKind;
use perf_report::findings::run_findings;
use perf_report::read::read_report;
use perf_report::render::files::{HTML, MARKDOWN, run_files};
use perf_report::verdict::Verdict;

/// The report of a situation, see `situations/`.
fn report(situation: &str) -> Report {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/situations/{situation}.json"));
    read_report(&fs::read_to_string(path).unwrap()).unwrap()
}

fn file(report: &Report, name: &str) -> String {
    let files = run_files(report, None).unwrap();
    files.into_iter().find(|(known, _)| *known == name).unwrap().1
}

#[test]
fn a_run_that_did_not_run_has_only_its_cause() {
    let report = report("failed_setup");
    let page = file(&report, HTML);
    for absent in ["workers;", "No request failed", "0 requests", "objectives\"", "latency\"", "load\"", "budgets\""] {
        assert!(!page.contains(absent), "{absent}");
    }
    assert!(page.contains("href=\"#errors\"") && page.contains("501 Not Implemented"), "the failed request");
    assert_eq!(page.matches("setup failed").count(), 1);
    let summary = file(&report, MARKDOWN);
    assert_eq!(summary.matches("setup failed").count(), 1, "{summary}");
    assert!(!summary.contains("0 requests"), "{summary}");
}

#[test]
fn a_missed_objective_of_the_headline_is_not_repeated_below_it() {
    let report = report("missed");
    for name in [HTML, MARKDOWN] {
        let text = file(&report, name).replace("&gt;", ">");
        assert_eq!(text.matches("p95 795.3 ms > 500 ms").count(), 1, "{name}");
    }
}

#[test]
fn a_summary_prints_each_cause_once() {
    let summaries = ["failed_setup", "without_routes", "several_missed"].map(|name| file(&report(name), MARKDOWN));
    insta::assert_snapshot!(summaries.join("\n"));
}

#[test]
fn objectives_with_one_cause_are_one_finding() {
    let report = report("without_routes");
    let is_open = |verdict: &Verdict| matches!(verdict, Verdict::Inconclusive(_));
    assert_eq!(report.objectives.iter().filter(|it| it.verdict == Verdict::Missed).count(), 3);
    assert_eq!(report.objectives.iter().filter(|it| is_open(&it.verdict) && !it.goal.is_backend()).count(), 6);
    let findings = run_findings(&report);
    let count = |kind| findings.iter().filter(|finding| finding.kind == kind).count();
    assert_eq!([count(FindingKind::Missed), count(FindingKind::Inconclusive)], [1, 1], "{findings:?}");
}
