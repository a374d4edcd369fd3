//! Open executors: an iteration begins when it is due, whatever became of those before.
//!
//! Arrivals are dealt to workers in turn, and so are virtual users. An arrival that finds all of its worker's virtual users
//! busy is dropped, as in k6: it is never begun, and counted.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{self, Instant};

use super::{Active, Floor, Iteration, PartWork, Share};
use crate::clock;
use crate::engine::pacer::Pacer;
use crate::engine::vu::{Turn, Vu};

/// Deals out a worker's share of arrivals, and waits for the iterations under way.
pub(super) async fn run(floor: Floor, work: PartWork) {
    let epoch = floor.place.epoch;
    let mut running = JoinSet::new();
    let dealt = Cell::new(0);
    tokio::select! {
        biased;
        () = floor.aborted.wait() => {}
        () = time::sleep_until(epoch + work.cut) => drop_rest(&floor, &work, dealt.get()),
        () = async {
            deal(&floor, &work, &mut running, &dealt).await;
            while let Some(ended) = running.join_next().await {
                floor.ended(ended);
            }
        } => {}
    }
    // What is still under way is cut off; its virtual users count that.
    running.abort_all();
    while let Some(ended) = running.join_next().await {
        floor.ended(ended);
    }
}

/// Counts what was due and never dealt, as when the whole machine stood still: load that was planned and not made.
fn drop_rest(floor: &Floor, work: &PartWork, dealt: usize) {
    let Share::Arrivals { arrivals, nth, of, ids, .. } = &work.share else { return };
    if !ids.is_empty() {
        let phases = &floor.place.shared.phases[work.part];
        let mut recorder = floor.place.recorder.borrow_mut();
        let rest = arrivals.iter().skip(*nth).step_by(*of).skip(dealt);
        rest.for_each(|planned| recorder.record_dropped(work.part, phases.at(planned), 1));
    }
}

/// Counts in `dealt` how many it has begun or dropped.
async fn deal(floor: &Floor, work: &PartWork, running: &mut JoinSet<()>, dealt: &Cell<usize>) {
    let Share::Arrivals { arrivals, nth, of, ids, ready } = &work.share else { return };
    // Another worker has them all: then there is nothing to go through.
    if ids.is_empty() {
        return;
    }
    let epoch = floor.place.epoch;
    let phases = &floor.place.shared.phases[work.part];
    let mut crew = Crew::new(floor, work.part, ids, *ready);
    let pacer = Pacer::new(floor.pacing, epoch);
    let mut now = clock::now();
    for (number, planned) in arrivals.iter().enumerate().skip(*nth).step_by(*of) {
        let due = epoch + planned;
        while now < due {
            while let Some(ended) = running.try_join_next() {
                floor.ended(ended);
            }
            pacer.until(due).await;
            // Those that came with the same wake-up begin before any other is looked for.
            tokio::task::yield_now().await;
            now = clock::now();
        }
        match crew.next() {
            Some(vu) => {
                let turn = (Turn::Shared(number as u64), due);
                let iteration = (work.iteration.clone(), work.min_iteration);
                drop(running.spawn_local(iterate(floor.clone(), iteration, vu, turn, crew.idle.clone())));
            }
            None => floor.place.recorder.borrow_mut().record_dropped(work.part, phases.at(planned), 1),
        }
        dealt.set(dealt.get() + 1);
    }
}

async fn iterate(
    floor: Floor,
    (iteration, min_iteration): (Arc<dyn Iteration>, Duration),
    mut vu: Vu,
    (turn, due): (Turn, Instant),
    idle: Rc<RefCell<Vec<Vu>>>,
) {
    let _active = Active::new(&floor.place.recorder, vu.part());
    let began = clock::now();
    vu.begin(began, turn, Some(due));
    let result = iteration.begin(&mut vu).await;
    let ended = floor.iteration_ended(&mut vu, Some(result));
    let earliest = began + min_iteration;
    if earliest > ended {
        // It counts as busy until then.
        time::sleep_until(earliest).await;
    }
    idle.borrow_mut().push(vu);
}

/// The virtual users of one worker.
struct Crew<'work> {
    floor: &'work Floor,
    part: usize,
    /// Those that are not there yet.
    to_come: &'work [u32],
    idle: Rc<RefCell<Vec<Vu>>>,
}

impl<'work> Crew<'work> {
    fn new(floor: &'work Floor, part: usize, ids: &'work [u32], ready: usize) -> Self {
        let (ready, to_come) = ids.split_at(ready.min(ids.len()));
        // The first is taken first.
        let idle = ready.iter().rev().map(|id| Vu::new(*id, part, floor.place.clone())).collect();
        Self { floor, part, to_come, idle: Rc::new(RefCell::new(idle)) }
    }

    /// Whoever was busy last, since its connection is the warmest; a new one if all are busy; none if there may be no more.
    fn next(&mut self) -> Option<Vu> {
        if let Some(vu) = self.idle.borrow_mut().pop() {
            return Some(vu);
        }
        let (id, to_come) = self.to_come.split_first()?;
        self.to_come = to_come;
        Some(Vu::new(*id, self.part, self.floor.place.clone()))
    }
}
