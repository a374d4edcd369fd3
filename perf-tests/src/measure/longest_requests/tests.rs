//! Tests of `longest_requests`.

use super::*;
use crate::clock;

const MS: fn(u64) -> Duration = Duration::from_millis;

#[test]
fn short_requests_are_removed_from_long_loads() {
    let (start, mut longest) = (clock::now(), LongestRequests::default());
    // One request of 0.3 to 0.4 s in each second of a load of several hours.
    for second in 0..20_000 {
        let from = start + MS(1_000 * second);
        longest.add(LongRequest { part: 0, endpoint: 0, from, to: from + MS(300 + second % 100), count: 1 });
    }
    assert!(longest.requests().len() <= MOST && longest.floor() < MS(400), "{:?}", longest.floor());
    assert!(longest.requests().iter().all(|request| request.count == 1 && request.length() >= longest.floor()));
}

#[test]
fn requests_that_waited_together_are_all_counted() {
    let start = clock::now();
    let worker = |worker: u64| {
        let mut longest = LongestRequests::default();
        for vu in 0..5_000 {
            let from = start + MS(10_000 + (vu + worker) % 500);
            longest.add(LongRequest { part: 0, endpoint: 0, from, to: start + MS(18_000), count: 1 });
        }
        longest
    };
    let mut longest = worker(0);
    longest.extend(worker(1));
    let count: u64 = longest.requests().iter().map(|request| request.count).sum();
    assert_eq!((count, longest.floor()), (10_000, Duration::ZERO));
}
