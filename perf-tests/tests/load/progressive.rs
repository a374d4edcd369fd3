//! More and more students join and play a day, up to a hundred at once. At which number is the
//! first objective missed?

use std::process::ExitCode;
use std::time::Duration;

use monitoring::services::stock_ai::STOCK_AI;
use perf_tests::{Scenario, ramping_vus};

use crate::game::{join_and_play, open_room};

const MINUTE: Duration = Duration::from_secs(60);

#[test]
#[ignore = "load scenario: run with cargo xtask perf"]
fn progressive() -> ExitCode {
    Scenario::new("progressive", &STOCK_AI)
        .exercises(STOCK_AI.endpoints)
        .load(ramping_vus(&[(MINUTE, 10), (MINUTE * 2, 50), (MINUTE * 2, 100), (MINUTE, 50), (MINUTE, 0)]))
        .setup(open_room)
        .run(join_and_play)
        .assert_slos()
}
