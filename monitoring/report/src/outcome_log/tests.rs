//! Tests of `outcome_log`.

use super::*;
use crate::exit_code::ExitCode;

/// An outcome of several lines: numbers that do not repeat compress badly.
fn logged() -> LoggedOutcome {
    let digits: String = (0..60_000_u64).map(|k| format!("{:x}", k.wrapping_mul(0x9e37_79b9_7f4a_7c15))).collect();
    let files = BTreeMap::from([("evidence.json".to_owned(), digits), ("log".to_owned(), "é\n".to_owned())]);
    LoggedOutcome { outcome: Outcome::Failed { code: ExitCode::Missed, message: "é".to_owned() }, files }
}

#[test]
fn an_outcome_is_read_from_a_log_in_any_order_and_twice() {
    let lines = logged().to_lines().unwrap();
    assert!(lines.len() > 2 && lines.iter().all(|line| line.len() < 16 << 10), "{}", lines.len());
    let mut log = OutcomeLog::default();
    assert!(!log.take("0:05 of 0:30") && !log.take("perf-outcome 9/3 x") && !log.take("perf-outcome 0/3 x"));
    assert_eq!(log.outcome().unwrap(), None);
    for line in lines.iter().rev().chain(&lines) {
        assert!(log.take(&format!("{line}\n")));
    }
    assert_eq!(log.outcome().unwrap(), Some(logged()));
}

#[test]
fn a_log_that_was_cut_off_has_no_outcome() {
    let lines = logged().to_lines().unwrap();
    let mut log = OutcomeLog::default();
    lines[1..].iter().for_each(|line| assert!(log.take(line)));
    let error = log.outcome().unwrap_err().to_string();
    assert_eq!(error, format!("the log has {} of {} lines of the outcome", lines.len() - 1, lines.len()));
    log.take(&lines[0].replacen("H4sI", "H4sJ", 1));
    assert!(log.outcome().unwrap_err().to_string().contains("not readable"));
}
