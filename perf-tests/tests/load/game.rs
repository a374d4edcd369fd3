//! Actions of the stock game's players, shared by the scenarios.

use std::time::Duration;

use monitoring::endpoint::Method;
use monitoring::services::stock_ai::{
    GET_GAME_DATA, GET_NEWS, GET_RECOMMENDATIONS, GET_STATE, JOIN_ROOM, LEADERBOARD, UPDATE_PLAYER,
};
use perf_tests::Vu;
use rand::RngExt as _;
use serde::{Deserialize, Serialize};
use serde_json::json;

#[derive(Serialize, Deserialize)]
pub(crate) struct Room {
    code: String,
}

#[derive(Deserialize)]
pub(crate) struct Player {
    id: String,
}

#[derive(Deserialize)]
struct State {
    players: u32,
}

/// Number of days of a game.
pub(crate) const DAYS: u32 = 30;

/// A teacher opens the room that all students of a run join.
pub(crate) async fn open_room(vu: &mut Vu) -> anyhow::Result<Room> {
    let teacher = json!({ "name": "Teacher" });
    Ok(vu.unjudged(Method::Post, "/api/multiplayer/rooms").json(&teacher).send().await?.json()?)
}

pub(crate) async fn join(vu: &mut Vu, Room { code }: &Room) -> anyhow::Result<Player> {
    let student = json!({ "name": format!("Student {}", vu.iteration_name()) });
    Ok(vu.request(JOIN_ROOM).path("code", code).json(&student).send().await?.json()?)
}

/// A student joins and plays a random day.
pub(crate) async fn join_and_play(vu: &mut Vu, room: &Room) -> anyhow::Result<()> {
    let player = join(vu, room).await?;
    let day = vu.rng().random_range(1..=DAYS);
    play_day(vu, room, &player, day).await
}

/// A student requests the state of the room and plays a day.
pub(crate) async fn play_day(vu: &mut Vu, room: &Room, player: &Player, day: u32) -> anyhow::Result<()> {
    vu.request(GET_STATE).path("code", &room.code).send().await?;
    trade_day(vu, room, player, day).await
}

/// Requests the state of the room, and returns the number of players in it.
pub(crate) async fn players(vu: &mut Vu, Room { code }: &Room) -> anyhow::Result<u32> {
    let state: State = vu.request(GET_STATE).path("code", code).send().await?.json()?;
    Ok(state.players)
}

/// A student requests the day's data, trades, and requests the leaderboard.
pub(crate) async fn trade_day(vu: &mut Vu, Room { code }: &Room, player: &Player, day: u32) -> anyhow::Result<()> {
    for endpoint in [GET_NEWS, GET_RECOMMENDATIONS, GET_GAME_DATA] {
        vu.request(endpoint).query("day", day).send().await?;
    }
    let (cash, portfolio_value) = (vu.rng().random_range(0..10_000), vu.rng().random_range(0..20_000));
    let trade = json!({ "day": day, "cash": cash, "portfolio_value": portfolio_value });
    vu.request(UPDATE_PLAYER).path("code", code).path("player", &player.id).json(&trade).send().await?;
    vu.request(LEADERBOARD).path("code", code).send().await?;
    vu.think(Duration::from_millis(100), Duration::from_millis(300)).await;
    Ok(())
}
