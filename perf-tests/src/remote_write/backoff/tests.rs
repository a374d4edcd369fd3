//! Tests of `backoff`.

use super::*;

#[test]
fn pauses_double_up_to_a_limit_and_are_random() {
    let least = |failures| pause(failures, 0.0).as_millis();
    assert_eq!([0, 1, 2, 7, 8, 40].map(least), [15, 30, 60, 1_920, 2_500, 2_500]);
    assert_eq!(pause(40, 1.0), MAX);
    let chances: Vec<_> = (0..20).map(|_| rand::random::<f64>()).collect();
    assert!(chances.iter().all(|chance| (0.0..=1.0).contains(chance)), "{chances:?}");
    assert!(chances.windows(2).any(|pair| pair[0] < pair[1]) && chances.windows(2).any(|pair| pair[0] > pair[1]));
}

#[test]
fn retry_after_is_respected_within_bounds() {
    let mut backoff = Backoff::default();
    for (seconds, least, most) in [(2, 2, 3), (7_200, 60, 61)] {
        backoff.failed(Some(Duration::from_secs(seconds)));
        let left = backoff.until().unwrap() - clock::now();
        assert!(left > Duration::from_secs(least - 1) && left < Duration::from_secs(most), "{left:?}");
    }
    assert!(!backoff.is_over());
    backoff.succeeded();
    assert!(backoff.is_over() && backoff.failures() == 0);
}
