//! Open executors: an iteration begins when it is due, whatever became of those before.
//!
//! Arrivals are dealt to workers in turn, and so are virtual users. An arrival that finds all of its worker's virtual users
//! busy is dropped, as in k6: it is never begun, and counted.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

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
    tokio::select! {
        biased;
        () = floor.aborted.wait() => {}
        () = time::sleep_until(epoch + work.cut) => {}
        () = async {
            deal(&floor, &work, &mut running).await;
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

async fn deal(floor: &Floor, work: &PartWork, running: &mut JoinSet<()>) {
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
                drop(running.spawn_local(iterate(floor.clone(), work.iteration.clone(), vu, turn, crew.idle.clone())));
            }
            None => floor.place.recorder.borrow_mut().record_dropped(work.part, phases.at(planned), 1),
        }
    }
}

async fn iterate(
    floor: Floor,
    iteration: Arc<dyn Iteration>,
    mut vu: Vu,
    (turn, due): (Turn, Instant),
    idle: Rc<RefCell<Vec<Vu>>>,
) {
    let _active = Active::new(&floor.place.recorder, vu.part());
    vu.begin(clock::now(), turn, Some(due));
    let result = iteration.begin(&mut vu).await;
    let _ = floor.iteration_ended(&mut vu, Some(result));
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
