//! The shares of any number of agents and threads are exactly the plan, with the same payloads.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::rc::Rc;
use std::time::Duration;

use perf_settings::HttpSettings;
use proptest::prelude::*;
use test_support::shop::SHOP;

use super::*;
use crate::clock;
use crate::engine::lease::{Lease, Leases};
use crate::engine::rate_limit::RateLimit;
use crate::engine::vu::{IterationId, RunContext, Vu, WorkerContext};
use crate::http::{ConnectionOwner, HttpConfig, Pool};
use crate::measure::{Layout, Recorder};
use crate::plan::{
    LoadProfile, VuPlan, constant_arrival_rate, constant_vus, per_vu_iterations, ramping_arrival_rate, ramping_vus,
    shared_iterations,
};

const SECOND: Duration = Duration::from_secs(1);

/// The work of one part in a plan, or in the shares of it.
#[derive(Debug, Default, PartialEq)]
struct Work {
    /// Number of each iteration, when it is due, and the hash of its payload.
    arrivals: Vec<(u64, Duration, u64)>,
    /// Ids of an open load's virtual users.
    ids: Vec<u32>,
    /// Virtual users of an open load that exist from the start.
    ready: usize,
    /// A closed load's virtual users by id, with the hashes of their own iterations' payloads.
    vus: BTreeMap<u32, (VuPlan, Vec<u64>)>,
    /// Number of each shared iteration, and the hash of its payload.
    shared: Vec<(u64, u64)>,
}

/// One part, and the state of the virtual users that run it.
struct Worker {
    context: WorkerContext,
    part: usize,
}

impl Worker {
    fn new(plan: &Plan, part: usize) -> Self {
        let target = "http://127.0.0.1:1".parse().unwrap();
        let run = RunContext {
            http: Arc::new(HttpConfig::new(&target, &BTreeMap::new(), HttpSettings::default()).unwrap()),
            endpoints: SHOP.endpoints,
            hosts: Vec::new(),
            is_exercised: Vec::new(),
            measures: &[],
            declared_measures: Vec::new(),
            seed: plan.seed,
            ids: plan.parts.iter().map(PartPlan::ids).collect(),
            phases: plan.parts.iter().map(|part| part.phases.clone()).collect(),
            tags: Vec::new(),
            connection_owner: ConnectionOwner::Client,
            keeps_cookies: false,
        };
        let layout = Layout::new(&SHOP, plan.parts.iter().map(PartPlan::is_open).collect());
        let context = WorkerContext {
            run: Arc::new(run),
            recorder: Rc::new(RefCell::new(Recorder::new(layout))),
            pool: Pool::default(),
            rate_limit: Rc::new(RateLimit::new(None, 1)),
            load_start: clock::now(),
            unsendable: Rc::default(),
        };
        Self { context, part }
    }

    fn vu(&self, id: u32) -> Vu {
        Vu::new(id, self.part, self.context.clone())
    }
}

/// The hash of all that a payload may have: the iteration's name and its random numbers.
fn payload(vu: &mut Vu, iteration_id: IterationId) -> u64 {
    vu.begin(clock::now(), iteration_id, None);
    let mut hasher = DefaultHasher::new();
    (vu.iteration_name(), vu.rng().random::<u64>(), vu.rng().random::<u64>()).hash(&mut hasher);
    hasher.finish()
}

impl Work {
    fn add(&mut self, worker: &Worker, schedule: WorkerSchedule) {
        match schedule {
            WorkerSchedule::Arrivals { arrivals, nth, of, ids, ready } => {
                // Any virtual user may be free.
                if let Some(id) = ids.last() {
                    let mut vu = worker.vu(*id);
                    let numbered = (0_u64..).zip(arrivals.iter()).skip(nth).step_by(of);
                    let with_payload = |(number, due)| (number, due, payload(&mut vu, IterationId::Shared(number)));
                    self.arrivals.extend(numbered.map(with_payload));
                }
                self.ids.extend(ids);
                self.ready += ready;
            }
            WorkerSchedule::Vus { vus, supply } => {
                // One after another takes an iteration, at most a hundred of its own.
                let mut made: Vec<_> = vus.iter().map(|plan| (worker.vu(plan.id), Vec::new())).collect();
                for _ in 0..100 {
                    for (vu, own) in &mut made {
                        let Some(iteration_id) = supply.take(own.len() as u64) else { continue };
                        let payload = payload(vu, iteration_id);
                        match iteration_id {
                            IterationId::Shared(number) => self.shared.push((number, payload)),
                            IterationId::Own(_) => own.push(payload),
                        }
                    }
                }
                for (plan, (_, own)) in vus.into_iter().zip(made) {
                    let id = plan.id;
                    assert!(self.vus.insert(id, (plan, own)).is_none(), "VU {id} runs twice");
                }
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

/// The agents of a test.
struct Agents<'test> {
    number: u32,
    /// The number of each agent's threads.
    threads: &'test [usize],
    /// The sizes of leases, if agents have a coordinator.
    leases: Option<&'test [u64]>,
}

impl Agents<'_> {
    /// The work of each part.
    fn work(&self, plan: &Plan) -> Vec<Work> {
        plan.parts.iter().enumerate().map(|(index, part)| self.part_work(plan, index, part)).collect()
    }

    fn part_work(&self, plan: &Plan, index: usize, part: &PartPlan) -> Work {
        let (mut work, worker) = (Work::default(), Worker::new(plan, index));
        let leases: Vec<_> = (0..self.number).map(|_| Leases::new(plan)).collect();
        if let (Some(sizes), Schedule::Vus { iterations: IterationLimit::Shared(all), .. }) =
            (self.leases, &part.schedule)
        {
            let (mut first, mut to) = (0, leases.iter().cycle());
            for size in sizes.iter().cycle() {
                let lease = Lease { part: index, first, count: (*size).min(all - first) };
                to.next().unwrap().add(&[lease]);
                first += lease.count;
                if first == *all {
                    break;
                }
            }
        }
        for (share, (leases, &threads)) in LoadShare::all(self.number).zip(leases.iter().zip(self.threads)) {
            let supply = share.supply(part, leases.part(index).filter(|_| self.leases.is_some()));
            let schedules = (0..threads).filter_map(|thread| share.schedule(part, &supply, thread, threads));
            schedules.for_each(|schedule| work.add(&worker, schedule));
        }
        work.sorted()
    }
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
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_shares_of_all_agents_or_shards_are_exactly_the_plan(
        loads in proptest::collection::vec(load(), 1..4),
        number in 1_u32..=16,
        threads in proptest::collection::vec(1_usize..=4, 16),
        sizes in proptest::collection::vec(1_u64..20, 1..8),
        seed in any::<u64>(),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        // The clients of virtual users have timers.
        let _entered = runtime.enter();
        let plan = plan(&loads, seed);
        let shards = (1..=number).map(|shard| LoadShare::from_shard(Shard { number: shard, of: number }));
        prop_assert!(shards.eq(LoadShare::all(number)));
        prop_assert_eq!(check_shares(&plan, number, "agent"), Ok(()));
        let alone = Agents { number: 1, threads: &[1], leases: None }.work(&plan);
        for leases in [None, Some(&*sizes)] {
            let together = Agents { number, threads: &threads, leases }.work(&plan);
            prop_assert_eq!(&together, &alone);
        }
        for (part, work) in plan.parts.iter().zip(&alone) {
            let own: usize = work.vus.values().map(|(_, own)| own.len()).sum();
            if let Some(planned) = part.iterations() {
                prop_assert_eq!((work.arrivals.len() + work.shared.len() + own) as u64, planned);
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
