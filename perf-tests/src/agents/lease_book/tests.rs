//! Agents that take leases, simulated on virtual time without sockets.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;
use test_support::shop::SHOP;
use tokio::task::{JoinSet, LocalSet};
use tokio::time::{self, Instant};

use super::*;
use crate::clock;
use crate::engine::Leases;
use crate::measure::Layout;
use crate::plan::{LoadProfile, constant_vus, per_vu_iterations, shared_iterations};

const MS: fn(u64) -> Duration = Duration::from_millis;

/// An agent of a simulation.
#[derive(Debug, Clone)]
struct Simulated {
    /// The time of an iteration.
    takes: Duration,
    /// When it is lost.
    lost: Option<Duration>,
    /// Whether it skips iterations after each, as if the target had refused connections.
    skips: u64,
}

/// The work of one agent.
#[derive(Debug, Default)]
struct Done {
    /// The numbers of the iterations that it began, by part.
    made: Vec<Vec<u64>>,
    skipped: Vec<u64>,
    /// When its last iteration ended, from the start of the load.
    ended: Duration,
}

/// The iterations of a load.
struct Outcome {
    done: Vec<Done>,
    /// Iterations of each part that were dropped, those of lost agents included.
    dropped: Vec<u64>,
}

fn plan(loads: &[LoadProfile]) -> Plan {
    let (mut parts, mut first_id) = (Vec::new(), 1);
    for load in loads {
        let part = load.plan("part", first_id, 1).unwrap();
        first_id += part.most_vus();
        parts.push(part);
    }
    Plan { parts, seed: 1 }
}

/// One virtual user. It takes iterations of a part until none is left or time is up.
async fn iterate(agent: Simulated, leases: Arc<Leases>, part: usize, stop: Instant, done: Rc<RefCell<Done>>) {
    let Some(leased) = leases.part(part) else { return };
    let begun = clock::now();
    while clock::now() < stop {
        let number = match leased.take() {
            Some(number) => number,
            None => match leased.wait(stop).await {
                Some(number) => number,
                None => break,
            },
        };
        assert!(clock::now() < stop, "an iteration began after the end of its part");
        done.borrow_mut().made[part].push(number);
        time::sleep(agent.takes).await;
        if agent.skips > 0 {
            let skipped = leased.skip(agent.skips, stop).await;
            done.borrow_mut().skipped[part] += skipped;
        }
    }
    let ended = clock::now().duration_since(begun);
    let mut done = done.borrow_mut();
    done.ended = done.ended.max(ended);
}

async fn simulate(plan: &Plan, agents: &[Simulated], latency: Duration) -> Outcome {
    let shares: Vec<_> = LoadShare::all(agents.len() as u32).collect();
    let book = Rc::new(RefCell::new(LeaseBook::new(plan, &shares)));
    let first = book.borrow_mut().first();
    let (local, load_start) = (LocalSet::new(), clock::now());
    let dropped = Rc::new(RefCell::new(vec![0; plan.parts.len()]));
    let mut running = JoinSet::new();
    for (at, ((agent, share), first)) in agents.iter().cloned().zip(shares).zip(first).enumerate() {
        let (book, plan, dropped) = (book.clone(), plan.clone(), dropped.clone());
        let work = async move {
            let parts = plan.parts.len();
            let empty = Done { made: vec![Vec::new(); parts], skipped: vec![0; parts], ended: Duration::ZERO };
            let (leases, done) = (Arc::new(Leases::new(&plan)), Rc::new(RefCell::new(empty)));
            let mut vus = JoinSet::new();
            for (index, part) in plan.parts.iter().enumerate() {
                for _ in 0..share.vus(part) {
                    let vu = iterate(agent.clone(), leases.clone(), index, load_start + part.end, done.clone());
                    vus.spawn_local(vu);
                }
            }
            let link = async {
                leases.add(&first);
                loop {
                    let requests = leases.requests().await;
                    time::sleep(latency).await;
                    let granted = book.borrow_mut().grant(at, &requests).unwrap();
                    time::sleep(latency).await;
                    leases.add(&granted);
                }
            };
            let all = async { while vus.join_next().await.transpose().unwrap().is_some() {} };
            let lost = tokio::select! {
                () = all => false,
                () = time::sleep(agent.lost.unwrap_or(MS(u64::from(u32::MAX)))) => true,
                () = link => unreachable!("the link has no end"),
            };
            drop(vus);
            // As the coordinator and the agent count them.
            let mut book = book.borrow_mut();
            let done = done.take();
            for part in 0..parts {
                let gone = done.made[part].len() as u64 + done.skipped[part];
                let untaken = leases.part(part).map_or(0, |leased| leased.untaken());
                dropped.borrow_mut()[part] += if lost { book.leased(at)[part] - gone } else { untaken };
            }
            assert!(lost || book.settle(at, &leases.received()));
            book.retire(at);
            (at, done)
        };
        running.spawn_local_on(work, &local);
    }
    let mut done: Vec<_> = local.run_until(running.join_all()).await;
    done.sort_by_key(|(at, _)| *at);
    let mut counts = Snapshot::new(&Layout::new(&SHOP, plan.parts.iter().map(|part| part.is_open()).collect()));
    book.borrow().count_untaken(plan, &mut counts);
    let dropped = dropped.take().into_iter().zip(&counts.parts);
    let dropped = dropped.map(|(dropped, counts)| dropped + counts.dropped.iter().sum::<u64>()).collect();
    Outcome { done: done.into_iter().map(|(_, done)| done).collect(), dropped }
}

