//! Runs a plan: workers and their virtual users, and snapshots of what they measure.

mod arrival_timer;
mod health;
mod rate_limit;
mod stall;
mod stopwatch;
mod think;
pub mod vu;
pub(crate) mod worker;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{self, Instant, MissedTickBehavior};

pub(crate) use arrival_timer::WakeupMode;
pub(crate) use rate_limit::RateLimit;
pub use think::Think;
pub use vu::{Request, RequestError, Response};

use crate::clock;
use crate::measure::{GeneratorHealth, Layout, Recorder, Snapshot};
use crate::plan::{IterationLimit, PartPlan, Plan, Schedule};
use crate::signals::Signals;
use health::HealthMeter;
use stall::StallWatch;
use vu::RunContext;
use worker::{
    Iteration, IterationSupply, PartJob, ScenarioErrors, WorkerJob, WorkerResult, WorkerSchedule, panic_text,
};

/// How often a snapshot is taken for those who watch.
pub(crate) const TICK: Duration = Duration::from_millis(500);

/// Who reads snapshots while the load runs.
pub(crate) trait LoadObserver {
    /// Everything measured up to now, so long after the load began. A reason if the load is to end now.
    fn tick(&mut self, elapsed: Duration, snapshot: Snapshot) -> Option<String>;
}

/// What is left of a load.
pub(crate) struct Load {
    /// Everything measured.
    pub(crate) snapshot: Snapshot,
    /// How the generator did, over all.
    pub(crate) health: GeneratorHealth,
    /// Worker threads.
    pub(crate) workers: usize,
    /// Whether a signal ended it.
    pub(crate) interrupted: bool,
    /// Why who watched ended it.
    pub(crate) aborted: Option<String>,
    /// Errors of the scenario's own.
    pub(crate) errors: ScenarioErrors,
    /// Virtual users that panicked, and workers that did not come back: a sentence for each.
    pub(crate) panics: Vec<String>,
    /// The longest time in which requests were under way and none came to its end.
    pub(crate) longest_stall: Duration,
}

/// A load could not be started.
#[derive(Debug, thiserror::Error)]
pub(crate) enum EngineError {
    #[error("failed to start a worker thread: {0}")]
    Thread(std::io::Error),
}

/// What is to be run.
pub(crate) struct Job<'run> {
    pub(crate) plan: &'run Plan,
    pub(crate) shared: Arc<RunContext>,
    pub(crate) layout: Layout,
    /// One for each part of the plan.
    pub(crate) iterations: Vec<Arc<dyn Iteration>>,
    pub(crate) wakeup: WakeupMode,
}

struct Worker {
    ask: mpsc::Sender<oneshot::Sender<Snapshot>>,
    thread: JoinHandle<std::io::Result<WorkerResult>>,
    finished: oneshot::Receiver<()>,
}

/// How a load was ended before its time.
#[derive(Default)]
struct EarlyEnd {
    interrupted: bool,
    aborted: Option<String>,
}

/// Runs the plan to its end, or until a signal, on as many threads as there are processors.
pub(crate) async fn run(
    job: Job<'_>,
    signals: &mut Signals,
    watch: &mut dyn LoadObserver,
) -> Result<Load, EngineError> {
    let most = usize::try_from(job.plan.most_vus()).unwrap_or(usize::MAX);
    let threads = thread::available_parallelism().map_or(1, usize::from).min(most.max(1));
    let nothing = Snapshot::new(&job.layout);
    // What all workers count together: the next of shared iterations.
    let counters: Vec<_> = job.plan.parts.iter().map(|_| Arc::new(AtomicU64::new(0))).collect();
    let (abort, aborted) = watch::channel(false);
    let epoch = clock::now();
    let mut workers = Vec::new();
    for number in 0..threads {
        let (ask, asked) = mpsc::channel(1);
        let (finish, finished) = oneshot::channel();
        let parts = job.plan.parts.iter().zip(&counters).zip(&job.iterations).enumerate();
        let parts = parts.map(|(at, ((part, next), iteration))| PartJob {
            part: at,
            iteration: iteration.clone(),
            min_iteration: part.min_iteration,
            cut: part.end + part.graceful_stop,
            schedule: worker_schedule(part, next, (number, threads)),
        });
        let work = WorkerJob {
            parts: parts.collect(),
            epoch,
            shared: job.shared.clone(),
            recorder: Recorder::new(job.layout.clone()),
            workers: threads,
            wakeup: job.wakeup,
            asked,
            finished: finish,
            abort: aborted.clone(),
        };
        let thread = spawn(number, work).map_err(EngineError::Thread)?;
        workers.push(Worker { ask, thread, finished });
    }
    let (mut stall, mut health) = (StallWatch::default(), HealthMeter::start());
    let supervisor = Supervisor { epoch, nothing: &nothing, abort: &abort };
    let (early, known) = supervisor.watch_over(&mut workers, signals, (&mut stall, &mut health), watch).await;
    let mut load = Load { longest_stall: stall.longest(), workers: threads, ..Load::nothing(nothing) };
    for (worker, known) in workers.into_iter().zip(known) {
        load.add(worker, &known);
    }
    load.health = health.overall(&load.snapshot.worked);
    if early.aborted.is_none() {
        load.count_untaken(job.plan, &counters);
    }
    Ok(Load { interrupted: early.interrupted, aborted: early.aborted, ..load })
}

