//! Tests of `lost`.

use perf_report::evidence::AgentResult;
use test_support::shop::SHOP;

use super::*;
use crate::engine::Load;
use crate::measure::Layout;
use crate::plan::{
    LoadProfile, constant_arrival_rate, constant_vus, per_vu_iterations, ramping_arrival_rate, shared_iterations,
};

const SECS: fn(u64) -> Duration = Duration::from_secs;

/// Iterations that the first of three agents did not make, by phase. It was lost after 4 s with
/// `completed` iterations; each of the others made 100.
fn dropped(load: &LoadProfile, completed: u64) -> [u64; Phase::ALL.len()] {
    count_dropped(load, completed, None)
}

/// The same for an agent that was given this number of shared iterations of each part.
fn count_dropped(load: &LoadProfile, completed: u64, leased: Option<Vec<u64>>) -> [u64; Phase::ALL.len()] {
    let plan = Plan { parts: vec![load.plan("part", 1, 1).unwrap()], seed: 1 };
    let mut counts = Snapshot::new(&Layout::new(&SHOP, vec![plan.parts[0].is_open()]));
    let mut survivors = Survivors { shares: LoadShare::all(3).skip(1).collect(), counts: counts.clone() };
    survivors.counts.parts[0].iterations.completed = 200;
    counts.parts[0].iterations.completed = completed;
    let (share, result) = (LoadShare::all(3).next().unwrap(), AgentResult::new(1, None));
    let mut agent = AgentLoad { share, leased, load: Load::not_started(counts), result, lost: None };
    let unknown = count(&plan, &mut agent, SECS(4), &survivors);
    let dropped = agent.load.snapshot.parts[0].dropped;
    assert_eq!(unknown, if agent.leased.is_some() { dropped.iter().sum() } else { 0 });
    dropped
}

#[test]
fn arrivals_of_a_lost_agent_are_dropped_in_their_phases() {
    // 4 arrivals a second for 10 s: of 40, it has numbers 0, 3, 6 … 39, which are 14.
    let load = constant_arrival_rate(4, SECS(1), SECS(10), 9).warm_up(SECS(6));
    // 5 were made. Numbers 15, 18 and 21 are due before 6 s, and 24 to 39 after.
    assert_eq!(dropped(&load, 5), [3, 0, 6]);
    assert_eq!(dropped(&load, 14), [0, 0, 0]);
    let ramp = ramping_arrival_rate(0, &[(SECS(10), 8)], 9);
    assert_eq!(dropped(&ramp, 0), [0, 14, 0]);
}

#[test]
fn planned_iterations_that_a_lost_agent_did_not_make_are_dropped() {
    assert_eq!(dropped(&shared_iterations(9, 40), 5), [0, 0, 9]);
    assert_eq!(count_dropped(&shared_iterations(9, 40), 5, Some(vec![7])), [0, 0, 2]);
    assert_eq!(dropped(&per_vu_iterations(9, 7), 5), [0, 0, 16]);
}

#[test]
fn a_lost_agent_would_have_made_as_many_iterations_as_others() {
    // The others have 4 VUs, which made 200 iterations. It has 2.
    assert_eq!(dropped(&constant_vus(6, SECS(10)), 30), [0, 0, 70]);
    // 2 s of the remaining 6 s are warm-up.
    assert_eq!(dropped(&constant_vus(6, SECS(10)).warm_up(SECS(6)), 40), [20, 0, 40]);
}
