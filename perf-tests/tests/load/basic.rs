//! Students join a room and play a day.

use std::process::ExitCode;
use std::time::Duration;

use monitoring::services::stock_ai::STOCK_AI;
use perf_tests::{Scenario, Vu, constant_vus};
use rand::RngExt as _;

use crate::game::{DAYS, Room, join, open_room, play_day};

#[test]
#[ignore = "load scenario: run with cargo xtask perf"]
fn basic() -> ExitCode {
    Scenario::new("basic", &STOCK_AI)
        .exercises(STOCK_AI.endpoints)
        .load(constant_vus(10, Duration::from_secs(30)))
        .setup(open_room)
        .run(async |vu: &mut Vu, room: &Room| {
            let player = join(vu, room).await?;
            let day = vu.rng().random_range(1..=DAYS);
            play_day(vu, room, &player, day).await
        })
        .assert_slos()
}
