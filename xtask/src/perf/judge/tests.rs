//! Tests of `judge`.

use super::*;

#[test]
fn a_failed_test_decides_the_exit_code_of_a_met_run_only() {
    let code = |own| test_problem(own, String::new()).map(|problem| problem.exit_code);
    assert_eq!(code(ExitCode::Met), Some(Some(ExitCode::BadConfiguration)));
    assert_eq!(code(ExitCode::Missed), None);
}
