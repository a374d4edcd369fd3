//! Tests of `clock_offset`.

use super::*;

#[test]
fn an_offset_is_at_most_half_a_round_trip_wrong() {
    // Their clock is 1000 behind. The probe takes 10, the reply 30, and the agent 5.
    let reply = ClockReply { received: 9_010, sent: 9_015 };
    let measured = ClockOffset::new(10_000, reply, 10_045);
    assert_eq!(measured, ClockOffset { offset: -1_010, error: 20 });
    assert!(measured.offset.abs_diff(-1_000) <= u128::from(measured.error));
    assert_eq!(measured.to_agent(20_000), 18_990);
}
