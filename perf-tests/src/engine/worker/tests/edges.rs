//! Edge cases of executors on virtual time: arrivals that are not handled, virtual users that are
//! planned again, and few virtual users among many workers.

use std::future;
use std::time::Duration;

use tokio::task::coop;
use tokio::time;

use super::{WorkerSchedule, request, run_until, run_whole};
use crate::engine::LoadShare;
use crate::plan::{constant_arrival_rate, constant_vus, ramping_vus};

const MS: fn(u64) -> Duration = Duration::from_millis;
const SECS: fn(u64) -> Duration = Duration::from_secs;

#[tokio::test(start_paused = true)]
async fn arrivals_overtaken_by_the_end_are_counted_as_dropped() {
    let load = constant_arrival_rate(10, SECS(1), SECS(2), 30).graceful_stop(SECS(1));
    let ran = run_whole(load, |vu| {
        Box::pin(async move {
            if vu.iteration() == 4 {
                // The whole machine is suspended until the load has ended.
                time::advance(SECS(60)).await;
            }
            Ok(())
        })
    })
    .await;
    let (part, dropped) = (ran.part(), ran.part().dropped.iter().sum::<u64>());
    let ended = part.iterations.completed + part.iterations.interrupted;
    assert_eq!((ended + dropped, dropped > 10), (20, true), "{:?}", part.iterations);
}

#[tokio::test(start_paused = true)]
async fn a_vu_of_an_open_load_is_busy_for_the_minimum_duration() {
    let load = || constant_arrival_rate(10, SECS(1), SECS(2), 1);
    let quick = run_whole(load(), |vu| request(vu, MS(1))).await;
    assert_eq!(quick.part().dropped.iter().sum::<u64>(), 0);
    let held = run_whole(load().min_iteration_duration(MS(950)), |vu| request(vu, MS(1))).await;
    // The only virtual user takes the arrivals at 0 and at 1000 ms.
    assert_eq!((held.part().iterations.completed, held.part().dropped.iter().sum::<u64>()), (2, 18));
}

#[tokio::test(start_paused = true)]
async fn an_iteration_that_waits_after_using_its_tokio_budget_is_cut_off() {
    let load = constant_vus(1, SECS(1)).graceful_stop(SECS(2));
    let ran = run_until(load, Some(SECS(10)), |_| {
        Box::pin(async {
            while coop::has_budget_remaining() {
                coop::consume_budget().await;
            }
            future::pending().await
        })
    })
    .await;
    assert_eq!((ran.part().iterations.interrupted, ran.took), (1, SECS(3)));
}

#[tokio::test(start_paused = true)]
async fn a_vu_that_is_planned_again_is_cut_off_at_the_end() {
    // The virtual user is not planned from 10 s on, planned again 2 s later, before it would be cut
    // off, and not planned from 22 s on.
    let load = ramping_vus(&[
        (Duration::ZERO, 1),
        (SECS(10), 1),
        (Duration::ZERO, 0),
        (SECS(2), 0),
        (Duration::ZERO, 1),
        (SECS(10), 1),
    ]);
    let ran = run_whole(load, |vu| request(vu, SECS(100_000))).await;
    assert_eq!((ran.part().iterations.interrupted, ran.took), (1, SECS(52)));
}

#[test]
fn a_small_open_load_runs_on_few_workers() {
    let shares = |max_vus: u32, workers: usize| -> Vec<_> {
        let plan = constant_arrival_rate(10, SECS(1), SECS(1), max_vus).plan("a", 1, 1).unwrap();
        let supply = LoadShare::WHOLE.supply(&plan, None);
        let share_of = |number| match LoadShare::WHOLE.schedule(&plan, &supply, number, workers)? {
            WorkerSchedule::Arrivals { ids, of, .. } => Some((ids.len(), of)),
            WorkerSchedule::Vus { .. } => panic!("an open load has arrivals"),
        };
        (0..workers).map(share_of).collect()
    };
    assert_eq!(shares(3, 2), [Some((3, 1)), None]);
    assert_eq!(shares(64, 2), [Some((32, 2)); 2]);
    assert_eq!(shares(70, 4), [Some((35, 2)), Some((35, 2)), None, None]);
}
