//! Every executor on virtual time, against a target with exact response times, so that the
//! measurements are known beforehand.

mod allocations;
mod edges;

use std::collections::BTreeMap;
use std::sync::Mutex;

use monitoring::endpoint::Endpoint;
use monitoring::phase::{Phase, Phases};
use monitoring::ratio::Ratio;
use perf_report::Millis;
use perf_settings::HttpSettings;
use test_support::shop::{ADD_ITEM, GET_OFFERS, SHOP};
use tokio::time::{self, sleep};
use url::Url;

use super::*;
use crate::clock;
use crate::engine::load_share::LoadShare;
use crate::http::{ConnectionOwner, HttpConfig};
use crate::measure::{EndpointCounts, Layout};
use crate::plan::{
    LoadProfile, Plan, constant_arrival_rate, constant_vus, per_vu_iterations, ramping_arrival_rate, ramping_vus,
    shared_iterations,
};

const MS: fn(u64) -> Duration = Duration::from_millis;
const SECS: fn(u64) -> Duration = Duration::from_secs;

/// The outcome of a load.
pub(super) struct LoadOutcome {
    pub(super) load: Load,
    pub(super) took: Duration,
    /// Number of shared iterations that no virtual user took.
    untaken: u64,
}

impl LoadOutcome {
    pub(super) fn endpoint(&self, phases: Phases) -> EndpointCounts {
        self.load.snapshot.endpoint(0, phases).unwrap()
    }

    fn add_item(&self) -> EndpointCounts {
        self.endpoint(Phases::ALL)
    }

    pub(super) fn part(&self) -> &crate::measure::PartCounts {
        &self.load.snapshot.parts[0]
    }
}

/// Iterations made by a closure.
struct ClosureIteration<F>(F);

impl<F: for<'vu> Fn(&'vu mut Vu) -> IterationFuture<'vu> + Send + Sync> Iteration for ClosureIteration<F> {
    fn begin<'a>(&'a self, vu: &'a mut Vu) -> IterationFuture<'a> {
        (self.0)(vu)
    }
}

/// Runs a load with one worker until it ends, or aborts it after `abort_after`.
async fn run_until(
    load: LoadProfile,
    abort_after: Option<Duration>,
    iteration: impl for<'vu> Fn(&'vu mut Vu) -> IterationFuture<'vu> + Send + Sync + 'static,
) -> LoadOutcome {
    run_against("http://127.0.0.1:1", load, abort_after, iteration).await
}

pub(super) async fn run_against(
    target: &str,
    load: LoadProfile,
    abort_after: Option<Duration>,
    iteration: impl for<'vu> Fn(&'vu mut Vu) -> IterationFuture<'vu> + Send + Sync + 'static,
) -> LoadOutcome {
    let part = load.plan("virtual", 1, 1).unwrap();
    let plan = Plan { parts: vec![part], seed: 1 };
    let part = &plan.parts[0];
    let supply = LoadShare::WHOLE.supply(part, None);
    let (ask, asked) = mpsc::channel(1);
    let (finish, finished) = oneshot::channel();
    let (abort, _) = watch::channel(false);
    let load_start = clock::now();
    let target = Url::parse(target).unwrap();
    let context = RunContext {
        http: Arc::new(HttpConfig::new(&target, &BTreeMap::new(), HttpSettings::default()).unwrap()),
        endpoints: SHOP.endpoints,
        hosts: Vec::new(),
        is_exercised: SHOP.endpoints.iter().map(|it| *it == ADD_ITEM).collect(),
        measures: &[],
        declared_measures: Vec::new(),
        seed: plan.seed,
        ids: vec![part.ids()],
        phases: vec![part.phases.clone()],
        tags: Vec::new(),
        connection_owner: ConnectionOwner::Client,
        keeps_cookies: false,
    };
    let work = WorkerJob {
        parts: vec![PartJob {
            part: 0,
            iteration: Arc::new(ClosureIteration(iteration)),
            min_iteration: part.min_iteration,
            cut: part.end + part.graceful_stop,
            schedule: LoadShare::WHOLE.schedule(part, &supply, 0, 1).unwrap(),
        }],
        load_start,
        run: Arc::new(context),
        recorder: Recorder::new(Layout::new(&SHOP, vec![part.is_open()])),
        rate_limit: RateLimit::default(),
        wakeup: WakeupMode::Runtime,
        snapshot_requests: asked,
        finished: finish,
        abort: abort.clone(),
    };
    let supervise = async {
        tokio::pin!(finished);
        let took = tokio::select! {
            ended = &mut finished => {
                ended.unwrap();
                clock::now().duration_since(load_start)
            }
            () = sleep(abort_after.unwrap_or(SECS(86_400 * 365))) => {
                abort.send_replace(true);
                time::timeout(SECS(1), finished).await.unwrap().unwrap();
                clock::now().duration_since(load_start)
            }
        };
        drop(ask);
        took
    };
    let ((load, _), took) = tokio::join!(run(work), supervise);
    LoadOutcome { load, took, untaken: supply.untaken() }
}

