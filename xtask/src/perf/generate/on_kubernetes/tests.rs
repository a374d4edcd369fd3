//! Tests of `on_kubernetes`.

use super::*;

#[test]
fn a_test_that_failed_in_its_pod_is_described() {
    let failure = |code| test_failure("basic::basic", code);
    assert_eq!((failure(Some(0)), failure(None)), (None, None));
    let text = "every objective was met, but then the test basic::basic failed (exit code 101)";
    assert_eq!(failure(Some(101)).as_deref(), Some(text));
}
