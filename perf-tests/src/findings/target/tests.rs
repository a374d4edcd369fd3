//! Tests of `target`.

use test_support::shop::SHOP;

use super::*;
use crate::engine::Silence;
use crate::measure::{Layout, Snapshot};
use crate::plan::constant_vus;

const SECOND: Duration = Duration::from_secs(1);

/// Findings about stalls of two endpoints: a short one that omits requests, and a later and
/// longer one that omits none. No request ended for `silence`.
fn findings(silence: (u32, u32)) -> Vec<Finding> {
    let stall = |endpoint, from, length, omitted| Stall {
        part: 0,
        endpoint: Some(endpoint),
        from: SECOND * from,
        length: SECOND * length,
        waiting: 1,
        is_partial: false,
        omitted,
    };
    let stalls = vec![stall(0, 5, 12, vec![(0, 90)]), stall(1, 30, 20, Vec::new())];
    let snapshot = Snapshot::new(&Layout::new(&SHOP, vec![false]));
    let longest_silence = Silence { from: SECOND * silence.0, length: SECOND * silence.1 };
    let load = Load { stalls, longest_silence, ..Load::not_started(snapshot) };
    let plan = Plan { parts: vec![constant_vus(3, SECOND * 60).plan("a", 1, 1).unwrap()], seed: 1 };
    stall_findings(&load, &plan, &SHOP, SECOND * 10)
}

#[test]
fn the_first_stall_is_the_one_that_leaves_objectives_undecided() {
    let all = findings((5, 2));
    assert!(all[0].message.contains("from 00:05 on") && all[0].exit_code.is_none(), "{all:?}");
    assert!(all[1].message.contains("from 00:30 on") && all[1].exit_code.is_none(), "{all:?}");
}

#[test]
fn a_problem_is_the_stall_in_which_no_request_ended() {
    // The last one begins when the first stall ended, and ends before the second one.
    for (silence, wanted, count) in [((6, 11), "00:05", 2), ((30, 20), "00:30", 2), ((17, 13), "00:17", 3)] {
        let all = findings(silence);
        let is_named = all[0].message.contains(&format!("from {wanted} on"));
        assert!(all.len() == count && is_named && all[0].is_problem(), "{silence:?}: {all:?}");
        assert!(all[1..].iter().all(|finding| !finding.is_problem()), "{silence:?}: {all:?}");
    }
}

#[test]
fn a_partial_stall_names_its_endpoints_and_no_unreached_one() {
    let stall = |endpoint, from, omitted| Stall {
        part: 0,
        endpoint: Some(endpoint),
        from: SECOND * from,
        length: SECOND * 8,
        waiting: 2,
        is_partial: true,
        omitted,
    };
    let names = |stalls: &[Stall]| {
        let group: Vec<_> = stalls.iter().collect();
        describe(&group, |stall| stall.endpoint.map_or_else(String::new, |at| format!("E{at}")), &SHOP)
    };
    let message = names(&[stall(0, 5, vec![(0, 90), (2, 9)]), stall(1, 5, vec![(1, 80)])]);
    assert!(message.contains("4 requests waited together, to E0, E1, while others finished"), "{message}");
    assert!(message.contains("179 more requests") && !message.contains("no VU reached"), "{message}");
}
