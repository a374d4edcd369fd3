//! A worker: a thread with a single-threaded runtime, its own virtual users and its own recorder. Nothing that a
//! request touches is shared with another thread.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::{Notify, mpsc, oneshot, watch};
use tokio::task::{JoinSet, LocalSet};
use tokio::time::{self, Instant};

use super::clock;
use super::vu::{Shared, Vu};
use crate::http::{HttpClient, RequestError};
use crate::measure::IterationEnd;
use crate::measure::{Recorder, Snapshot};
use crate::plan::VuPlan;

/// One iteration of a scenario, whatever its setup's value is.
pub(crate) type Iteration =
    dyn for<'vu> Fn(&'vu mut Vu) -> Pin<Box<dyn Future<Output = anyhow::Result<()>> + 'vu>> + Send + Sync;

/// What a worker is told to do.
pub(crate) struct Work {
    pub(crate) vus: Vec<VuPlan>,
    pub(crate) epoch: Instant,
    pub(crate) graceful_stop: Duration,
    /// Iterations left to all workers; none if VUs go on until they stop.
    pub(crate) left: Option<Arc<AtomicU64>>,
    pub(crate) iteration: Arc<Iteration>,
    pub(crate) shared: Arc<Shared>,
    pub(crate) recorder: Recorder,
    /// Asks for a snapshot. Closed when nobody will ask any more, which is when the worker ends.
    pub(crate) asked: mpsc::Receiver<oneshot::Sender<Snapshot>>,
    /// Told when the last VU has stopped.
    pub(crate) finished: oneshot::Sender<()>,
    /// True once the run is aborted.
    pub(crate) abort: watch::Receiver<bool>,
}

/// What a worker leaves.
pub(crate) struct Done {
    pub(crate) snapshot: Snapshot,
    /// Errors of the scenario's own, which are no failed requests.
    pub(crate) errors: Errors,
    /// VUs that panicked, by message.
    pub(crate) panics: Vec<String>,
}

/// How many errors there were, and the first few of them.
#[derive(Debug, Default)]
pub(crate) struct Errors {
    pub(crate) count: u64,
    pub(crate) first: Vec<String>,
}

impl Errors {
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

/// Runs the worker's VUs to their end. Answers requests for snapshots meanwhile, and on until nobody asks: other workers
/// may still be at it, and a snapshot is one of all.
pub(crate) async fn run(work: Work) -> Done {
    let Work { vus, epoch, graceful_stop, left, iteration, shared, recorder, mut asked, finished, mut abort } = work;
    let recorder = Rc::new(RefCell::new(recorder));
    let errors = Rc::new(RefCell::new(Errors::default()));
    // The worker's own, so that VUs of different workers share no lock.
    let aborted = Rc::new(Aborted::default());
    let local = LocalSet::new();
    let mut running = JoinSet::new();
    for plan in vus {
        let vu = Life {
            plan,
            epoch,
            graceful_stop,
            left: left.clone(),
            iteration: iteration.clone(),
            shared: shared.clone(),
            recorder: recorder.clone(),
            errors: errors.clone(),
            aborted: aborted.clone(),
        };
        running.spawn_local_on(vu.live(), &local);
    }
    let mut panics = Vec::new();
    let mut finished = Some(finished);
    local
        .run_until(async {
            loop {
                tokio::select! {
                    Some(ended) = running.join_next() => {
                        panics.extend(ended.err().map(panic_message));
                    }
                    Ok(_) = abort.wait_for(|abort| *abort), if !aborted.yet.get() => aborted.tell(),
                    asked = asked.recv() => match asked {
                        // Nobody waits for the answer any more: then nobody misses it.
                        Some(reply) => drop(reply.send(recorder.borrow().snapshot())),
                        None => break,
                    },
                }
                if running.is_empty() {
                    finished.take().map(|finished| finished.send(()));
                }
            }
        })
        .await;
    let snapshot = recorder.borrow().snapshot();
    Done { snapshot, errors: errors.take(), panics }
}

/// Whether the run has been aborted, as far as one worker's VUs are concerned.
#[derive(Default)]
struct Aborted {
    yet: Cell<bool>,
    told: Notify,
}

impl Aborted {
    fn tell(&self) {
        self.yet.set(true);
        self.told.notify_waiters();
    }
}

/// One VU, from its start to its stop.
struct Life {
    plan: VuPlan,
    epoch: Instant,
    graceful_stop: Duration,
    left: Option<Arc<AtomicU64>>,
    iteration: Arc<Iteration>,
    shared: Arc<Shared>,
    recorder: Rc<RefCell<Recorder>>,
    errors: Rc<RefCell<Errors>>,
    aborted: Rc<Aborted>,
}

impl Life {
    async fn live(self) {
        let http = match HttpClient::new(self.shared.is_tls()) {
            Ok(http) => http,
            Err(error) => return self.errors.borrow_mut().add(&error.into()),
        };
        let mut vu = Vu::new(self.plan.id, self.shared.clone(), self.recorder.clone(), http);
        time::sleep_until(self.epoch + self.plan.start).await;
        let _active = Active::new(&self.recorder);
        let stop = self.epoch + self.plan.stop;
        let mut cut = pin!(time::sleep_until(stop + self.graceful_stop));
        let mut aborted = pin!(self.aborted.told.notified());
        aborted.as_mut().enable();
        for number in 0.. {
            if clock::now() >= stop || self.aborted.yet.get() || !self.take() {
                break;
            }
            vu.begin(number);
            let result = tokio::select! {
                biased;
                result = (self.iteration)(&mut vu) => Some(result),
                () = &mut cut => None,
                () = &mut aborted => None,
            };
            self.ended(&vu, result);
            // A scenario that waits for nothing must not keep the worker from answering.
            tokio::task::yield_now().await;
        }
    }

