//! Tests of `planning`.

use super::*;
use crate::plan::{constant_arrival_rate, constant_vus};

#[test]
fn a_rate_that_iterations_replace_is_named() {
    let second = Duration::from_secs(1);
    let readers = PartSpec { name: "readers", load: constant_arrival_rate(20, second, second * 3, 2) };
    let parts = [readers, PartSpec { name: "writers", load: constant_vus(2, second * 3) }];
    let by = |by: &LoadOverride| {
        let loads: Vec<_> = parts.iter().map(|part| part.load.clone()).collect();
        replaced_rates(&parts, &LoadProfile::overridden_together(&loads, by).unwrap())
    };
    let iterations = LoadOverride { iterations: Some(4), ..LoadOverride::default() };
    assert_eq!(by(&iterations), "; VUs share the iterations, in place of the rate of readers");
    assert_eq!(by(&LoadOverride { vus: Some(4), ..LoadOverride::default() }), "");
}

#[test]
fn an_action_with_a_very_large_plan_is_announced() {
    let second = Duration::from_secs(1);
    let notice = |action: &str, rate: u64| {
        let plan =
            Plan { parts: vec![constant_arrival_rate(rate, second, second * 30, 2).plan("a", 1, 1).unwrap()], seed: 1 };
        Planning { plan, loads: Vec::new(), notes: Notes::Printed, hash: OnceCell::new() }.notice(action)
    };
    for action in ["drawing", "hashing"] {
        let expected = format!("{action} 300,000,000 arrivals: this can take a minute");
        assert_eq!(notice(action, 10_000_000), Some(expected));
        assert_eq!(notice(action, 1000), None);
    }
}
