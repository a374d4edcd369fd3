//! Tests of `baseline_plan`.

use std::fs;

use perf_report::exit_code::ExitCode;
use perf_report::finding::{FindingKind, Severity};
use perf_report::render::files::{HISTOGRAMS, REPORT};

use super::*;
use crate::host::workspace;
use crate::perf::compare;
use crate::perf::judge::JudgedRun;

#[test]
#[cfg(unix)]
fn latest_stays_the_run_before_the_new_one() {
    let folder = workspace::target().join("baseline-of-latest");
    let index = ReportIndex::new(Some(folder.clone()));
    let finish_run = |testid| {
        let run = folder.join(testid);
        fs::create_dir_all(&run).unwrap();
        let mut report = test_support::report();
        report.run.testid = String::from(testid);
        fs::write(run.join(REPORT), serde_json::to_string(&report).unwrap()).unwrap();
        perf_host::files::point_latest_to(&run).unwrap();
    };
    finish_run("before-1");
    let NamedBaseline::Found(baseline) = Baseline::find("latest", &index).unwrap() else { panic!("it exists") };
    finish_run("new-1");
    assert_eq!(baseline.read().unwrap().report.run.testid, "before-1");
}

#[test]
fn a_baseline_that_cannot_be_compared_is_rejected_before_the_run() {
    let folder = workspace::target().join("baseline-of-another-scenario");
    fs::create_dir_all(&folder).unwrap();
    let path = folder.join(REPORT);
    fs::write(&path, test_support::situation("met", "").unwrap()).unwrap();
    fs::write(folder.join(HISTOGRAMS), "").unwrap();
    let compare = Baseline::find(&path.display().to_string(), &ReportIndex::new(None)).unwrap();
    let plan = BaselinePlan { compare: Some(compare), save: None, gate: Gate::Both, rule: Rule::default() };
    let problem = |scenario, planned: Option<PlanSummary>| {
        plan.check_comparable(scenario, planned.as_ref()).unwrap_err().to_string()
    };
    let other = problem("endurance", None);
    assert!(other.contains("their scenario differs (\"basic\" of the base, \"endurance\" of the head)"), "{other}");
    let base = reports::read(&path).unwrap().run;
    let same = PlanSummary { service: base.service, load: base.load, ..PlanSummary::default() };
    let other_load = problem("basic", Some(PlanSummary { load: "1 VU for 5s".to_owned(), ..same.clone() }));
    assert!(other_load.contains("their load differs") && other_load.contains("\"1 VU for 5s\""), "{other_load}");
    let other_service = problem("basic", Some(PlanSummary { service: "other".to_owned(), ..same.clone() }));
    assert!(other_service.contains("their service differs"), "{other_service}");
    assert!(problem("basic", Some(same)).contains(HISTOGRAMS), "its log is empty");
}

#[test]
fn a_missing_baseline_is_a_warning_of_a_run_that_is_met() {
    let index = ReportIndex::new(Some(workspace::target().join("no-baseline")));
    let compare = Some(Baseline::find("befor", &index).unwrap());
    let plan = BaselinePlan { compare, save: None, gate: Gate::Both, rule: Rule::default() };
    let judged = JudgedRun { folder: PathBuf::new(), report: test_support::report(), test_failed: None };
    let report = compare::run(&plan, &judged).conclude(plan.gate, judged.report, Vec::new());
    let warning = report.findings.iter().find(|finding| finding.kind == FindingKind::NoBaseline).unwrap();
    assert_eq!((report.exit_code, warning.severity), (ExitCode::Met, Severity::Warning));
    assert!(warning.message.contains("no baseline or report named \"befor\" yet"), "{}", warning.message);
}