pub(super) async fn run_whole(
    load: LoadProfile,
    iteration: impl for<'vu> Fn(&'vu mut Vu) -> IterationFuture<'vu> + Send + Sync + 'static,
) -> LoadOutcome {
    run_until(load, None, iteration).await
}

/// Makes a request that takes exactly this long.
async fn send_request(vu: &mut Vu, endpoint: Endpoint, takes: Duration) -> anyhow::Result<()> {
    vu.time(endpoint, async {
        sleep(takes).await;
        Ok::<_, anyhow::Error>(())
    })
    .await?;
    Ok(())
}

pub(super) fn request(vu: &mut Vu, takes: Duration) -> IterationFuture<'_> {
    Box::pin(send_request(vu, ADD_ITEM, takes))
}

#[tokio::test(start_paused = true)]
async fn constant_vus_iterate_until_their_time_is_over() {
    let ran = run_whole(constant_vus(3, MS(1000)), |vu| request(vu, MS(100))).await;
    let add_item = ran.add_item();
    assert_eq!(ran.part().iterations.completed, 30);
    assert_eq!(add_item.requests().sent, 30);
    assert_eq!((add_item.latency.buckets().within(MS(99)), add_item.latency.buckets().within(MS(100))), (0, 30));
    assert_eq!(add_item.latency.buckets().sum_ms(), 3000.0);
    assert_eq!(add_item.latency.quantile(Ratio::percent(95)), Some(Millis::Finite(100.0)));
    assert!(add_item.response.is_none(), "a closed load has no response times");
    assert_eq!(ran.part().most_per_iteration[0], 1);
    assert_eq!(ran.part().iteration_duration.histogram().longest().unwrap().as_millis(), 100);
    assert_eq!((ran.part().vus, ran.took), (0, MS(1000)));
}

#[tokio::test(start_paused = true)]
async fn a_ramp_runs_as_many_iterations_as_its_vus_have_time_for() {
    // 0 to 10 in 10 s: VU k is active for 10 - k seconds. Then 10 VUs for 5 s. Then down: VU k is
    // active for 10 - k + 1 seconds.
    let load = ramping_vus(&[(SECS(10), 10), (SECS(5), 10), (SECS(10), 0)]).start_vus(0);
    let ran = run_whole(load, |vu| request(vu, MS(500))).await;
    let vu_seconds: u64 = (1..=10).map(|k| (10 - k) + 5 + (10 - k + 1)).sum();
    assert_eq!(ran.part().iterations.completed, vu_seconds * 2);
    let sent = |phase| ran.endpoint(Phases::only(&[phase])).requests().sent;
    assert_eq!(sent(Phase::Steady), 10 * 5 * 2);
    assert_eq!(sent(Phase::Ramp), vu_seconds * 2 - 100);
    assert_eq!(ran.took, SECS(25));
}