/// An arrival is dropped if its worker's virtual users are busy, though another's may be idle. With so many or more each,
/// that is rare; with fewer, fewer workers share them, and with few, one has all.
const MIN_VUS_PER_WORKER: u32 = 32;

/// What of a part is one worker's, of so many: virtual users in turn, and arrivals in turn.
fn worker_schedule(part: &PartPlan, next: &Arc<AtomicU64>, (number, workers): (usize, usize)) -> WorkerSchedule {
    match &part.schedule {
        Schedule::Vus { vus, iterations } => {
            let supply = match iterations {
                IterationLimit::UntilStop => IterationSupply::Endless,
                IterationLimit::Each(each) => IterationSupply::Each(*each),
                IterationLimit::Shared(all) => IterationSupply::Shared { next: next.clone(), all: *all },
            };
            WorkerSchedule::Vus { vus: vus.iter().skip(number).step_by(workers).cloned().collect(), supply }
        }
        Schedule::Arrivals { arrivals, vus, max_vus } => {
            let of = workers.min((*max_vus / MIN_VUS_PER_WORKER).max(1) as usize);
            let in_turn = |all: u32| (0..all).skip(number).step_by(of);
            let ids = if number < of { in_turn(*max_vus).map(|id| part.first_id + id).collect() } else { Vec::new() };
            let ready = if number < of { in_turn(*vus).count() } else { 0 };
            let nth = if number < of { number } else { usize::MAX };
            WorkerSchedule::Arrivals { arrivals: arrivals.clone(), nth, of, ids, ready }
        }
    }
}

impl Load {
    /// A load that never began.
    pub(crate) fn nothing(snapshot: Snapshot) -> Self {
        Self {
            snapshot,
            health: GeneratorHealth::default(),
            workers: 0,
            interrupted: false,
            aborted: None,
            errors: ScenarioErrors::default(),
            panics: Vec::new(),
            longest_stall: Duration::ZERO,
        }
    }

    /// Adds what a worker has measured; if it is gone, what was last known of that.
    fn add(&mut self, worker: Worker, known: &Snapshot) {
        drop(worker.ask);
        match worker.thread.join() {
            Ok(Ok(done)) => {
                self.snapshot.merge(&done.snapshot);
                self.errors.merge(done.errors);
                self.panics.extend(done.panics);
            }
            Ok(Err(error)) => self.panics.push(format!("a worker had no runtime: {error}")),
            Err(panic) => {
                let text = panic_text(panic.as_ref());
                self.panics.push(format!("a worker panicked, and what it counted in its last moments is lost: {text}"));
                // What the store has been told stays true.
                self.snapshot.merge(known);
            }
        }
    }

    /// Shared iterations that nobody took are dropped, as in k6.
    fn count_untaken(&mut self, plan: &Plan, counters: &[Arc<AtomicU64>]) {
        for ((part, counts), next) in plan.parts.iter().zip(&mut self.snapshot.parts).zip(counters) {
            if let Schedule::Vus { iterations: IterationLimit::Shared(all), .. } = &part.schedule {
                let untaken = all.saturating_sub(next.load(Ordering::Relaxed));
                counts.dropped[part.phases.at(part.end).index()] += untaken;
            }
        }
    }
}

fn spawn(number: usize, work: WorkerJob) -> std::io::Result<JoinHandle<std::io::Result<WorkerResult>>> {
    thread::Builder::new().name(format!("worker-{number}")).spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        Ok(runtime.block_on(worker::run(work)))
    })
}

struct Supervisor<'run> {
    epoch: Instant,
    nothing: &'run Snapshot,
    abort: &'run watch::Sender<bool>,
}

