//! Tests of `status`.

use super::*;

#[test]
fn each_of_the_last_runs_has_its_own_line() {
    let mut runs = vec![test_support::report(); RUNS + 1];
    for (run, number) in runs.iter_mut().zip(1..) {
        (run.run.testid, run.run.started_unix_ms) = (format!("run-{number}"), number);
    }
    let lines = ["last runs", "    run-6", "    run-5", "    run-4", "    run-3", "    run-2"];
    assert_eq!(describe_last(runs), lines);
    assert!(describe_last(Vec::new()).is_empty());
}