    /// Takes one of the shared iterations, if there are any left.
    fn take(&self) -> bool {
        let one_less = |left: u64| left.checked_sub(1);
        self.left.as_ref().is_none_or(|left| left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_less).is_ok())
    }

    fn ended(&self, vu: &Vu, result: Option<anyhow::Result<()>>) {
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
        self.recorder.borrow_mut().record_iteration(end, vu.made());
    }
}

/// Counts a VU as active for as long as it lives, a panic included.
struct Active(Rc<RefCell<Recorder>>);

impl Active {
    fn new(recorder: &Rc<RefCell<Recorder>>) -> Self {
        recorder.borrow_mut().vu_active(true);
        Self(recorder.clone())
    }
}

impl Drop for Active {
    fn drop(&mut self) {
        self.0.borrow_mut().vu_active(false);
    }
}

fn panic_message(error: tokio::task::JoinError) -> String {
    match error.try_into_panic() {
        Ok(panic) => panic_text(panic.as_ref()),
        Err(error) => error.to_string(),
    }
}

/// What was given to `panic!`.
pub(crate) fn panic_text(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "no message".to_owned())
}

#[cfg(test)]
mod tests {
    use monitoring::catalogue::{GET_NEWS, JOIN_ROOM, STOCK_AI};
    use monitoring::judgement::Millis;
    use monitoring::metric;
    use monitoring::slo::Objective;
    use tokio::time::sleep;
    use url::Url;

    use super::*;
    use crate::plan::{LoadProfile, constant_vus, shared_iterations};

    const MS: fn(u64) -> Duration = Duration::from_millis;

