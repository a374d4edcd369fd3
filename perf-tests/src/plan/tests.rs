//! Tests of `plan`.

use super::*;

fn hash(profile: &LoadProfile, seed: u64) -> String {
    Plan { parts: vec![profile.plan("a", 1, seed).unwrap()], seed }.hash()
}

#[test]
fn different_plans_have_different_hashes() {
    let second = Duration::from_secs(1);
    let poisson = constant_arrival_rate(50, second, second * 10, 5).poisson();
    assert_eq!(hash(&poisson, 1), hash(&poisson, 1));
    let plans = [
        hash(&poisson, 1),
        hash(&poisson, 2),
        hash(&constant_arrival_rate(50, second, second * 10, 5), 1),
        hash(&constant_vus(5, second * 10), 1),
        hash(&constant_vus(5, second * 10).warm_up(second), 1),
        hash(&shared_iterations(5, 10), 1),
        hash(&per_vu_iterations(5, 10), 1),
    ];
    let different: std::collections::HashSet<_> = plans.iter().collect();
    assert_eq!(different.len(), plans.len());
}

#[test]
fn a_plan_has_the_times_and_the_iterations_of_its_load() {
    let second = Duration::from_secs(1);
    let minute = second * 60;
    let part = |load: LoadProfile| load.plan("readers", 1, 7).unwrap();
    let constant = part(constant_vus(10, minute).graceful_stop(second * 5));
    assert!(!constant.is_open());
    assert_eq!(constant.iterations(), None, "as many as time allows");
    let Schedule::Vus { vus, .. } = &constant.schedule else { panic!("a closed load has VUs") };
    assert_eq!(
        vus[9],
        VuPlan { id: 10, spans: vec![ActiveSpan { start: Duration::ZERO, stop: minute, cut: second * 65 }] }
    );
    let shared = part(shared_iterations(10, 500));
    assert!(matches!(shared.schedule, Schedule::Vus { iterations: IterationLimit::Shared(500), .. }));
    let open = constant_arrival_rate(20, second, minute, 10);
    let stages = ramping_arrival_rate(10, &[(minute, 30)], 20).max_vus(80);
    let poisson = constant_arrival_rate(40, second, second * 30, 20).max_vus(80).poisson();
    for load in [open.clone(), open.clone().poisson(), stages, poisson] {
        assert_eq!(part(load.clone()).iterations(), Some(1200), "{load}");
    }
    let Schedule::Arrivals { arrivals, .. } = part(open).schedule else { panic!("it is open") };
    assert_eq!(arrivals.between(second, second * 3), 40);
    let plan = Plan { parts: vec![constant], seed: 7 };
    assert_eq!(plan.end(), minute);
    let last_run = Experience { requests_per_iteration: 3.0, iterations_per_vu_second: 0.5 };
    assert!(draw(&plan, Some(last_run)).contains("about 900 (15.0/s)"));
}
