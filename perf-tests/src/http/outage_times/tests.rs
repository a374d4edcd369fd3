//! Tests of `outage_times`.

use super::*;

fn seconds(times: &[(u64, u64)]) -> OutageTimes {
    let second = Duration::from_secs;
    let mut all = OutageTimes::default();
    times.iter().for_each(|(start, end)| all.merge(OutageTimes::new(second(*start), second(*end), false, false)));
    all
}

fn merged(one: &[(u64, u64)], other: &[(u64, u64)]) -> (Option<u64>, u64) {
    let mut all = seconds(one);
    all.merge(seconds(other));
    (all.first().map(|first| first.as_secs()), all.total().as_secs())
}

#[test]
fn a_time_in_which_two_hosts_are_down_counts_once() {
    for (one, other, expected) in [
        // At the same time, within, overlapping, touching, and one after the other.
        (&[(2, 7)][..], &[(2, 7)][..], (Some(2), 5)),
        (&[(2, 9)], &[(4, 5)], (Some(2), 7)),
        (&[(4, 9)], &[(2, 5)], (Some(2), 7)),
        (&[(2, 5)], &[(5, 9)], (Some(2), 7)),
        (&[(20, 25)], &[(2, 7)], (Some(2), 10)),
        // A host that is down twice, and another one in between and during the second time.
        (&[(2, 4), (10, 12)], &[(6, 7), (11, 14)], (Some(2), 7)),
        (&[], &[(3, 4)], (Some(3), 1)),
        (&[], &[], (None, 0)),
    ] {
        assert_eq!(merged(one, other), expected, "{one:?} and {other:?}");
    }
}

#[test]
fn many_times_are_bounded_by_joining_the_closest() {
    // A second down in every ten, and one pause of a second only.
    let mut times: Vec<_> = (0..1_000).map(|at| (at * 10, at * 10 + 1)).collect();
    times.push((9_992, 9_993));
    let all = seconds(&times);
    assert_eq!((all.times.len(), all.total().as_secs()), (MOST_TIMES, 1_002));
}
