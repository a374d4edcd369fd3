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
