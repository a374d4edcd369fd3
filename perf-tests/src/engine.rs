//! Runs a plan: workers, their virtual users, and snapshots of their measurements.

mod arrival_timer;
mod health;
mod iteration_supply;
mod lease;
mod load;
mod load_share;
pub(crate) mod panics;
mod rate_limit;
mod stall;
mod stopwatch;
mod think;
pub mod vu;
pub(crate) mod worker;

use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use perf_host::signals::Signals;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{self, Instant, MissedTickBehavior};

pub(crate) use arrival_timer::WakeupMode;
pub(crate) use lease::{Lease, LeaseRequest, Leases, MOST_WANTED};
pub(crate) use load::Load;
pub(crate) use load_share::{LoadShare, ShareError, check_shares};
pub use think::Think;
pub use vu::{Cookies, FormField, PreparedRequest, Request, RequestError, Response, UnsignedRequest};

use crate::clock;
use crate::measure::{Layout, Pulse, PulseSum, Recorder, SlowTimes, Snapshot};
use crate::plan::Plan;
use health::HealthMeter;
use iteration_supply::IterationSupply;
use rate_limit::RateLimit;
use stall::StallWatch;
pub(crate) use stall::{Silence, SilenceWatch, Stall, StallLimit};
use vu::RunContext;
use worker::{Iteration, PartJob, WorkerJob};

/// Time between two snapshots for the observer.
pub(crate) const TICK: Duration = Duration::from_millis(500);

pub(crate) trait LoadObserver {
    /// Called once, when all workers run. `late` is the time since the load was to begin.
    fn began(&mut self, _late: Duration) {}

    /// Receives a snapshot of everything that was measured until `elapsed` from the start of the
    /// load. Returns a reason to end the load now.
    fn tick(&mut self, elapsed: Duration, snapshot: Snapshot) -> Option<String>;
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum EngineError {
    #[error("failed to start a worker thread: {0}")]
    Thread(std::io::Error),
}

pub(crate) struct Job<'run> {
    pub(crate) plan: &'run Plan,
    pub(crate) run: Arc<RunContext>,
    pub(crate) layout: Layout,
    /// One iteration for each part of the plan.
    pub(crate) iterations: Vec<Arc<dyn Iteration>>,
    pub(crate) wakeup: WakeupMode,
    /// The latency objective of each endpoint, if it has one.
    pub(crate) limits: Vec<Option<StallLimit>>,
    /// The share of the plan that this process makes.
    pub(crate) share: LoadShare,
    /// Leases of shared iterations from a coordinator. `None`: this process has all iterations of
    /// its share.
    pub(crate) leases: Option<Arc<Leases>>,
    /// When the load begins.
    pub(crate) load_start: Instant,
    /// Limit on worker threads.
    pub(crate) threads: usize,
}

struct Worker {
    snapshot_requests: mpsc::Sender<oneshot::Sender<Snapshot>>,
    pulse: Arc<Pulse>,
    thread: JoinHandle<std::io::Result<(Load, SlowTimes)>>,
    finished: oneshot::Receiver<()>,
}

/// Why a load ends before its plan does.
#[derive(Default)]
pub(crate) struct EarlyEnd {
    /// Whether a signal ends it.
    pub(crate) interrupted: bool,
    /// The observer's reason.
    pub(crate) aborted: Option<String>,
}

pub(crate) fn processors() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}

/// Runs a share of the plan until its end, a signal, or a reason from the observer. It uses at most
/// as many threads as the share has virtual users.
pub(crate) async fn run(
    job: Job<'_>,
    signals: &mut Signals,
    observer: &mut dyn LoadObserver,
) -> Result<Load, EngineError> {
    let share = job.share;
    let load_start = job.load_start;
    let threads = job.threads.clamp(1, share.most_vus(job.plan).max(1));
    let empty = Snapshot::new(&job.layout);
    let leases = job.leases.as_deref();
    let leased = |part| leases.and_then(|leases| leases.part(part));
    let parts = job.plan.parts.iter().enumerate();
    let supplies: Vec<_> = parts.map(|(at, part)| share.supply(part, leased(at))).collect();
    let jobs = part_jobs(&job, &supplies, threads);
    let (abort, _) = watch::channel(false);
    let mut workers = Vec::new();
    let threads = jobs.len();
    for (number, parts) in jobs.into_iter().enumerate() {
        let (snapshot_requests, received) = mpsc::channel(1);
        let (finish, finished) = oneshot::channel();
        let pulse = Arc::new(Pulse::new(&empty));
        let work = WorkerJob {
            parts,
            load_start,
            run: job.run.clone(),
            recorder: Recorder::with_pulse(job.layout.clone(), pulse.clone()),
            rate_limit: RateLimit::new(job.run.http.settings.rps, share.agents() * threads),
            wakeup: job.wakeup,
            snapshot_requests: received,
            finished: finish,
            abort: abort.clone(),
        };
        let thread = spawn(number, work).map_err(EngineError::Thread)?;
        workers.push(Worker { snapshot_requests, pulse, thread, finished });
    }
    observer.began(clock::now().saturating_duration_since(load_start));
    let watched = job.plan.parts.iter().map(|part| (part.is_open(), part.end));
    let stall = StallWatch::new(&job.limits, watched).seeing_all(share.agents() == 1);
    let mut supervisor = Supervisor { load_start, empty: &empty, abort, stall, health: HealthMeter::start() };
    let (early, known) = supervisor.watch_over(&mut workers, signals, observer).await;
    let Supervisor { stall, health, .. } = supervisor;
    let mut load = Load { workers: threads, ..Load::not_started(empty) };
    let mut slow_times = SlowTimes::default();
    for (worker, known) in workers.into_iter().zip(known) {
        slow_times.extend(load.add(worker, &known));
    }
    (load.stalls, load.longest_silence) = stall.finish(slow_times.longest(), load_start);
    load.health = health.overall(&load.snapshot.worked);
    stall::count_omitted(&load.stalls, job.plan, &slow_times, load_start, &mut load.snapshot);
    if early.aborted.is_none() {
        count_untaken(job.plan, &supplies, &mut load.snapshot);
    }
    Ok(Load { interrupted: early.interrupted, aborted: early.aborted, ..load })
}

