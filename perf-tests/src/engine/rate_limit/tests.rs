//! Tests of `rate_limit`.

use super::*;

/// Timers have a resolution of one millisecond, but a finer limit is reached too.
#[tokio::test(start_paused = true)]
async fn the_rate_limit_is_reached_and_not_exceeded() {
    for (rps, workers) in [(50, 1), (50, 2), (5_000, 1)] {
        let (limit, until) = (RateLimit::new(Some(rps), workers), clock::now() + Duration::from_secs(2));
        let mut sent = 0_u64;
        while clock::now() < until {
            limit.wait().await;
            sent += 1;
        }
        let expected = 2 * rps / workers as u64;
        assert!(sent.abs_diff(expected) <= 2 + expected / 100, "{sent} of {expected}");
    }
}
