//! Fifty students for half an hour: does anything grow, leak or wear out?

use std::process::ExitCode;
use std::time::Duration;

use monitoring::services::stock_ai::STOCK_AI;
use perf_tests::{Scenario, constant_vus};

use crate::game::{join_and_play, open_room};

const MINUTE: Duration = Duration::from_secs(60);

#[test]
#[ignore = "load scenario: run with cargo xtask perf"]
fn endurance() -> ExitCode {
    Scenario::new("endurance", &STOCK_AI)
        .exercises(STOCK_AI.endpoints)
        .load(constant_vus(50, MINUTE * 30))
        // A service that has missed its objectives for a minute need not run for half an hour.
        .abort_on_miss(MINUTE, MINUTE)
        .setup(open_room)
        .run(join_and_play)
        .assert_slos()
}
