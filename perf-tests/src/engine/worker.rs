//! A worker: a thread with a single-threaded runtime, its own virtual users and its own recorder. Nothing that a
//! request touches is shared with another thread.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use tokio::sync::{Notify, mpsc, oneshot, watch};
use tokio::task::{JoinError, JoinSet, LocalSet};
use tokio::time::Instant;

use super::arrival_timer::WakeupMode;
use super::health;
use super::rate_limit::RateLimit;
use super::vu::{RequestError, RunContext, Vu, WorkerContext};
use crate::http::Pool;
use crate::measure::{IterationEnd, Recorder, Snapshot};
use crate::plan::{Arrivals, VuPlan};

mod closed;
mod open;
#[cfg(test)]
mod tests;

/// An iteration under way.
pub(crate) type IterationFuture<'a> = Pin<Box<dyn Future<Output = anyhow::Result<()>> + 'a>>;

/// The iterations of a scenario, whatever its setup's value is. A trait and not a closure, so that an iteration under way
/// can borrow what it is made of: to count its users would be to share a counter among all threads.
pub(crate) trait Iteration: Send + Sync {
    /// Begins one.
    fn begin<'a>(&'a self, vu: &'a mut Vu) -> IterationFuture<'a>;
}

/// What a worker is told to do.
pub(crate) struct WorkerJob {
    pub(crate) parts: Vec<PartJob>,
    pub(crate) epoch: Instant,
    pub(crate) shared: Arc<RunContext>,
    pub(crate) recorder: Recorder,
    /// How many workers there are.
    pub(crate) workers: usize,
    pub(crate) wakeup: WakeupMode,
    /// Asks for a snapshot. Closed when nobody will ask any more, which is when the worker ends.
    pub(crate) asked: mpsc::Receiver<oneshot::Sender<Snapshot>>,
    /// Told when the last virtual user has stopped.
    pub(crate) finished: oneshot::Sender<()>,
    /// True once the run is aborted.
    pub(crate) abort: watch::Receiver<bool>,
}

/// A worker's share of one of the run's scenarios.
#[derive(Clone)]
pub(crate) struct PartJob {
    /// Which of the run's scenarios it is.
    pub(crate) part: usize,
    pub(crate) iteration: Arc<dyn Iteration>,
    pub(crate) min_iteration: Duration,
    /// When iterations are cut off, from the start of the run.
    pub(crate) cut: Duration,
    pub(crate) schedule: WorkerSchedule,
}

/// Who runs iterations, and when, of what is this worker's.
#[derive(Clone)]
pub(crate) enum WorkerSchedule {
    /// Virtual users that iterate one after another.
    Vus { vus: Vec<VuPlan>, supply: IterationSupply },
    /// Every `of`-th arrival, from the `nth` on, for virtual users with those ids.
    Arrivals {
        arrivals: Arc<Arrivals>,
        nth: usize,
        of: usize,
        ids: Vec<u32>,
        /// How many of them are there from the start.
        ready: usize,
    },
}

/// Which iterations there are for a virtual user to take.
#[derive(Clone)]
pub(crate) enum IterationSupply {
    /// There is always another.
    Endless,
    /// So many for each virtual user.
    Each(u64),
    /// So many for all together, the next of which is counted here.
    Shared { next: Arc<AtomicU64>, all: u64 },
}

/// What a worker leaves.
pub(crate) struct WorkerResult {
    pub(crate) snapshot: Snapshot,
    /// Errors of the scenario's own, which are no failed requests.
    pub(crate) errors: ScenarioErrors,
    /// Virtual users that panicked, a sentence for each.
    pub(crate) panics: Vec<String>,
}

/// How many errors there were, and the first few of them.
#[derive(Debug, Default)]
pub(crate) struct ScenarioErrors {
    pub(crate) count: u64,
    pub(crate) first: Vec<String>,
}

impl ScenarioErrors {
    const KEPT: usize = 3;

    fn add(&mut self, error: &anyhow::Error) {
        self.count += 1;
        if self.first.len() < Self::KEPT {
            self.first.push(format!("{error:#}"));
        }
    }

    pub(crate) fn merge(&mut self, other: Self) {
        self.count += other.count;
        self.first.extend(other.first);
        self.first.truncate(Self::KEPT);
    }
}

/// What the worker's tasks have in common.
#[derive(Clone)]
struct WorkerState {
    context: WorkerContext,
    errors: Rc<RefCell<ScenarioErrors>>,
    panics: Rc<RefCell<Vec<String>>>,
    aborted: Rc<AbortSignal>,
    wakeup: WakeupMode,
}

