//! Tests of `several`.

use super::super::{constant_arrival_rate, constant_vus, per_vu_iterations, ramping_arrival_rate, ramping_vus};
use super::*;

const SECS: fn(u64) -> Duration = Duration::from_secs;

fn changed(loads: &[LoadProfile], by: LoadOverride) -> String {
    let loads = LoadProfile::overridden_together(loads, &by).unwrap();
    loads.iter().for_each(|load| drop(load.plan("part", 1, 1).unwrap()));
    loads.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

fn by(vus: Option<u32>, secs: Option<u64>, iterations: Option<u64>) -> LoadOverride {
    LoadOverride { vus, duration: secs.map(SECS), iterations, ..LoadOverride::default() }
}

#[test]
fn vus_are_a_total_and_a_rate_follows_them() {
    let loads = [constant_vus(30, SECS(60)), constant_arrival_rate(40, SECS(1), SECS(60), 10)];
    assert_eq!(changed(&loads, by(Some(4), None, None)), "3 VUs for 1m; 40/10s for 1m, by 1 VU");
    let stages = [ramping_vus(&[(SECS(10), 50), (SECS(10), 0)]), ramping_arrival_rate(10, &[(SECS(20), 100)], 50)];
    let halved = changed(&stages, by(Some(50), None, None));
    assert!(halved.contains("10s:25") && halved.contains("25 VUs"), "{halved}");
}

#[test]
fn each_part_gets_at_least_one_vu_and_one_iteration() {
    let loads = [constant_vus(100, SECS(60)), constant_vus(1, SECS(60))];
    assert_eq!(changed(&loads, by(Some(1), Some(3), None)), "1 VU for 3s; 1 VU for 3s");
    let both = changed(&loads, by(None, None, Some(10)));
    assert_eq!(both, "9 iterations by 9 VUs, within 10m; 1 iteration by 1 VU, within 10m");
}

#[test]
fn a_duration_is_that_of_the_whole_run() {
    let late = constant_arrival_rate(20, SECS(1), SECS(30), 20).start_time(SECS(30));
    let loads = [constant_vus(2, SECS(60)).warm_up(SECS(6)), late, per_vu_iterations(3, 5)];
    let short = changed(&loads, by(None, Some(10), None));
    assert!(
        short.starts_with("2 VUs for 10s, the first 1s of it warm-up; 20/s for 5s, by 20 VUs, after 5s; "),
        "{short}"
    );
    assert!(short.ends_with("10s"), "{short}");
    // Each load lasts at least one second, and none ends after the run.
    let shortest = changed(&loads, by(None, Some(1), None));
    assert!(shortest.contains("20/s for 1s, by 20 VUs; "), "{shortest}");
    let stages = [ramping_vus(&[(SECS(7), 3), (SECS(7), 0)]), constant_vus(1, SECS(14))];
    let loads = LoadProfile::overridden_together(&stages, &by(None, Some(3), None)).unwrap();
    assert_eq!(loads[0].duration(), SECS(3), "{}", loads[0]);
}

#[test]
fn a_rate_or_stages_are_for_one_load() {
    let rate = Some(Rate { count: 1, per: SECS(1) });
    let error = LoadProfile::overridden_together(&[], &LoadOverride { rate, ..LoadOverride::default() }).unwrap_err();
    assert_eq!(error, LoadError::OneOfSeveral);
}
