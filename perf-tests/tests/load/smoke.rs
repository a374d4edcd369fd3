//! One player checks that every endpoint responds.

use std::process::ExitCode;
use std::time::Duration;

use monitoring::services::stock_ai::STOCK_AI;
use perf_tests::plan::LoadProfile;
use perf_tests::{Scenario, Vu, constant_vus};

use crate::game::{Room, join_and_play, open_room};

fn load() -> LoadProfile {
    constant_vus(1, Duration::from_secs(20))
}

#[test]
#[ignore = "load scenario: run with cargo xtask perf"]
fn smoke() -> ExitCode {
    Scenario::new("smoke", &STOCK_AI)
        .exercises(STOCK_AI.endpoints)
        .load(load())
        .setup(open_room)
        .run(async |vu: &mut Vu, room: &Room| join_and_play(vu, room).await)
        .assert_slos()
}

#[test]
fn its_load_is_as_reviewed() {
    insta::assert_snapshot!(load().drawn("smoke").unwrap());
}