#[tokio::test(start_paused = true)]
async fn a_vu_that_is_ramped_down_has_limited_time_to_finish() {
    let load = || ramping_vus(&[(SECS(0), 1), (SECS(20), 1)]).start_vus(2).graceful_ramp_down(SECS(3));
    let ran = run_whole(load(), |vu| request(vu, if vu.id() == 2 { SECS(2) } else { SECS(20) })).await;
    assert_eq!((ran.part().iterations.completed, ran.part().iterations.interrupted), (1, 0));
    let started_late = ramping_vus(&[(SECS(1), 2), (SECS(0), 1), (SECS(20), 1)]).start_vus(2);
    let cut = run_whole(started_late.graceful_ramp_down(SECS(3)), |vu| {
        request(vu, if vu.id() == 2 { SECS(5) } else { SECS(21) })
    });
    let cut = cut.await;
    assert_eq!((cut.part().iterations.completed, cut.part().iterations.interrupted), (1, 1));
    assert_eq!(cut.add_item().unknown, 1);
}

#[tokio::test(start_paused = true)]
async fn each_shared_iteration_runs_once_on_a_free_vu() {
    let slow_first = |vu: &mut Vu| if vu.id() == 1 { MS(450) } else { MS(100) };
    let ran = run_whole(shared_iterations(2, 7), move |vu| {
        let takes = slow_first(vu);
        request(vu, takes)
    })
    .await;
    assert_eq!(ran.part().iterations.completed, 7);
    // VU 1 takes the first iteration and, at 450 ms, the last. VU 2 takes the five in between.
    let latency = ran.add_item().latency;
    assert_eq!((latency.buckets().within(MS(100)), latency.buckets().within(MS(500))), (5, 7));
    assert_eq!(ran.took, MS(900));
}

#[tokio::test(start_paused = true)]
async fn per_vu_iterations_without_time_are_dropped() {
    let ran = run_whole(per_vu_iterations(3, 4), |vu| request(vu, MS(100))).await;
    assert_eq!((ran.part().iterations.completed, ran.took), (12, MS(400)));
    let short = run_whole(per_vu_iterations(3, 40).max_duration(SECS(1)), |vu| request(vu, MS(100))).await;
    assert_eq!((short.part().iterations.completed, short.part().dropped.iter().sum::<u64>()), (30, 90));
}

#[tokio::test(start_paused = true)]
async fn shared_iterations_without_time_are_not_begun() {
    let ran = run_whole(shared_iterations(2, 100).max_duration(MS(1000)), |vu| request(vu, MS(300))).await;
    assert_eq!((ran.part().iterations.completed, ran.untaken), (8, 92));
}

#[tokio::test(start_paused = true)]
async fn minimum_iteration_duration_and_start_time_are_respected() {
    let load = constant_vus(1, MS(1000)).min_iteration_duration(MS(250)).start_time(SECS(7));
    let ran = run_whole(load, |vu| request(vu, MS(100))).await;
    assert_eq!((ran.part().iterations.completed, ran.took), (4, SECS(8)));
    assert_eq!(ran.part().iteration_duration.histogram().longest().unwrap().as_millis(), 100);
}

#[tokio::test(start_paused = true)]
async fn requests_due_in_the_warm_up_period_count_as_warm_up() {
    let ran = run_whole(constant_vus(1, SECS(10)).warm_up(SECS(3)), |vu| request(vu, MS(100))).await;
    let sent = |phases| ran.endpoint(phases).requests().sent;
    assert_eq!((sent(Phases::only(&[Phase::WarmUp])), sent(Phases::AFTER_WARM_UP)), (30, 70));
}

#[tokio::test(start_paused = true)]
async fn arrivals_begin_when_due_even_if_earlier_ones_still_run() {
    let ran = run_whole(constant_arrival_rate(200, SECS(1), SECS(2), 100), |vu| request(vu, MS(300))).await;
    let add_item = ran.add_item();
    assert_eq!((ran.part().iterations.completed, ran.part().dropped), (400, [0; 3]));
    // Every 5 ms an iteration of 300 ms: the last begins at 1995 ms.
    assert_eq!(ran.took, MS(2295));
    let response = add_item.response.unwrap();
    assert_eq!((response.buckets().within(MS(300)), response.buckets().sum_ms()), (400, 400.0 * 300.0));
    assert_eq!(ran.part().lateness.histogram().longest(), Some(Duration::from_nanos(1)));
}

