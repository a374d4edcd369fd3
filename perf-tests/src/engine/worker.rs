//! A worker: a thread with a single-threaded runtime, its own virtual users and its own recorder.
//!
//! A request never waits for another thread. Only a new connection may, because look-ups are
//! shared. The supervisor reads the worker's pulse, which only the worker writes.

use std::cell::RefCell;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::{AbortHandle, JoinError, JoinSet, LocalSet};
use tokio::time::{self, Instant, MissedTickBehavior};

use super::arrival_timer::WakeupMode;
use super::health;
use super::iteration_supply::IterationSupply;
use super::load::{Load, ScenarioErrors};
use super::panics::KeptPanics;
use super::rate_limit::RateLimit;
use super::stall;
use super::vu::{RequestError, RunContext, Vu, WorkerContext};
use crate::clock;
use crate::http::{OutageTimes, Pool};
use crate::measure::{IterationEnd, Pause, Recorder, SlowTimes, Snapshot, ThreadTimes};
use crate::plan::{Arrivals, VuPlan};

mod closed;
mod open;
#[cfg(test)]
mod tests;

pub(crate) type IterationFuture<'a> = Pin<Box<dyn Future<Output = anyhow::Result<()>> + 'a>>;

/// The iterations of a part, independent of the type of its setup's value. It is a trait and
/// not a closure, so that an iteration can borrow from it. A reference count in its place would be
/// shared among all threads.
pub(crate) trait Iteration: Send + Sync {
    fn begin<'a>(&'a self, vu: &'a mut Vu) -> IterationFuture<'a>;
}

pub(crate) struct WorkerJob {
    pub(crate) parts: Vec<PartJob>,
    pub(crate) load_start: Instant,
    pub(crate) run: Arc<RunContext>,
    pub(crate) recorder: Recorder,
    pub(crate) rate_limit: RateLimit,
    pub(crate) wakeup: WakeupMode,
    /// Requests for a snapshot. When the channel closes, the worker ends.
    pub(crate) snapshot_requests: mpsc::Receiver<oneshot::Sender<Snapshot>>,
    /// Is sent when the last virtual user has stopped.
    pub(crate) finished: oneshot::Sender<()>,
    /// True once the run is aborted. A worker aborts it if the scenario cannot go on.
    pub(crate) abort: watch::Sender<bool>,
}

/// A worker's share of a part of the plan.
#[derive(Clone)]
pub(crate) struct PartJob {
    pub(crate) part: usize,
    pub(crate) iteration: Arc<dyn Iteration>,
    pub(crate) min_iteration: Duration,
    /// When iterations are cut off, from the start of the run.
    pub(crate) cut: Duration,
    pub(crate) schedule: WorkerSchedule,
}

#[derive(Clone)]
pub(crate) enum WorkerSchedule {
    /// Virtual users that run one iteration after another.
    Vus { vus: Vec<VuPlan>, supply: IterationSupply },
    /// Every `of`-th arrival, starting with the `nth`, for virtual users with these ids.
    Arrivals {
        arrivals: Arc<Arrivals>,
        nth: usize,
        of: usize,
        ids: Vec<u32>,
        /// Number of these virtual users that exist from the start.
        ready: usize,
    },
}

#[derive(Clone)]
struct WorkerState {
    context: WorkerContext,
    errors: Rc<RefCell<ScenarioErrors>>,
    panics: Rc<RefCell<Vec<String>>>,
    /// Aborts the run, in all workers.
    abort: watch::Sender<bool>,
    /// True once this worker aborts. Arrivals poll it all the time, so no other thread shares it.
    aborted: watch::Sender<bool>,
    wakeup: WakeupMode,
}

/// Runs the worker's share to its end. It responds to requests for snapshots until the channel
/// closes, even after its own load has ended. Other workers may still run, and a snapshot covers
/// all workers. Returns the load that it made, and the times of slow requests in segments that an
/// objective judges.
pub(crate) async fn run(job: WorkerJob) -> (Load, SlowTimes) {
    let WorkerJob { parts, load_start, run, recorder, rate_limit, wakeup, mut snapshot_requests, finished, abort } =
        job;
    let _kept = KeptPanics::keep();
    let mut run_aborted = abort.subscribe();
    let worker = WorkerState {
        context: WorkerContext {
            run,
            recorder: Rc::new(RefCell::new(recorder)),
            pool: Pool::default(),
            rate_limit: Rc::new(rate_limit),
            load_start,
            unsendable: Rc::default(),
        },
        errors: Rc::default(),
        panics: Rc::default(),
        abort,
        aborted: watch::Sender::new(false),
        wakeup,
    };
    let watch = health::ThreadWatch::start();
    let mut beats = time::interval(stall::POLL);
    beats.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let local = LocalSet::new();
    let (mut running, vu_tasks) = worker.spawn_tasks(parts, &local);
    let recorder = &worker.context.recorder;
    let mut finished = Some(finished);
    let mut load_end = LoadEnd::default();
    local
        .run_until(async {
            loop {
                tokio::select! {
                    Some(ended) = running.join_next() => worker.end_task(ended),
                    Ok(_) = run_aborted.wait_for(|is| *is), if !*worker.aborted.borrow() => {
                        worker.aborted.send_replace(true);
                        // A task may be dropped at any await. Its virtual user then counts the
                        // iteration, and its stopwatch the request.
                        vu_tasks.iter().for_each(AbortHandle::abort);
                    }
                    _ = beats.tick() => recorder.borrow_mut().beat(clock::now(), load_start),
                    request = snapshot_requests.recv() => match request {
                        // If the receiver is gone, nothing needs the snapshot.
                        Some(reply) => drop(reply.send(recorder.borrow().snapshot_with(watch.worked()))),
                        None => break,
                    },
                }
                if running.is_empty()
                    && let Some(finished) = finished.take()
                {
                    load_end = worker.end_load();
                    // If the receiver is gone, the run has ended.
                    let _ = finished.send(());
                }
            }
        })
        .await;
    worker.finish(load_end, watch.worked())
}

