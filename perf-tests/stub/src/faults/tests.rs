//! Tests of `faults`.

use super::*;

#[test]
fn fault_flags_are_parsed() {
    let faults = Faults::parse(&["join_room=600ms".into()], &["get_news=0.5%".into()]).unwrap();
    assert_eq!(faults.delay("join_room", Duration::ZERO), Duration::from_millis(600));
    assert_eq!(faults.delay("get_news", Duration::ZERO), Duration::ZERO);
    assert_eq!(faults.error_ppm("get_news", Duration::ZERO), 5_000);
    let faults = Faults::parse(&["join_room=600ms@10s-25s".into()], &[]).unwrap();
    let delay = |at| faults.delay("join_room", Duration::from_secs(at)).as_millis();
    assert_eq!([9, 10, 24, 25].map(delay), [0, 600, 600, 0]);
    let wrong =
        ["join_room", "nowhere=1s", "join_room=fast", "join_room=1s@5s", "join_room=1s@5s-5s", "join_room=1s@x-y"];
    for (delay, error) in wrong.map(|delay| (delay, "x")) {
        assert!(Faults::parse(&[delay.into()], &[]).is_err());
        assert!(Faults::parse(&[], &[error.into()]).is_err());
    }
    assert!(Faults::parse(&[], &["join_room=101%".into()]).is_err());
}