/// Runs the worker's share to its end. Answers requests for snapshots meanwhile, and on until nobody asks: other workers
/// may still be at it, and a snapshot is one of all.
pub(crate) async fn run(job: WorkerJob) -> WorkerResult {
    let WorkerJob { parts, epoch, shared, recorder, workers, wakeup, mut asked, finished, mut abort } = job;
    let recorder = Rc::new(RefCell::new(recorder));
    let rate_limit = Rc::new(RateLimit::new(shared.http.settings.rps, workers));
    let worker = WorkerState {
        context: WorkerContext { shared, recorder: recorder.clone(), pool: Pool::default(), rate_limit, epoch },
        errors: Rc::default(),
        panics: Rc::default(),
        aborted: Rc::default(),
        wakeup,
    };
    let watch = health::ThreadWatch::start();
    let local = LocalSet::new();
    let (mut running, mut vu_tasks) = (JoinSet::new(), Vec::new());
    for part in parts {
        match part.schedule.clone() {
            WorkerSchedule::Vus { vus, supply } => vu_tasks.extend(vus.into_iter().map(|vu| {
                running.spawn_local_on(closed::VuTask::new(&worker, &part, vu, supply.clone()).run(), &local)
            })),
            WorkerSchedule::Arrivals { .. } => drop(running.spawn_local_on(open::run(worker.clone(), part), &local)),
        }
    }
    let mut finished = Some(finished);
    local
        .run_until(async {
            loop {
                tokio::select! {
                    Some(ended) = running.join_next() => worker.ended(ended),
                    Ok(_) = abort.wait_for(|abort| *abort), if !worker.aborted.is_sent.get() => {
                        worker.aborted.send();
                        // Wherever they are: what is dropped counts itself.
                        vu_tasks.drain(..).for_each(|task| task.abort());
                    }
                    asked = asked.recv() => match asked {
                        // Nobody waits for the answer any more: then nobody misses it.
                        Some(reply) => drop(reply.send(recorder.borrow().snapshot_with(watch.worked()))),
                        None => break,
                    },
                }
                if running.is_empty() {
                    finished.take().map(|finished| finished.send(()));
                }
            }
        })
        .await;
    let snapshot = recorder.borrow().snapshot_with(watch.worked());
    WorkerResult { snapshot, errors: worker.errors.take(), panics: worker.panics.take() }
}

impl WorkerState {
    /// A task has ended, perhaps by a panic.
    fn ended(&self, ended: Result<(), JoinError>) {
        if let Err(error) = ended
            && let Ok(panic) = error.try_into_panic()
        {
            let text = format!("a virtual user panicked and stopped: {}", panic_text(panic.as_ref()));
            self.panics.borrow_mut().push(text);
        }
    }

    /// Counts how an iteration ended; none if it was cut off. Gives the time.
    fn iteration_ended(&self, vu: &mut Vu, result: Option<anyhow::Result<()>>) -> Instant {
        let end = match result {
            None => IterationEnd::Interrupted,
            Some(Ok(())) => IterationEnd::Completed,
            Some(Err(error)) => {
                // A failed request to an endpoint is the service's failure and has been counted. Anything else, a failed
                // login among it, kept the scenario from doing what it was to do.
                if !matches!(error.downcast_ref(), Some(RequestError::Failed { judged: true, .. })) {
                    self.errors.borrow_mut().add(&error);
                }
                IterationEnd::Failed
            }
        };
        vu.end(end)
    }
}

/// Whether the run has been aborted, as far as one worker's virtual users are concerned.
#[derive(Default)]
struct AbortSignal {
    is_sent: Cell<bool>,
    waiting: Notify,
}

impl AbortSignal {
    fn send(&self) {
        self.is_sent.set(true);
        self.waiting.notify_waiters();
    }

    /// Ends when the run is aborted.
    async fn wait(&self) {
        let notified = self.waiting.notified();
        if !self.is_sent.get() {
            notified.await;
        }
    }
}

/// Counts a virtual user as active for as long as it lives, a panic included.
struct ActiveVu {
    recorder: Rc<RefCell<Recorder>>,
    part: usize,
}

impl ActiveVu {
    fn new(recorder: &Rc<RefCell<Recorder>>, part: usize) -> Self {
        recorder.borrow_mut().vu_active(part, true);
        Self { recorder: recorder.clone(), part }
    }
}

impl Drop for ActiveVu {
    fn drop(&mut self) {
        self.recorder.borrow_mut().vu_active(self.part, false);
    }
}

/// What was given to `panic!`.
pub(crate) fn panic_text(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "no message".to_owned())
}
