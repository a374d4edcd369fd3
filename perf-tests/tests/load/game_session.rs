//! A class of thirty plays a whole game in rooms of one to nine. Each student joins once and plays
//! thirty days. The report has the duration of a session, as the duration of an iteration, and
//! latencies by day and by number of players in the room.

use std::process::ExitCode;
use std::time::Duration;

use monitoring::services::stock_ai::STOCK_AI;
use perf_tests::{Scenario, Vu, per_vu_iterations};

use crate::game::{DAYS, Room, join, open_room, players, trade_day};

/// Sizes of the rooms: a seat for each of thirty students.
const SEATS: [u32; 7] = [1, 2, 3, 4, 5, 6, 9];

#[test]
#[ignore = "load scenario: run with cargo xtask perf"]
fn game_session() -> ExitCode {
    Scenario::new("game_session", &STOCK_AI)
        .exercises(STOCK_AI.endpoints)
        .load(per_vu_iterations(30, 1).max_duration(Duration::from_secs(3600)))
        .setup(open_rooms)
        .run(async |vu: &mut Vu, rooms: &Vec<Room>| {
            let room = &rooms[room_index(vu.id())];
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

async fn open_rooms(vu: &mut Vu) -> anyhow::Result<Vec<Room>> {
    let mut rooms = Vec::new();
    for _ in SEATS {
        rooms.push(open_room(vu).await?);
    }
    Ok(rooms)
}

/// The room of a student, by virtual user id. Students beyond thirty share the rooms of the others.
fn room_index(vu: u32) -> usize {
    let mut seat = vu % SEATS.iter().sum::<u32>();
    let is_in = |seats: u32| {
        let found = seat < seats;
        seat = seat.saturating_sub(seats);
        found
    };
    SEATS.into_iter().position(is_in).unwrap_or_default()
}
