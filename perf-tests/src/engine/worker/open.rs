//! Open executors: an iteration begins when it is due, whether or not earlier ones have ended.
//!
//! Arrivals and virtual users are distributed to workers in rotation. An arrival that finds all
//! virtual users of its worker busy is dropped and counted, as in k6. So is one that is due while
//! the target accepts no connections.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use tokio::task::JoinSet;
use tokio::time::{self, Instant};

use super::{ActiveVu, PartJob, WorkerSchedule, WorkerState};
use crate::clock;
use crate::engine::arrival_timer::ArrivalTimer;
use crate::engine::vu::{IterationId, Vu};

/// Starts a worker's share of arrivals, and waits for the iterations under way.
pub(super) async fn run(worker: WorkerState, job: Rc<PartJob>) {
    let load_start = worker.context.load_start;
    let mut running = JoinSet::new();
    let dealt = Cell::new(0);
    let mut aborted = worker.aborted.subscribe();
    tokio::select! {
        biased;
        _ = aborted.wait_for(|is| *is) => {}
        () = time::sleep_until(load_start + job.cut) => drop_rest(&worker, &job, dealt.get()),
        () = async {
            deal(&worker, &job, &mut running, &dealt).await;
            while let Some(ended) = running.join_next().await {
                worker.end_task(ended);
            }
        } => {}
    }
    // Iterations still under way are cut off. Their virtual users count them.
    running.abort_all();
    while let Some(ended) = running.join_next().await {
        worker.end_task(ended);
    }
}

/// Counts arrivals that were due and not handled, for example since the machine was suspended. This
/// load was planned but not made.
fn drop_rest(worker: &WorkerState, job: &PartJob, dealt: usize) {
    let WorkerSchedule::Arrivals { arrivals, nth, of, .. } = &job.schedule else { return };
    let phases = &worker.context.run.phases[job.part];
    let mut recorder = worker.context.recorder.borrow_mut();
    let rest = arrivals.iter().skip(*nth).step_by(*of).skip(dealt);
    rest.for_each(|planned| recorder.record_dropped(job.part, phases.at(planned), 1));
}

/// Starts or drops each arrival, and counts them in `dealt`.
async fn deal(worker: &WorkerState, job: &Rc<PartJob>, running: &mut JoinSet<()>, dealt: &Cell<usize>) {
    let WorkerSchedule::Arrivals { arrivals, nth, of, ids, ready } = &job.schedule else { return };
    let load_start = worker.context.load_start;
    let phases = &worker.context.run.phases[job.part];
    let mut vus = VuPool::new(worker, job.part, ids, *ready);
    let timer = ArrivalTimer::new(worker.wakeup, load_start);
    let mut now = clock::now();
    for (number, planned) in arrivals.iter().enumerate().skip(*nth).step_by(*of) {
        let due = load_start + planned;
        while now < due {
            while let Some(ended) = running.try_join_next() {
                worker.end_task(ended);
            }
            timer.until(due).await;
            // Arrivals of the same wake-up begin before the next one is handled.
            tokio::task::yield_now().await;
            now = clock::now();
        }
        match vus.next() {
            Some(vu) if vu.is_held(now) => {
                vu.record_refused(phases.at(planned), 1, vu.first_host());
                vus.idle.borrow_mut().push(vu);
            }
            Some(vu) => {
                let iteration = DueIteration { id: IterationId::Shared(number as u64), due };
                drop(running.spawn_local(iterate(worker.clone(), job.clone(), iteration, vu, vus.idle.clone())));
            }
            None => worker.context.recorder.borrow_mut().record_dropped(job.part, phases.at(planned), 1),
        }
        dealt.set(dealt.get() + 1);
    }
}

struct DueIteration {
    id: IterationId,
    due: Instant,
}

async fn iterate(worker: WorkerState, job: Rc<PartJob>, iteration: DueIteration, mut vu: Vu, idle: IdleVus) {
    let DueIteration { id, due } = iteration;
    let _active = ActiveVu::new(&worker.context.recorder, vu.part());
    let began = clock::now();
    vu.begin(began, id, Some(due));
    let result = job.iteration.begin(&mut vu).await;
    let ended = worker.iteration_ended(&mut vu, Some(result));
    let held = vu.take_held();
    if held.is_not_started {
        let phase = worker.context.run.phases[vu.part()].at(due.duration_since(worker.context.load_start));
        vu.record_refused(phase, 1, held.host);
    }
    let earliest = began + job.min_iteration;
    if earliest > ended {
        // The virtual user is busy until then.
        time::sleep_until(earliest).await;
    }
    idle.borrow_mut().push(vu);
}

type IdleVus = Rc<RefCell<Vec<Vu>>>;

struct VuPool<'job> {
    worker: &'job WorkerState,
    part: usize,
    /// Ids of virtual users that do not exist yet.
    to_come: &'job [u32],
    idle: IdleVus,
}

impl<'job> VuPool<'job> {
    fn new(worker: &'job WorkerState, part: usize, ids: &'job [u32], ready: usize) -> Self {
        let (ready, to_come) = ids.split_at(ready.min(ids.len()));
        // In reverse, so that the first one is taken first.
        let idle = ready.iter().rev().map(|id| Vu::new(*id, part, worker.context.clone())).collect();
        Self { worker, part, to_come, idle: Rc::new(RefCell::new(idle)) }
    }

    /// The virtual user that was busy last, since its connection is the most recent. If all are
    /// busy, a new one; `None` at the maximum.
    fn next(&mut self) -> Option<Vu> {
        if let Some(vu) = self.idle.borrow_mut().pop() {
            return Some(vu);
        }
        let (id, to_come) = self.to_come.split_first()?;
        self.to_come = to_come;
        Some(Vu::new(*id, self.part, self.worker.context.clone()))
    }
}
