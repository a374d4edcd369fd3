//! Tests of `terminal`.

use super::*;

#[test]
fn the_first_line_is_the_verdict_or_error_and_then_the_cause() {
    let cause = "no prometheus on PATH: install it";
    assert_eq!(stop_line(None, cause), format!("error: {cause}"));
    let verdict = format!("basic: {}", ExitCode::BadConfiguration.describe_stop());
    assert_eq!(stop_line(Some(&verdict), cause), format!("basic: did not run (exit 104): {cause}"));
}
