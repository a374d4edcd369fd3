//! Tests of `judge`.

use super::*;

#[test]
fn a_failed_test_decides_the_exit_code_of_a_met_run_only() {
    let problem = |own, exit_code| test_problem(own, "basic::basic", TestEnd::in_pod(exit_code));
    let met = problem(ExitCode::Met, Some(101)).unwrap();
    assert_eq!(met.exit_code, Some(ExitCode::BadConfiguration));
    assert_eq!(met.message, "every objective was met, but then the test basic::basic failed (exit code 101)");
    assert_eq!(problem(ExitCode::Missed, Some(101)), None);
    assert_eq!((problem(ExitCode::Met, Some(0)), problem(ExitCode::Met, None)), (None, None));
}
