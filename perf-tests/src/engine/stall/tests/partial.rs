//! Freezes of a part of the target.

use super::*;
use crate::measure::LongRequest;

/// Of 20 VUs that make 400 requests per second for 30 s to the first of two endpoints, and 100 to
/// the other, these wait for so long.
fn stalls(waits: &[(usize, u64, u64)]) -> Vec<Stall> {
    stalls_with_freeze(waits, MS(0))
}

/// The same, and all VUs wait for `freeze` from 15 s on.
fn stalls_with_freeze(waits: &[(usize, u64, u64)], freeze: Duration) -> Vec<Stall> {
    let mut load = SimulatedLoad::with_limits(&[LIMIT, None], &[false]);
    load.pulse.vus[0] = 20;
    load.waiting(0, 16).waiting(1, 4).steady(MS(15_000), &[(0, 20), (1, 5)]);
    load.freeze(freeze).steady(MS(15_000), &[(0, 20), (1, 5)]);
    let start = clock::now();
    let mut longest = LongestRequests::default();
    for &(endpoint, from, to) in waits {
        longest.add(LongRequest { part: 0, endpoint, from: start + MS(from), to: start + MS(to), count: 1 });
    }
    load.watch.finish(&longest, start).0
}

#[test]
fn a_frozen_replica_omits_the_requests_of_its_virtual_users() {
    // A quarter of the VUs waits for 8 s.
    let all = stalls(&[0, 1, 2, 3, 4].map(|vu| (usize::from(vu == 0), 10_000 + 50 * vu, 18_000)));
    // Both endpoints are named.
    let [other, stall] = all.as_slice() else { panic!("{all:?}") };
    assert!(stall.is_partial && stall.waiting == 4 && stall.from == MS(10_050), "{stall:?}");
    assert!(other.is_partial && other.waiting == 1 && other.from == MS(10_000), "{other:?}");
    assert_eq!((stall.endpoint, stall.length), (Some(0), MS(7_950)), "{stall:?}");
    assert_eq!((other.endpoint, other.length), (Some(1), MS(8_000)), "{other:?}");
    // A VU makes 20 requests per second. Those within the threshold and those that waited do not
    // count.
    let omitted = |endpoint| all.iter().map(|stall| omitted(stall, endpoint)).sum::<u64>();
    assert!(omitted(0).abs_diff(5 * 20 * 77 / 10 - 4) < 20, "{all:?}");
    assert!(omitted(1).abs_diff(5 * 5 * 77 / 10 - 1) < 20, "{all:?}");
}

#[test]
fn a_frozen_replica_is_found_whatever_number_of_virtual_users_waits() {
    let waits: Vec<_> = (0..2_500).map(|vu| (0, 10_000 + vu % 100, 18_000)).collect();
    let all = stalls(&waits);
    let [stall] = all.as_slice() else { panic!("{all:?}") };
    assert!(stall.is_partial && stall.waiting == 2_500, "{stall:?}");
    assert!(omitted(stall, 0).abs_diff(2_500 * 20 * 77 / 10) < 2_500 * 4, "{stall:?}");
}

#[test]
fn a_stall_of_all_virtual_users_does_not_hide_a_frozen_replica() {
    let waits: Vec<_> = (0..5).map(|vu| (0, 10_000 + 50 * vu, 18_000)).collect();
    let all = stalls_with_freeze(&waits, MS(1_000));
    let (partial, whole): (Vec<_>, Vec<_>) = all.iter().partition(|stall| stall.is_partial);
    let ([partial], [_, ..]) = (partial.as_slice(), whole.as_slice()) else { panic!("{all:?}") };
    // The second in which all VUs waited is counted once.
    assert!(omitted(partial, 0).abs_diff(5 * 20 * 67 / 10) < 40, "{partial:?}");
    // The requests of the stall itself are not frozen.
    let waits: Vec<_> = (0..20).map(|vu| (0, 14_900 + 5 * vu, 23_010)).collect();
    assert!(stalls_with_freeze(&waits, MS(8_000)).iter().all(|stall| !stall.is_partial));
}

#[test]
fn long_waits_of_single_requests_and_slow_tails_are_not_partial_stalls() {
    assert_eq!(stalls(&[(0, 10_000, 18_000)]), [], "one request");
    assert_eq!(stalls(&[(0, 5_000, 13_000), (0, 14_000, 22_000)]), [], "one after the other");
    // Every VU has a response of 2 to 5 s once.
    let tail: Vec<_> = (0..20).map(|vu| (0, 1_000 * vu, 1_000 * vu + 2_000 + vu % 4 * 1_000)).collect();
    assert_eq!(stalls(&tail), []);
    assert_eq!(stalls(&[(0, 10_000, 10_900), (0, 10_100, 11_000)]), [], "a small part of the error budget");
}