fn simulate_now(plan: &Plan, agents: &[Simulated], latency: Duration) -> Outcome {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    runtime.block_on(simulate(plan, agents, latency))
}

fn steady(takes: Duration) -> Simulated {
    Simulated { takes, lost: None, skips: 0 }
}

fn agent() -> impl Strategy<Value = Simulated> {
    let lost = prop_oneof![3 => Just(None), 1 => (0_u64..3_000).prop_map(Some)];
    let skips = prop_oneof![4 => Just(0), 1 => 1_u64..40];
    (1_u64..2_000, lost, skips).prop_map(|(takes, lost, skips)| Simulated {
        takes: MS(takes),
        lost: lost.map(MS),
        skips,
    })
}

/// A part with at least 16 virtual users and iterations, so that 16 agents can share it.
fn load() -> impl Strategy<Value = LoadProfile> {
    let most = prop_oneof![1 => 1_000_u64..4_000, 2 => Just(3_600_000)];
    let shared = (16_u32..60, 16_u64..2_000, most)
        .prop_map(|(vus, all, most)| shared_iterations(vus, all.max(vus.into())).max_duration(MS(most)));
    let other = prop_oneof![
        (16_u32..40).prop_map(|vus| constant_vus(vus, MS(1_000))),
        (16_u32..40).prop_map(|vus| per_vu_iterations(vus, 3)),
    ];
    prop_oneof![3 => shared, 1 => other]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn each_shared_iteration_is_given_once_and_counted_once(
        loads in proptest::collection::vec(load(), 1..4),
        agents in proptest::collection::vec(agent(), 1..=16),
        latency in 0_u64..300,
    ) {
        let plan = plan(&loads);
        let Outcome { done, dropped } = simulate_now(&plan, &agents, MS(latency));
        for (index, part) in plan.parts.iter().enumerate() {
            let all = match part.schedule {
                Schedule::Vus { iterations: IterationLimit::Shared(all), .. } => all,
                _ => 0,
            };
            let mut made: Vec<_> = done.iter().flat_map(|done| done.made[index].iter().copied()).collect();
            let (count, skipped) = (made.len() as u64, done.iter().map(|done| done.skipped[index]).sum::<u64>());
            made.sort_unstable();
            made.dedup();
            prop_assert_eq!(made.len() as u64, count, "an iteration was made twice");
            prop_assert!(made.last().is_none_or(|last| *last < all));
            prop_assert_eq!(count + skipped + dropped[index], all);
            let has_time = part.end >= MS(3_600_000);
            if has_time && agents.iter().all(|agent| agent.lost.is_none()) {
                prop_assert_eq!(dropped[index], 0);
            }
        }
    }
}