/// Facts that are known when the last virtual user has stopped.
#[derive(Default)]
struct LoadEnd {
    outages: OutageTimes,
    longest_pause: Pause,
}

impl WorkerState {
    /// Starts a task for each virtual user of a closed part and for the arrivals of each open part.
    /// Also returns the handles of the virtual users' tasks.
    fn spawn_tasks(&self, parts: Vec<PartJob>, local: &LocalSet) -> (JoinSet<()>, Vec<AbortHandle>) {
        let mut running = JoinSet::new();
        let mut vu_tasks = Vec::new();
        for part in parts.into_iter().map(Rc::new) {
            match &part.schedule {
                WorkerSchedule::Vus { vus, supply } => {
                    let tasks = vus.iter().map(|vu| closed::VuTask::new(self, &part, vu, supply).run());
                    vu_tasks.extend(tasks.map(|task| running.spawn_local_on(task, local)));
                }
                WorkerSchedule::Arrivals { .. } => drop(running.spawn_local_on(open::run(self.clone(), part), local)),
            }
        }
        (running, vu_tasks)
    }

    fn end_load(&self) -> LoadEnd {
        let WorkerContext { recorder, pool, load_start, .. } = &self.context;
        let now = clock::now();
        recorder.borrow_mut().beat(now, *load_start);
        let longest_pause = recorder.borrow().longest_pause();
        LoadEnd { outages: pool.outages(*load_start, now), longest_pause }
    }

    /// The load, and the times of slow requests.
    fn finish(self, end: LoadEnd, worked: ThreadTimes) -> (Load, SlowTimes) {
        let WorkerContext { recorder, unsendable, .. } = &self.context;
        let snapshot = recorder.borrow().snapshot_with(worked);
        let errors = ScenarioErrors { unsendable: unsendable.take(), ..self.errors.take() };
        let slow_times = recorder.borrow_mut().take_slow_times();
        let panics = self.panics.take();
        let LoadEnd { outages, longest_pause } = end;
        (Load { errors, panics, outages, longest_pause, ..Load::not_started(snapshot) }, slow_times)
    }

    fn end_task(&self, ended: Result<(), JoinError>) {
        if let Err(error) = ended
            && let Ok(panic) = error.try_into_panic()
        {
            let text = format!("a VU panicked and stopped: {}", KeptPanics::take(panic.as_ref()));
            self.panics.borrow_mut().push(text);
        }
    }

    /// Counts how an iteration ended (`None` if it was cut off), and returns the current time.
    fn iteration_ended(&self, vu: &mut Vu, result: Option<anyhow::Result<()>>) -> Instant {
        let end = match result {
            None => IterationEnd::Interrupted,
            Some(Ok(())) => IterationEnd::Completed,
            Some(Err(error)) => {
                // A failed request to an endpoint is the service's failure and has been counted.
                // With any other error, such as a failed login, the scenario did not run as
                // written.
                match error.downcast_ref() {
                    Some(RequestError::Failed { judged: true, .. }) => {}
                    // Ends the run below.
                    Some(RequestError::Unsendable { .. }) => {}
                    // Counted by the time that the iteration waited.
                    Some(RequestError::NotSent { .. }) => {}
                    _ => self.errors.borrow_mut().add(&error),
                }
                IterationEnd::Failed
            }
        };
        // Every iteration would end the same way, and nothing would be measured.
        if self.cannot_continue() {
            self.abort.send_replace(true);
        }
        vu.end(end)
    }

    fn cannot_continue(&self) -> bool {
        self.context.unsendable.borrow().is_some()
    }
}

/// Counts a virtual user as active until it is dropped, even by a panic.
struct ActiveVu {
    recorder: Rc<RefCell<Recorder>>,
    part: usize,
}

impl ActiveVu {
    fn new(recorder: &Rc<RefCell<Recorder>>, part: usize) -> Self {
        recorder.borrow_mut().vu_started(part);
        Self { recorder: recorder.clone(), part }
    }
}

impl Drop for ActiveVu {
    fn drop(&mut self) {
        self.recorder.borrow_mut().vu_stopped(self.part);
    }
}
