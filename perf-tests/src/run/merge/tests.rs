//! Tests of `merge`.

use monitoring::endpoint::{Endpoint, Method};
use test_support::objectives::{CATALOGUE, ROOM};

use super::*;

#[test]
fn only_objectives_of_the_scenario_need_a_common_start() {
    const OTHER: Endpoint = Endpoint::new("other", "Other", Method::Get, "/other");
    let count = |exercised| {
        let mut spec = RunSpec::new("rooms", &CATALOGUE);
        spec.exercised.push(exercised);
        CATALOGUE.slos.iter().filter(|slo| slo.is_per_second() && is_exercised(slo, &spec)).count()
    };
    // Those of the endpoint, of all endpoints, and neither those of a measure nor of a part.
    assert_eq!((count(ROOM), count(OTHER)), (3, 1));
}
