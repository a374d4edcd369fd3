//! A class of thirty plays a whole game in one room. Students join one after another, so the room
//! grows from one player to all of them. Each plays thirty days. The report has latencies by day
//! and by number of players in the room. The duration of an iteration is that of a student's
//! session, with the time before joining.

use std::process::ExitCode;
use std::time::Duration;

use monitoring::services::stock_ai::STOCK_AI;
use perf_tests::{Scenario, Vu, per_vu_iterations};

use crate::game::{DAYS, Room, join, open_room, players, trade_day};

/// Time that one player needs to play about twelve days. A number of players in the room counts in
/// the report from ten requests on.
const TWELVE_DAYS: Duration = Duration::from_secs(6);

#[test]
#[ignore = "load scenario: run with cargo xtask perf"]
fn game_session() -> ExitCode {
    Scenario::new("game_session", &STOCK_AI)
        .exercises(STOCK_AI.endpoints)
        .load(per_vu_iterations(30, 1).max_duration(Duration::from_secs(3600)))
        .setup(open_room)
        .run(async |vu: &mut Vu, room: &Room| {
            let wait = joins_after(vu.id());
            vu.think(wait, wait).await;
            let player = join(vu, room).await?;
            for day in 1..=DAYS {
                vu.segment("day", day);
                let players = players(vu, room).await?;
                vu.segment("players", players);
                trade_day(vu, room, &player, day).await?;
            }
            Ok(())
        })
        .assert_slos()
}

/// The time after which a student joins, by virtual user id. The more players there are, the
/// sooner they have played twelve days in total, and the sooner the next one joins.
fn joins_after(vu: u32) -> Duration {
    (1..vu).map(|players| TWELVE_DAYS / players).sum()
}

#[test]
fn students_join_within_half_a_minute() {
    assert_eq!([1, 2, 3].map(joins_after), [0, 6, 9].map(Duration::from_secs));
    let [class, largest] = [30, 100].map(|students| joins_after(students).as_secs());
    assert_eq!((class, largest), (23, 31));
}