/// The parts of each worker thread. A thread that would have no virtual user is left out, since it
/// would have a share of the limit on requests per second.
fn part_jobs(job: &Job<'_>, supplies: &[IterationSupply], threads: usize) -> Vec<Vec<PartJob>> {
    let of_thread = |number: usize| {
        let parts = job.plan.parts.iter().zip(supplies).zip(&job.iterations).enumerate();
        let parts = parts.filter_map(|(at, ((part, supply), iteration))| {
            Some(PartJob {
                part: at,
                iteration: iteration.clone(),
                min_iteration: part.min_iteration,
                cut: part.end + part.graceful_stop,
                schedule: job.share.schedule(part, supply, number, threads)?,
            })
        });
        parts.collect()
    };
    (0..threads).map(of_thread).filter(|parts: &Vec<_>| !parts.is_empty()).collect()
}

/// Counts shared iterations that no virtual user took as dropped, as in k6.
fn count_untaken(plan: &Plan, supplies: &[IterationSupply], counts: &mut Snapshot) {
    for ((part, counts), supply) in plan.parts.iter().zip(&mut counts.parts).zip(supplies) {
        counts.dropped[part.phases.at(part.end).index()] += supply.untaken();
    }
}

fn spawn(number: usize, work: WorkerJob) -> std::io::Result<JoinHandle<std::io::Result<(Load, SlowTimes)>>> {
    thread::Builder::new().name(format!("worker-{number}")).spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        Ok(runtime.block_on(worker::run(work)))
    })
}

struct Supervisor<'run> {
    load_start: Instant,
    empty: &'run Snapshot,
    abort: watch::Sender<bool>,
    stall: StallWatch,
    health: HealthMeter,
}

impl Supervisor<'_> {
    /// Takes snapshots until the last virtual user has stopped. Returns the last known snapshot of
    /// each worker.
    async fn watch_over(
        &mut self,
        workers: &mut [Worker],
        signals: &mut Signals,
        observer: &mut dyn LoadObserver,
    ) -> (EarlyEnd, Vec<Snapshot>) {
        let mut ticks = time::interval_at(self.load_start, TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        let mut polls = time::interval(stall::POLL);
        polls.set_missed_tick_behavior(MissedTickBehavior::Skip);
        let requests: Vec<_> = workers.iter().map(|worker| worker.snapshot_requests.clone()).collect();
        let pulses: Vec<_> = workers.iter().map(|worker| worker.pulse.clone()).collect();
        let mut pulse = PulseSum::default();
        let all_stopped = async {
            for worker in workers {
                // An error means that the thread has ended. Joining it gives the reason.
                let _ = (&mut worker.finished).await;
            }
        };
        tokio::pin!(all_stopped);
        let mut early = EarlyEnd::default();
        let mut known = vec![self.empty.clone(); requests.len()];
        loop {
            tokio::select! {
                () = &mut all_stopped => return (early, known),
                () = signals.interrupted(), if !early.interrupted => {
                    early.interrupted = true;
                    self.abort.send_replace(true);
                }
                _ = polls.tick() => {
                    let elapsed = clock::now().duration_since(self.load_start);
                    pulse.read(pulses.iter().map(Arc::as_ref));
                    self.stall.poll(elapsed, &pulse);
                }
                _ = ticks.tick() => {
                    let mut snapshot = ask_all(&requests, &mut known, self.empty).await;
                    let elapsed = clock::now().duration_since(self.load_start);
                    self.stall.notice(elapsed, &snapshot);
                    self.health.fill_in(&mut snapshot);
                    if let (Some(reason), None) = (observer.tick(elapsed, snapshot), &early.aborted) {
                        early.aborted = Some(reason);
                        self.abort.send_replace(true);
                    }
                }
            }
        }
    }
}

/// The merged snapshot of all workers. For a worker that has ended, its last known snapshot is
/// used.
async fn ask_all(
    workers: &[mpsc::Sender<oneshot::Sender<Snapshot>>],
    known: &mut [Snapshot],
    empty: &Snapshot,
) -> Snapshot {
    let mut merged = empty.clone();
    for (worker, known) in workers.iter().zip(known) {
        let (reply, received) = oneshot::channel();
        if worker.send(reply).await.is_ok()
            && let Ok(snapshot) = received.await
        {
            *known = snapshot;
        }
        merged.merge(known);
    }
    merged
}

#[cfg(test)]
mod tests;
