//! Tests of `arrival_timer`.

use super::*;
use crate::clock;

#[tokio::test]
async fn a_timer_does_not_fire_before_its_due_time() {
    let load_start = clock::now();
    for wakeup in [WakeupMode::Grid, WakeupMode::Exact, WakeupMode::Runtime] {
        let timer = ArrivalTimer::new(wakeup, load_start);
        for micros in [0, 100, 2_300, 2_300, 9_999] {
            let due = clock::now() + Duration::from_micros(micros);
            timer.until(due).await;
            assert!(clock::now() >= due, "{wakeup:?}");
        }
    }
}

#[tokio::test]
async fn due_times_are_rounded_up_to_the_grid() {
    let load_start = clock::now();
    let timer = ArrivalTimer::new(WakeupMode::Grid, load_start);
    let at = |micros| timer.on_grid(load_start + Duration::from_micros(micros)).duration_since(load_start).as_micros();
    assert_eq!([at(0), at(1), at(400), at(401)], [0, 400, 400, 800]);
}
