//! Tests of load profiles.

use std::time::Duration;

use monitoring::phase::Phase;
use perf_settings::{LoadOverride, Rate, Stage};

use super::*;
use crate::plan::Schedule;

const SECS: fn(u64) -> Duration = Duration::from_secs;

fn basic() -> LoadProfile {
    constant_vus(10, SECS(30))
}

fn by(vus: Option<u32>, secs: Option<u64>, iterations: Option<u64>) -> LoadProfile {
    let by = LoadOverride { vus, duration: secs.map(SECS), iterations, ..LoadOverride::default() };
    basic().overridden(&by).unwrap()
}

#[test]
fn a_command_line_replaces_the_whole_load_or_only_its_vus() {
    assert_eq!(by(None, None, None), basic());
    assert_eq!(by(Some(3), None, None), constant_vus(3, SECS(30)));
    assert_eq!(by(None, Some(5), None), constant_vus(10, SECS(5)), "as in k6");
    let ramping = ramping_vus(&[(SECS(5), 8)]);
    let five = LoadOverride { duration: Some(SECS(5)), ..LoadOverride::default() };
    assert_eq!(ramping.overridden(&five).unwrap(), constant_vus(1, SECS(5)));
    assert_eq!(by(Some(2), None, Some(8)), shared_iterations(2, 8));
    assert_eq!(by(None, Some(5), Some(8)), shared_iterations(8, 8).max_duration(SECS(5)));
    assert_eq!(by(None, None, Some(20)), shared_iterations(10, 20));
    let four = LoadOverride { vus: Some(4), ..LoadOverride::default() };
    assert_eq!(shared_iterations(2, 8).overridden(&four).unwrap(), shared_iterations(4, 8));
    assert_eq!(ramping_vus(&[(SECS(5), 8)]).overridden(&four), Err(LoadError::VusOfStages));
    let stages = vec![Stage { duration: SECS(60), target: 10 }];
    let staged = basic().overridden(&LoadOverride { vus: Some(4), stages, ..LoadOverride::default() }).unwrap();
    assert_eq!(staged, ramping_vus(&[(SECS(60), 10)]).start_vus(4));
}

#[test]
fn a_rate_keeps_the_duration_and_has_vus_for_one_second() {
    let rate = Some(Rate { count: 50, per: SECS(1) });
    let load = |by: LoadOverride| basic().overridden(&LoadOverride { rate, ..by }).unwrap();
    assert_eq!(load(LoadOverride::default()), constant_arrival_rate(50, SECS(1), SECS(30), 50));
    let few = load(LoadOverride { vus: Some(5), max_vus: Some(9), ..LoadOverride::default() });
    assert_eq!(few, constant_arrival_rate(50, SECS(1), SECS(30), 5).max_vus(9));
    let capped = load(LoadOverride { max_vus: Some(9), ..LoadOverride::default() });
    assert_eq!(capped, constant_arrival_rate(50, SECS(1), SECS(30), 9));
}

#[test]
fn all_vus_start_at_once_and_stop_together() {
    let plan = basic().start_time(SECS(5)).plan("a", 3, 7).unwrap();
    let Schedule::Vus { vus, .. } = &plan.schedule else { panic!("closed") };
    assert_eq!(vus.iter().map(|vu| vu.id).collect::<Vec<_>>(), (3..=12).collect::<Vec<_>>());
    assert!(vus.iter().all(|vu| vu.spans[0].start == SECS(5) && vu.spans[0].stop == SECS(35)));
    assert!(vus.iter().all(|vu| vu.spans[0].cut == SECS(65)));
    assert_eq!((plan.start, plan.end), (SECS(5), SECS(35)));
}

#[test]
fn changing_stages_are_ramp_and_constant_stages_are_steady() {
    let load = ramping_vus(&[(SECS(10), 10), (SECS(20), 10), (SECS(0), 5), (SECS(5), 5), (SECS(5), 0)]);
    let phases: Vec<_> = load.plan("a", 1, 1).unwrap().phases.steps().collect();
    assert_eq!(phases, [(SECS(0), Phase::Ramp), (SECS(10), Phase::Steady), (SECS(35), Phase::Ramp)]);
    let warm: Vec<_> = load.warm_up(SECS(15)).plan("a", 1, 1).unwrap().phases.steps().collect();
    assert_eq!(warm, [(SECS(0), Phase::WarmUp), (SECS(15), Phase::Steady), (SECS(35), Phase::Ramp)]);
}

#[test]
fn invalid_loads_are_rejected() {
    let error = |load: LoadProfile| load.plan("a", 1, 1).unwrap_err();
    assert_eq!(error(constant_vus(0, SECS(1))), LoadError::Vus(0));
    assert!(matches!(error(constant_vus(1, Duration::from_millis(999))), LoadError::Duration(_)));
    assert!(matches!(error(shared_iterations(3, 2)), LoadError::FewerIterationsThanVus { .. }));
    assert!(matches!(error(per_vu_iterations(3, 0)), LoadError::Nothing(_)));
    assert!(matches!(error(ramping_vus(&[(SECS(5), 0)]).start_vus(0)), LoadError::Vus(0)));
    assert!(matches!(error(ramping_vus(&[])), LoadError::Duration(_)));
    assert!(matches!(error(constant_arrival_rate(0, SECS(1), SECS(5), 1)), LoadError::Nothing(_)));
    assert!(matches!(error(constant_arrival_rate(1, SECS(0), SECS(5), 1)), LoadError::Nothing(_)));
    assert!(matches!(error(constant_arrival_rate(1, SECS(1), SECS(5), 2).max_vus(1)), LoadError::MaxVus { .. }));
    assert!(matches!(error(constant_arrival_rate(1, SECS(1), SECS(5), 0)), LoadError::Vus(0)));
    assert!(matches!(error(basic().warm_up(SECS(30))), LoadError::WarmUp { .. }));
}

#[test]
fn a_load_is_described_in_words() {
    let minute = SECS(60);
    for (load, description) in [
        (basic(), "10 VUs for 30s"),
        (
            constant_vus(1, Duration::from_millis(1_500)).warm_up(SECS(1)),
            "1 VU for 1s500ms, the first 1s of it warm-up",
        ),
        (shared_iterations(1, 5), "5 iterations by 1 VU, within 10m"),
        (shared_iterations(10, 500).max_duration(minute), "500 iterations by 10 VUs, within 1m"),
        (per_vu_iterations(30, 2).max_duration(minute), "2 iterations by each of 30 VUs, within 1m"),
        (per_vu_iterations(30, 1), "1 iteration by each of 30 VUs, within 10m"),
        (ramping_vus(&[(minute, 10), (minute, 0)]).start_time(minute), "1 VU, then 1m:10,1m:0, after 1m"),
        (constant_arrival_rate(500, SECS(1), minute, 5).max_vus(9).poisson(), "500/s (Poisson) for 1m, by 5 to 9 VUs"),
        (ramping_arrival_rate(5, &[(minute, 50)], 9), "5/s, then 1m:50, by 9 VUs"),
    ] {
        assert_eq!(load.to_string(), description);
    }
}

#[test]
fn a_profile_survives_json() {
    for load in [basic(), ramping_vus(&[(SECS(60), 10)]), constant_arrival_rate(5, SECS(1), SECS(5), 1).poisson()] {
        let text = serde_json::to_string(&load).unwrap();
        assert_eq!(serde_json::from_str::<LoadProfile>(&text).unwrap(), load, "{text}");
    }
}