#[tokio::test(start_paused = true)]
async fn a_ramped_rate_begins_as_many_iterations_as_its_area() {
    let load = ramping_arrival_rate(0, &[(SECS(10), 100), (SECS(5), 100)], 50);
    let ran = run_whole(load, |vu| request(vu, MS(1))).await;
    let started = |phase| ran.endpoint(Phases::only(&[phase])).requests().sent;
    assert_eq!((started(Phase::Ramp), started(Phase::Steady)), (500, 500));
}

#[tokio::test(start_paused = true)]
async fn an_arrival_that_finds_all_vus_busy_is_dropped() {
    // Two VUs, each busy for 1 s, and an arrival every 100 ms: two of ten begin in each second.
    let ran = run_whole(constant_arrival_rate(10, SECS(1), SECS(5), 1).max_vus(2), |vu| request(vu, MS(995))).await;
    assert_eq!((ran.part().iterations.completed, ran.part().dropped), (10, [0, 0, 40]));
    assert_eq!(ran.part().most_per_iteration[0], 1);
}

/// The target stalls from second 3 to second 5 of an open load at 200/s. Requests that are due in
/// that time wait until its end. All others take 1 ms. So the distribution of response times can be
/// computed.
#[tokio::test(start_paused = true)]
async fn a_stall_shows_in_response_times_exactly_as_computed() {
    let ran = run_whole(constant_arrival_rate(200, SECS(1), SECS(10), 500), |vu| {
        Box::pin(async move {
            let since = vu.began().unwrap().duration_since(vu.load_start());
            let left = if since >= SECS(3) && since < SECS(5) { SECS(5) - since } else { Duration::ZERO };
            send_request(vu, ADD_ITEM, left + MS(1)).await
        })
    })
    .await;
    let response = ran.add_item().response.unwrap();
    assert_eq!((response.buckets().count(), ran.part().dropped), (2000, [0; 3]));
    for bound in [1, 100, 300, 500, 1000, 2000, 3000] {
        // Due at 3000 + 5 k ms, each waits 2000 - 5 k ms and then takes 1 ms; k from 0 to 399. All
        // others take 1 ms.
        let stalled = (0..400).filter(|k| 2000 - 5 * k < bound).count();
        assert_eq!(response.buckets().within(MS(bound as u64)), 1600 + stalled as u64, "{bound} ms");
    }
    let sum: u64 = (0..400).map(|k| 2000 - 5 * k + 1).sum::<u64>() + 1600;
    assert_eq!(response.buckets().sum_ms(), sum as f64);
    assert_eq!(response.quantile(Ratio::percent(95)), ran.add_item().latency.quantile(Ratio::percent(95)));
}

/// If the generator is late, response times include that: they count from the due time.
#[tokio::test(start_paused = true)]
async fn response_times_include_the_lateness_of_the_generator() {
    let ran = run_whole(constant_arrival_rate(10, SECS(1), SECS(2), 30), |vu| {
        Box::pin(async move {
            if vu.iteration() == 5 {
                // Blocks the whole thread: no other iteration can begin meanwhile.
                time::advance(MS(420)).await;
            }
            send_request(vu, ADD_ITEM, MS(1)).await
        })
    })
    .await;
    let part = ran.part();
    assert_eq!((part.iterations.completed, part.dropped), (20, [0; 3]));
    // The iterations due 100, 200, 300 and 400 ms after the sixth all begin 420 ms after it.
    assert_eq!(part.late, 4);
    let add_item = ran.add_item();
    assert_eq!(add_item.late, 4);
    let response = add_item.response.unwrap();
    // The sixth iteration began in time. The last of the late ones begins 20 ms late and takes
    // another 1 ms.
    assert_eq!((response.buckets().within(MS(20)), response.buckets().within(MS(400))), (16, 20));
    assert_eq!(add_item.latency.buckets().within(MS(1)), 20);
}

