//! Tests of `coordinator_log`.

use super::*;

#[test]
fn a_log_that_breaks_is_read_for_two_more_minutes() {
    let (mut outage, start) = (Outage::default(), clock::instant());
    let at = |seconds| start + Duration::from_secs(seconds);
    assert!(!outage.is_too_long(at(0), false) && !outage.is_too_long(at(3_600), true), "it was read meanwhile");
    assert!(!outage.is_too_long(at(3_720), false) && outage.is_too_long(at(3_721), false));
}