impl Supervisor<'_> {
    /// Takes snapshots until the last virtual user has stopped. Gives the last that is known of each worker.
    async fn watch_over(
        &self,
        workers: &mut [Worker],
        signals: &mut Signals,
        (stall, health): (&mut StallWatch, &mut HealthMeter),
        watch: &mut dyn LoadObserver,
    ) -> (EarlyEnd, Vec<Snapshot>) {
        let mut ticks = time::interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        let asks: Vec<_> = workers.iter().map(|worker| worker.ask.clone()).collect();
        let all_stopped = async {
            for worker in workers {
                // An error means that the thread is gone, and joining it will say why.
                let _ = (&mut worker.finished).await;
            }
        };
        tokio::pin!(all_stopped);
        let mut early = EarlyEnd::default();
        let mut known = vec![self.nothing.clone(); asks.len()];
        loop {
            tokio::select! {
                () = &mut all_stopped => return (early, known),
                () = signals.next(), if !early.interrupted => {
                    early.interrupted = true;
                    self.abort.send_replace(true);
                }
                _ = ticks.tick() => {
                    let mut snapshot = ask_all(&asks, &mut known, self.nothing).await;
                    let elapsed = clock::now().duration_since(self.epoch);
                    stall.notice(elapsed, &snapshot);
                    health.fill_in(&mut snapshot);
                    if let (Some(reason), None) = (watch.tick(elapsed, snapshot), &early.aborted) {
                        early.aborted = Some(reason);
                        self.abort.send_replace(true);
                    }
                }
            }
        }
    }
}

/// The merged snapshot of all workers; of one that is gone, which joining it will say, the last that is known.
async fn ask_all(
    workers: &[mpsc::Sender<oneshot::Sender<Snapshot>>],
    known: &mut [Snapshot],
    nothing: &Snapshot,
) -> Snapshot {
    let mut merged = nothing.clone();
    for (worker, known) in workers.iter().zip(known) {
        let (reply, answer) = oneshot::channel();
        if worker.send(reply).await.is_ok()
            && let Ok(snapshot) = answer.await
        {
            *known = snapshot;
        }
        merged.merge(known);
    }
    merged
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Nobody;

    impl LoadObserver for Nobody {
        fn tick(&mut self, _: Duration, _: Snapshot) -> Option<String> {
            None
        }
    }

    /// One whose work is over, or that has a fault once it has been asked.
    fn worker(panics: bool, snapshot: Snapshot) -> Worker {
        let (ask, mut asked) = mpsc::channel::<oneshot::Sender<Snapshot>>(1);
        let (finish, finished) = oneshot::channel();
        let thread = thread::spawn(move || {
            let finish = finish;
            if panics {
                asked.blocking_recv().unwrap().send(snapshot).unwrap();
                panic!("of our own making");
            }
            finish.send(()).unwrap();
            while let Some(reply) = asked.blocking_recv() {
                let _ = reply.send(snapshot.clone());
            }
            Ok(WorkerResult { snapshot, errors: ScenarioErrors::default(), panics: Vec::new() })
        });
        Worker { ask, thread, finished }
    }

    #[tokio::test]
    async fn a_worker_that_panics_is_not_waited_for_and_told_of() {
        let nothing = Snapshot::new(&Layout::new(&monitoring::services::stock_ai::STOCK_AI, vec![false]));
        let mut counted = nothing.clone();
        counted.parts[0].iterations.completed = 7;
        let mut workers: Vec<_> = [true, false].map(|panics| worker(panics, counted.clone())).into();
        let (abort, _aborted) = watch::channel(false);
        let supervisor = Supervisor { epoch: clock::now(), nothing: &nothing, abort: &abort };
        let (mut stall, mut health, mut signals) =
            (StallWatch::default(), HealthMeter::start(), Signals::listen(false).unwrap());
        let mut nobody = Nobody;
        let over = supervisor.watch_over(&mut workers, &mut signals, (&mut stall, &mut health), &mut nobody);
        let (early, known) = time::timeout(Duration::from_secs(10), over).await.unwrap();
        assert!(!early.interrupted && early.aborted.is_none());
        let mut load = Load::nothing(nothing);
        workers.into_iter().zip(known).for_each(|(worker, known)| load.add(worker, &known));
        let said = "a worker panicked, and what it counted in its last moments is lost: of our own making";
        assert_eq!(load.panics, [said]);
        assert_eq!(load.snapshot.iterations().completed, 14, "what was known of it counts");
    }
}
