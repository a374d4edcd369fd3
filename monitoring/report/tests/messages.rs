//! Tests that messages decide nothing: with other messages, a report has the same colors, results
//! and exit code.

#![expect(clippy::unwrap_used, reason = "a helper that fails fails the test")]

use std::fs;
use std::path::Path;

use monitoring::slo::OnMiss;
use perf_report::Report;
use perf_report::exit_code::ExitCode;
use perf_report::finding::{Finding, FindingKind, Subject};
use perf_report::findings::run_findings;
use perf_report::read::read_report;
use perf_report::render::files::{HTML, JUNIT, MARKDOWN, run_files};
use perf_report::verdict::{Reason, Verdict};

fn report() -> Report {
    let mut report = read_report(include_str!("over_time.json")).unwrap();
    report.objectives[0].verdict = Verdict::Missed;
    report.objectives[1].verdict = Verdict::Inconclusive(Reason::Unavailable { why: "missed: nothing".to_owned() });
    report.objectives[2].verdict = Verdict::Missed;
    report.objectives[2].on_miss = OnMiss::Warn;
    let problem = |code, kind, message| Finding::problem(code, Subject::Run, kind, message);
    report.conclude([
        problem(ExitCode::Inconclusive, FindingKind::Stall, "the target stalled"),
        problem(ExitCode::ProofFailed, FindingKind::ProofFailed, "improved: not at all"),
        Finding::warning(Subject::Store, FindingKind::ClockSkew, "problem: only a word"),
    ])
}

/// The same report with other messages.
fn with_other_messages(mut report: Report) -> Report {
    for (finding, word) in report.findings.iter_mut().zip(["regressed: x", "warning: y", "missed: z"].iter().cycle()) {
        finding.message = (*word).to_owned();
    }
    report.objectives[1].verdict = Verdict::Inconclusive(Reason::Unavailable { why: "problem: other".to_owned() });
    for objective in &mut report.objectives {
        objective.objective = "something else".to_owned();
    }
    report
}

/// Decisions in a report: classes of its page, signs of its summary, results and severities.
fn decisions(report: &Report) -> (ExitCode, Vec<String>) {
    let files = run_files(report, None).unwrap();
    let file = |name: &str| files.iter().find(|(known, _)| *known == name).unwrap().1.clone();
    let page = file(HTML);
    let mut decisions: Vec<_> =
        page.split("class=\"").skip(1).map(|rest| rest.split('"').next().unwrap().to_owned()).collect();
    let results = file(JUNIT);
    decisions.extend(["<failure", "<error", "<skipped"].map(|tag| results.matches(tag).count().to_string()));
    decisions.extend(file(MARKDOWN).chars().filter(|c| "✅❌❔⚠➖".contains(*c)).map(String::from));
    decisions
        .extend(run_findings(report).iter().map(|finding| format!("{:?} {:?}", finding.severity, finding.exit_code)));
    (report.clone().conclude([]).exit_code, decisions)
}

#[test]
fn other_messages_change_no_color_result_or_exit_code() {
    let (code, before) = decisions(&report());
    assert_eq!(code, ExitCode::Missed);
    assert!(before.len() > 40, "{before:?}");
    assert_eq!(decisions(&with_other_messages(report())), (code, before));
}

/// No code finds the meaning of a finding in its message.
#[test]
fn no_product_code_searches_a_message() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut folders: Vec<_> = ["monitoring", "dashboards", "perf-tests", "xtask"].map(|name| root.join(name)).into();
    let mut read = 0;
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let is_test = path
                .components()
                .any(|part| ["tests", "tests.rs", "target"].contains(&&*part.as_os_str().to_string_lossy()));
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") && !is_test {
                read += 1;
                let text = fs::read_to_string(&path).unwrap();
                let code = text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
                for search in ["message.contains(", "message.starts_with(", "message.ends_with(", "message == "] {
                    assert!(!code.contains(search), "{} decides by words: {search}", path.display());
                }
            }
        }
    }
    assert!(read > 150, "read only {read} files");
}
