//! The shares of any number of agents and threads are exactly the plan.

use std::collections::BTreeMap;
use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::engine::vu::IterationId;
use crate::plan::{
    LoadProfile, VuPlan, constant_arrival_rate, constant_vus, per_vu_iterations, ramping_arrival_rate, ramping_vus,
    shared_iterations,
};

const SECOND: Duration = Duration::from_secs(1);

/// The work of one part in a plan, or in the shares of it.
#[derive(Debug, Default, PartialEq)]
struct Work {
    /// Number of each iteration, and when it is due. Its payload follows from its number.
    arrivals: Vec<(u64, Duration)>,
    /// Ids of an open load's virtual users.
    ids: Vec<u32>,
    /// Virtual users of an open load that exist from the start.
    ready: usize,
    /// A closed load's virtual users by id, with the number of their own iterations.
    vus: BTreeMap<u32, (VuPlan, u64)>,
    /// Numbers of shared iterations.
    shared: Vec<u64>,
}

impl Work {
    fn add(&mut self, schedule: WorkerSchedule) {
        match schedule {
            WorkerSchedule::Arrivals { arrivals, nth, of, ids, ready } => {
                if !ids.is_empty() {
                    let numbered = (0_u64..).zip(arrivals.iter());
                    self.arrivals.extend(numbered.skip(nth).step_by(of));
                }
                self.ids.extend(ids);
                self.ready += ready;
            }
            WorkerSchedule::Vus { vus, supply } => {
                // One after another takes an iteration, at most a hundred of its own.
                let mut begun = vec![0; vus.len()];
                for _ in 0..100 {
                    for begun in &mut begun {
                        match supply.take(*begun) {
                            Some(IterationId::Shared(number)) => self.shared.push(number),
                            Some(IterationId::Own(number)) => *begun = number + 1,
                            None => {}
                        }
                    }
                }
                let own = vus.into_iter().zip(begun).map(|(vu, begun)| (vu.id, (vu, begun)));
                own.for_each(|(id, vu)| assert!(self.vus.insert(id, vu).is_none(), "VU {id} runs twice"));
            }
        }
    }

    fn sorted(mut self) -> Self {
        self.arrivals.sort_unstable();
        self.ids.sort_unstable();
        self.shared.sort_unstable();
        self
    }
}

/// The work of each part, by this many agents. `threads` has the number of each agent's threads.
fn work(plan: &Plan, agents: u32, threads: impl Fn(u32) -> usize) -> Vec<Work> {
    let of_part = |part: &PartPlan| {
        let mut work = Work::default();
        for (number, share) in (0..).zip(Share::all(agents)) {
            let (next, threads) = (SharedSource::Counter(Arc::default()), threads(number));
            (0..threads).for_each(|thread| work.add(share.schedule(part, &next, thread, threads)));
        }
        work.sorted()
    };
    plan.parts.iter().map(of_part).collect()
}

fn plan(loads: &[LoadProfile], seed: u64) -> Plan {
    let (mut parts, mut first_id) = (Vec::new(), 1);
    for load in loads {
        let part = load.plan("part", first_id, seed).unwrap();
        first_id += part.most_vus();
        parts.push(part);
    }
    Plan { parts, seed }
}

/// A load of any executor with 16 to 99 virtual users and at least 16 iterations.
fn load() -> impl Strategy<Value = LoadProfile> {
    (0..6, 16_u32..100, 16_u64..100, any::<bool>()).prop_map(|(executor, vus, number, poisson)| {
        let spread = |load: LoadProfile| if poisson { load.poisson() } else { load };
        match executor {
            0 => constant_vus(vus, SECOND * 10),
            1 => ramping_vus(&[(SECOND * 3, vus), (SECOND, 0)]),
            2 => shared_iterations(vus, number.max(vus.into())),
            3 => per_vu_iterations(vus, number),
            4 => spread(constant_arrival_rate(number, SECOND, SECOND * 3, vus / 2).max_vus(vus)),
            _ => spread(ramping_arrival_rate(number, &[(SECOND * 3, 5), (SECOND, 90)], vus)),
        }
    })
}

proptest! {
    #[test]
    fn the_shares_of_all_agents_or_shards_are_exactly_the_plan(
        loads in proptest::collection::vec(load(), 1..4),
        agents in 1_u32..=16,
        threads in proptest::collection::vec(1_usize..=4, 16),
        seed in any::<u64>(),
    ) {
        let plan = plan(&loads, seed);
        let shards = (1..=agents).map(|number| Share::from_shard(Shard { number, of: agents }));
        prop_assert!(shards.eq(Share::all(agents)));
        prop_assert_eq!(check_shares(&plan, agents, "agent"), Ok(()));
        let alone = work(&plan, 1, |_| 1);
        let together = work(&plan, agents, |agent| threads[agent as usize]);
        prop_assert_eq!(&together, &alone);
        for (part, work) in plan.parts.iter().zip(&alone) {
            let made = work.arrivals.len() + work.shared.len();
            let own: u64 = work.vus.values().map(|(_, begun)| begun).sum();
            if let Some(planned) = part.iterations() {
                prop_assert_eq!(made as u64 + own, planned);
            }
        }
    }
}

#[test]
fn agents_without_a_vu_or_an_iteration_are_refused() {
    let refused = |load: LoadProfile, agents| check_shares(&plan(&[load], 1), agents, "agent").unwrap_err().to_string();
    assert!(refused(constant_vus(3, SECOND), 4).contains("part has 3 VUs, and each agent needs one: use at most 3"));
    assert!(refused(constant_arrival_rate(2, SECOND, SECOND, 9), 3).contains("part has 2 arrivals"));
    assert_eq!(check_shares(&plan(&[constant_vus(3, SECOND)], 1), 3, "agent"), Ok(()));
}
