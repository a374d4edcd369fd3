//! Runs a plan: workers and their virtual users, and snapshots of what they measure.

pub(crate) mod clock;
mod signal;
pub mod vu;
pub(crate) mod worker;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{self, Instant, MissedTickBehavior};

pub(crate) use signal::Signals;

use crate::measure::{Recorder, Snapshot};
use crate::plan::Plan;
use vu::Shared;
use worker::{Done, Errors, Iteration, Work};

/// How often a snapshot is taken for those who watch.
pub(crate) const TICK: Duration = Duration::from_millis(500);

/// Who reads snapshots while the load runs.
pub(crate) trait Watch {
    /// Everything measured up to now, so long after the load began.
    fn tick(&mut self, elapsed: Duration, snapshot: Snapshot);
}

/// What is left of a load.
pub(crate) struct Load {
    /// Everything measured.
    pub(crate) snapshot: Snapshot,
    /// Shared iterations that nobody began.
    pub(crate) dropped_iterations: u64,
    /// Whether a signal ended it.
    pub(crate) interrupted: bool,
    /// Errors of the scenario's own.
    pub(crate) errors: Errors,
    /// VUs that panicked, and workers that did not come back.
    pub(crate) panics: Vec<String>,
    /// The longest time in which requests were under way and none came to its end.
    pub(crate) longest_silence: Duration,
}

/// A load could not be started.
#[derive(Debug, thiserror::Error)]
pub(crate) enum EngineError {
    #[error("failed to start a worker thread: {0}")]
    Thread(std::io::Error),
}

struct Worker {
    ask: mpsc::Sender<oneshot::Sender<Snapshot>>,
    thread: JoinHandle<std::io::Result<Done>>,
    finished: oneshot::Receiver<()>,
}

/// Runs the plan to its end, or until a signal, on as many threads as there are processors.
pub(crate) async fn run(
    plan: &Plan,
    shared: Arc<Shared>,
    bounds: Arc<[Duration]>,
    iteration: Arc<Iteration>,
    signals: &mut Signals,
    watch: &mut dyn Watch,
) -> Result<Load, EngineError> {
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let left = plan.shared_iterations.map(|iterations| Arc::new(AtomicU64::new(iterations)));
    let (abort, aborted) = watch::channel(false);
    let epoch = clock::now();
    let mut workers = Vec::new();
    for (number, vus) in plan.split(threads).into_iter().enumerate() {
        let (ask, asked) = mpsc::channel(1);
        let (finish, finished) = oneshot::channel();
        let work = Work {
            vus,
            epoch,
            graceful_stop: plan.graceful_stop,
            left: left.clone(),
            iteration: iteration.clone(),
            shared: shared.clone(),
            recorder: Recorder::new(shared.endpoints.len(), bounds.clone()),
            asked,
            finished: finish,
            abort: aborted.clone(),
        };
        let thread = spawn(number, work).map_err(EngineError::Thread)?;
        workers.push(Worker { ask, thread, finished });
    }
    let nothing = Snapshot::new(shared.endpoints.len(), &bounds);
    let mut silence = Silence::default();
    let interrupted = supervise(&mut workers, epoch, &nothing, signals, &abort, &mut silence, watch).await;
    let mut load = Load { interrupted, longest_silence: silence.longest, ..Load::nothing(nothing) };
    for worker in workers {
        load.add(worker);
    }
    load.dropped_iterations = left.map_or(0, |left| left.load(Ordering::Relaxed));
    Ok(load)
}

impl Load {
    /// A load that never began.
    pub(crate) fn nothing(snapshot: Snapshot) -> Self {
        Self {
            snapshot,
            dropped_iterations: 0,
            interrupted: false,
            errors: Errors::default(),
            panics: Vec::new(),
            longest_silence: Duration::ZERO,
        }
    }

    fn add(&mut self, worker: Worker) {
        drop(worker.ask);
        match worker.thread.join() {
            Ok(Ok(done)) => {
                self.snapshot.merge(&done.snapshot);
                self.errors.merge(done.errors);
                self.panics.extend(done.panics);
            }
            Ok(Err(error)) => self.panics.push(format!("a worker had no runtime: {error}")),
            Err(_) => self.panics.push("a worker panicked".to_owned()),
        }
    }
}

fn spawn(number: usize, work: Work) -> std::io::Result<JoinHandle<std::io::Result<Done>>> {
    thread::Builder::new().name(format!("worker-{number}")).spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        Ok(runtime.block_on(worker::run(work)))
    })
}

/// Takes snapshots until the last VU has stopped. True if a signal came.
async fn supervise(
    workers: &mut [Worker],
    epoch: Instant,
    nothing: &Snapshot,
    signals: &mut Signals,
    abort: &watch::Sender<bool>,
    silence: &mut Silence,
    watch: &mut dyn Watch,
) -> bool {
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
    let mut interrupted = false;
    loop {
        tokio::select! {
            () = &mut all_stopped => return interrupted,
            () = signals.next(), if !interrupted => {
                interrupted = true;
                abort.send_replace(true);
            }
            _ = ticks.tick() => {
                if let Some(snapshot) = ask_all(&asks, nothing).await {
                    let elapsed = clock::now().duration_since(epoch);
                    silence.notice(elapsed, &snapshot);
                    watch.tick(elapsed, snapshot);
                }
            }
        }
    }
}

/// Watches for a target that takes requests and answers none. In a closed load that costs few samples: every VU waits
/// with one, and percentiles stay as they were.
#[derive(Debug, Default)]
struct Silence {
    since: Duration,
    finished: u64,
    longest: Duration,
}

impl Silence {
    fn notice(&mut self, elapsed: Duration, snapshot: &Snapshot) {
        let mut all = snapshot.requests();
        all.add(snapshot.around);
        if all.sent != self.finished || snapshot.in_flight == 0 {
            (self.finished, self.since) = (all.sent, elapsed);
        }
        self.longest = self.longest.max(elapsed.saturating_sub(self.since));
    }
}

/// The merged snapshot of all workers. None if one of them is gone, which joining it will say.
async fn ask_all(workers: &[mpsc::Sender<oneshot::Sender<Snapshot>>], nothing: &Snapshot) -> Option<Snapshot> {
    let mut merged = nothing.clone();
    for worker in workers {
        let (reply, answer) = oneshot::channel();
        worker.send(reply).await.ok()?;
        merged.merge(&answer.await.ok()?);
    }
    Some(merged)
}
