//! Tests of `compare`.

use std::fs;

use perf_report::render::files::HISTOGRAMS;

use super::*;
use crate::host::workspace;

#[test]
fn a_baseline_that_cannot_be_compared_is_rejected_before_the_run() {
    let folder = workspace::target().join("baseline-of-another-scenario");
    fs::create_dir_all(&folder).unwrap();
    let path = folder.join(REPORT);
    fs::write(&path, test_support::situation("met", "").unwrap()).unwrap();
    fs::write(folder.join(HISTOGRAMS), "").unwrap();
    let compare = Some(path.display().to_string());
    let plan = BaselinePlan { compare, save: None, gate: Gate::Both, rule: Rule::default() };
    let problem = |scenario| plan.check_comparable(scenario).unwrap_err().to_string();
    assert!(problem("endurance").contains("their scenario differs (\"basic\" and \"endurance\")"));
    assert!(problem("basic").contains(HISTOGRAMS), "its log is empty: {}", problem("basic"));
}