#[test]
fn a_slow_agent_makes_fewer_iterations_and_all_end_together() {
    let plan = plan(&[shared_iterations(20, 30_000)]);
    let outcome = simulate_now(&plan, &[steady(MS(10)), steady(MS(100))], MS(1));
    let made: Vec<_> = outcome.done.iter().map(|done| done.made[0].len()).collect();
    assert_eq!(made.iter().sum::<usize>(), 30_000);
    // 10 virtual users each: 1,000 and 100 iterations a second.
    assert!(made[0].abs_diff(10 * made[1]) < 1_000, "{made:?}");
    let ended: Vec<_> = outcome.done.iter().map(|done| done.ended).collect();
    assert!(ended[0].abs_diff(ended[1]) < MS(250), "{ended:?}");
    // Without any wait, 30,000 iterations take 27.3 s.
    assert!(ended.iter().all(|ended| *ended < MS(28_000)), "{ended:?}");
}

#[test]
fn iterations_of_few_virtual_users_that_take_long_stay_with_the_coordinator() {
    let plan = plan(&[shared_iterations(20, 400)]);
    let outcome = simulate_now(&plan, &[steady(MS(1_000)), steady(MS(60_000))], MS(1));
    let made: Vec<_> = outcome.done.iter().map(|done| done.made[0].len()).collect();
    assert!(made[1] <= 20, "a slow agent has an iteration for each VU, and as many in hand: {made:?}");
}

#[test]
fn virtual_users_rarely_wait_for_a_slow_network() {
    let plan = plan(&[shared_iterations(8, 8_000)]);
    let ended = |latency| simulate_now(&plan, &[steady(MS(20)), steady(MS(20))], latency).done[0].ended;
    let (near, far) = (ended(MS(0)), ended(MS(100)));
    // 200 ms for the first blocks, which are small, and for the last ones.
    assert!(near >= MS(20_000) && far < near + MS(2_500), "{near:?} {far:?}");
}

#[test]
fn blocks_follow_from_the_paces_of_agents_that_are_left() {
    let plan = plan(&[shared_iterations(4, 1_004)]);
    let mut book = LeaseBook::new(&plan, &LoadShare::all(2).collect::<Vec<_>>());
    book.first();
    let grant = |book: &mut LeaseBook, agent, wanted| {
        book.grant(agent, &[LeaseRequest { part: 0, wanted, waiting: 0 }]).unwrap()[0].count
    };
    // Half of 1,000 iterations in the proportion 1,000 to 2, then half of 501 in that of 200 to
    // 1,000.
    assert_eq!((grant(&mut book, 1, 1_000), grant(&mut book, 0, 200)), (499, 41));
    book.retire(1);
    assert_eq!(grant(&mut book, 0, 200), 200);
}

#[test]
fn requests_that_are_not_valid_get_nothing() {
    let plan = plan(&[shared_iterations(4, 10), constant_vus(4, MS(1_000))]);
    let mut book = LeaseBook::new(&plan, &LoadShare::all(2).collect::<Vec<_>>());
    let first = book.first();
    assert_eq!(first, [[Lease { part: 0, first: 0, count: 2 }], [Lease { part: 0, first: 2, count: 2 }]]);
    let request = |part, wanted| LeaseRequest { part, wanted, waiting: u64::MAX };
    assert_eq!(book.grant(0, &[request(1, 1)]), None, "its iterations are not shared");
    assert_eq!(book.grant(0, &[request(7, 1)]), None);
    assert_eq!(book.grant(0, &[request(0, 1); 3]), None);
    assert_eq!(book.grant(0, &[request(0, u64::MAX)]), Some(vec![Lease { part: 0, first: 4, count: 3 }]));
    assert!(!book.settle(0, &[6, 0]) && !book.settle(0, &[5]) && book.settle(0, &[4, 0]));
    let mut counts = Snapshot::new(&Layout::new(&SHOP, vec![false, false]));
    book.count_untaken(&plan, &mut counts);
    assert_eq!(counts.parts[0].dropped.iter().sum::<u64>(), 4, "one came too late, and three were not given");
}
