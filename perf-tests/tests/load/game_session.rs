//! A class of thirty plays a whole game: each student joins once and lives through thirty days. The report has how long a
//! session takes, as the duration of an iteration, and latencies by day.

use std::process::ExitCode;
use std::time::Duration;

use monitoring::catalogue::STOCK_AI;
use perf_tests::{Scenario, Vu, per_vu_iterations};

use crate::game::{DAYS, Room, join, open_room, play_day};

#[test]
#[ignore = "load scenario: run with cargo xtask perf"]
fn game_session() -> ExitCode {
    Scenario::new("game_session", &STOCK_AI)
        .exercises(STOCK_AI.endpoints)
        .load(per_vu_iterations(30, 1).max_duration(Duration::from_secs(3600)))
        .setup(open_room)
        .run(async |vu: &mut Vu, room: &Room| {
            let player = join(vu, room).await?;
            for day in 1..=DAYS {
                vu.segment("day", day);
                play_day(vu, room, &player, day).await?;
            }
            Ok(())
        })
        .assert_slos()
}