#[tokio::test(start_paused = true)]
async fn iterations_under_way_at_the_end_have_thirty_more_seconds() {
    let ran = run_whole(constant_vus(2, MS(1000)), |vu| request(vu, MS(30_500))).await;
    assert_eq!((ran.part().iterations.completed, ran.took), (2, MS(30_500)));
    for load in [constant_vus(2, MS(1000)), constant_arrival_rate(2, SECS(1), SECS(1), 2)] {
        let ran = run_whole(load, |vu| request(vu, MS(40_000))).await;
        assert_eq!((ran.part().iterations.interrupted, ran.part().iterations.completed), (2, 0));
        let requests = ran.add_item().requests();
        assert_eq!((requests.sent, requests.unknown, ran.took), (0, 2, MS(31_000)));
    }
}

#[tokio::test(start_paused = true)]
async fn an_abort_ends_iterations_at_once() {
    for load in [constant_vus(2, MS(60_000)), constant_arrival_rate(20, SECS(1), SECS(60), 2)] {
        let open = load.plan("a", 1, 1).unwrap().is_open();
        let ran = run_until(load, Some(MS(240)), |vu| request(vu, MS(100))).await;
        let (completed, interrupted) = if open { (3, 2) } else { (4, 2) };
        assert_eq!((ran.part().iterations.completed, ran.part().iterations.interrupted), (completed, interrupted));
        assert_eq!((ran.add_item().unknown, ran.part().vus), (2, 0));
        assert!(ran.took < MS(300), "{:?}", ran.took);
    }
}

#[tokio::test(start_paused = true)]
async fn an_error_or_panic_is_reported_and_other_vus_continue() {
    let ran = run_whole(constant_vus(2, MS(1000)), |vu| {
        Box::pin(async move {
            send_request(vu, ADD_ITEM, MS(100)).await?;
            if vu.id() == 1 {
                vu.request(GET_OFFERS).send().await?;
            }
            anyhow::bail!("own")
        })
    })
    .await;
    assert_eq!(ran.load.panics.len(), 1);
    assert!(ran.load.panics[0].contains("get_offers"), "{:?}", ran.load.panics);
    assert_eq!((ran.load.errors.count, ran.load.errors.first[0].as_str()), (10, "own"));
    assert_eq!(ran.part().vus, 0);
    let open = run_whole(constant_arrival_rate(10, SECS(1), SECS(1), 3), |vu| {
        assert!(vu.iteration() != 4, "the fifth");
        request(vu, MS(10))
    });
    let open = open.await;
    assert_eq!((open.load.panics.len(), open.part().iterations.completed), (1, 9));
}

#[tokio::test(start_paused = true)]
async fn random_numbers_depend_on_the_iteration_and_not_on_the_vu() {
    use rand::RngExt as _;

    async fn drawn(load: LoadProfile, slow: u32) -> BTreeMap<String, u64> {
        let numbers = Arc::new(Mutex::new(BTreeMap::new()));
        let shared = numbers.clone();
        run_whole(load, move |vu| {
            let shared = shared.clone();
            Box::pin(async move {
                let number = vu.rng().random();
                assert!(shared.lock().unwrap().insert(vu.iteration_name(), number).is_none());
                let takes = if vu.id() == slow { MS(70) } else { MS(10) };
                send_request(vu, ADD_ITEM, takes).await
            })
        })
        .await;
        Arc::try_unwrap(numbers).unwrap().into_inner().unwrap()
    }
    let shared = || shared_iterations(3, 20);
    let first = drawn(shared(), 1).await;
    assert_eq!(first, drawn(shared(), 2).await);
    assert_eq!(first.values().collect::<std::collections::BTreeSet<_>>().len(), 20);
    let open = || constant_arrival_rate(100, SECS(1), SECS(1), 10);
    assert_eq!(drawn(open(), 1).await, drawn(open(), 2).await);
}