    /// Runs a profile on virtual time, until it ends or is aborted after so long. Gives what was left, how long it took
    /// and how many shared iterations nobody took.
    async fn run_on_virtual_time(
        profile: LoadProfile,
        abort_after: Option<Duration>,
        iteration: impl for<'vu> Fn(&'vu mut Vu) -> Pin<Box<dyn Future<Output = anyhow::Result<()>> + 'vu>>
        + Send
        + Sync
        + 'static,
    ) -> (Done, Duration, u64) {
        let plan = profile.plan(1).unwrap();
        let left = plan.shared_iterations.map(|iterations| Arc::new(AtomicU64::new(iterations)));
        let (ask, asked) = mpsc::channel(1);
        let (finish, finished) = oneshot::channel();
        let (abort, aborted) = watch::channel(false);
        let epoch = clock::now();
        let target = Url::parse("http://127.0.0.1:1").unwrap();
        let endpoints = STOCK_AI.endpoints;
        let work = Work {
            vus: plan.vus.clone(),
            epoch,
            graceful_stop: plan.graceful_stop,
            left: left.clone(),
            iteration: Arc::new(iteration),
            shared: Arc::new(Shared { target, endpoints, exercised: vec![JOIN_ROOM], seed: 1 }),
            recorder: Recorder::new(endpoints.len(), metric::bucket_bounds(&STOCK_AI).into()),
            asked,
            finished: finish,
            abort: aborted,
        };
        let ended = async {
            tokio::select! {
                ended = finished => ended.unwrap(),
                () = sleep(abort_after.unwrap_or(Duration::MAX)) => {
                    abort.send_replace(true);
                    std::future::pending::<()>().await;
                }
            }
        };
        let supervise = async {
            let took = async {
                ended.await;
                clock::now().duration_since(epoch)
            };
            // The abort branch never ends by itself: the worker does, once it is told.
            let took = tokio::time::timeout(Duration::from_secs(3600), took).await.unwrap_or_default();
            drop(ask);
            took
        };
        let (done, took) = tokio::join!(run(work), supervise);
        (done, took, left.map_or(0, |left| left.load(Ordering::Relaxed)))
    }

    /// A request that takes exactly so long.
    async fn request(vu: &mut Vu, takes: Duration) -> anyhow::Result<()> {
        vu.time(JOIN_ROOM, async {
            sleep(takes).await;
            Ok::<_, anyhow::Error>(())
        })
        .await?;
        Ok(())
    }

    #[tokio::test(start_paused = true)]
    async fn constant_vus_iterate_until_their_time_is_over() {
        let (done, took, _) =
            run_on_virtual_time(constant_vus(3, MS(1000)), None, |vu| Box::pin(request(vu, MS(100)))).await;
        let join_room = &done.snapshot.endpoints[0];
        assert_eq!(done.snapshot.iterations.completed, 30);
        assert_eq!(join_room.requests().sent, 30);
        assert_eq!((join_room.latency.buckets().within(MS(99)), join_room.latency.buckets().within(MS(100))), (0, 30));
        assert_eq!(join_room.latency.buckets().sum_ms(), 3000.0);
        assert_eq!(join_room.latency.quantile(Objective::percent(95)), Some(Millis::Finite(100.0)));
        assert_eq!(join_room.most_per_iteration, 1);
        assert_eq!(done.snapshot.vus, 0);
        assert_eq!(took, MS(1000));
    }

    #[tokio::test(start_paused = true)]
    async fn shared_iterations_are_each_run_once_by_whoever_is_free() {
        let slow_first = |vu: &mut Vu| if vu.id() == 1 { MS(450) } else { MS(100) };
        let (done, took, left) = run_on_virtual_time(shared_iterations(2, 7), None, move |vu| {
            let takes = slow_first(vu);
            Box::pin(request(vu, takes))
        })
        .await;
        assert_eq!((done.snapshot.iterations.completed, left), (7, 0));
        // VU 1 takes the first and, at 450 ms, the last; VU 2 takes the five between.
        let latency = &done.snapshot.endpoints[0].latency;
        assert_eq!((latency.buckets().within(MS(100)), latency.buckets().within(MS(500))), (5, 7));
        assert_eq!(took, MS(900));
    }

    #[tokio::test(start_paused = true)]
    async fn iterations_left_at_the_end_were_never_begun() {
        let profile = LoadProfile::SharedIterations { vus: 2, iterations: 100, max_duration: MS(1000) };
        let (done, _, left) = run_on_virtual_time(profile, None, |vu| Box::pin(request(vu, MS(300)))).await;
        assert_eq!((done.snapshot.iterations.completed, left), (8, 92));
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_under_way_at_the_end_has_thirty_seconds_and_is_then_unknown() {
        let (done, took, _) =
            run_on_virtual_time(constant_vus(2, MS(1000)), None, |vu| Box::pin(request(vu, MS(30_500)))).await;
        assert_eq!((done.snapshot.iterations.completed, took), (2, MS(30_500)));
        let (done, took, _) =
            run_on_virtual_time(constant_vus(2, MS(1000)), None, |vu| Box::pin(request(vu, MS(40_000)))).await;
        assert_eq!((done.snapshot.iterations.interrupted, done.snapshot.iterations.completed), (2, 0));
        let requests = done.snapshot.endpoints[0].requests();
        assert_eq!((requests.sent, requests.unknown, took), (0, 2, MS(31_000)));
    }

    #[tokio::test(start_paused = true)]
    async fn an_abort_ends_iterations_at_once() {
        let profile = constant_vus(2, MS(60_000));
        let (done, _, _) = run_on_virtual_time(profile, Some(MS(250)), |vu| Box::pin(request(vu, MS(100)))).await;
        assert_eq!((done.snapshot.iterations.completed, done.snapshot.iterations.interrupted), (4, 2));
        assert_eq!(done.snapshot.endpoints[0].unknown, 2);
    }

    #[tokio::test(start_paused = true)]
    async fn an_error_or_a_panic_of_the_scenario_is_kept_and_other_vus_go_on() {
        let (done, _, _) = run_on_virtual_time(constant_vus(2, MS(1000)), None, |vu| {
            Box::pin(async move {
                request(vu, MS(100)).await?;
                if vu.id() == 1 {
                    vu.request(GET_NEWS).send().await?;
                }
                anyhow::bail!("own")
            })
        })
        .await;
        assert_eq!(done.panics.len(), 1);
        assert!(done.panics[0].contains("get_news"), "{:?}", done.panics);
        assert_eq!((done.errors.count, done.errors.first[0].as_str()), (10, "own"));
        assert_eq!(done.snapshot.vus, 0);
    }
}
