//! Students join a room and play a day.

use std::process::ExitCode;
use std::time::Duration;

use monitoring::catalogue::{
    GET_GAME_DATA, GET_NEWS, GET_RECOMMENDATIONS, GET_STATE, JOIN_ROOM, LEADERBOARD, Method, STOCK_AI, UPDATE_PLAYER,
};
use perf_tests::{Scenario, Vu, constant_vus};
use rand::RngExt as _;
use serde::Deserialize;
use serde_json::json;

#[derive(Deserialize)]
struct Room {
    code: String,
}

#[derive(Deserialize)]
struct Player {
    id: String,
}

#[test]
#[ignore = "load scenario: run with cargo xtask perf"]
fn basic() -> ExitCode {
    Scenario::new("basic", &STOCK_AI)
        .exercises(STOCK_AI.endpoints)
        .load(constant_vus(10, Duration::from_secs(30)))
        .setup(async |vu: &mut Vu| {
            let teacher = json!({ "name": "Teacher" });
            Ok(vu.unjudged(Method::Post, "/api/multiplayer/rooms").json(&teacher).send().await?.json()?)
        })
        .run(async |vu: &mut Vu, Room { code }: &Room| {
            let student = json!({ "name": format!("Student {}", vu.iteration_name()) });
            let Player { id } = vu.request(JOIN_ROOM).path("code", code).json(&student).send().await?.json()?;
            vu.request(GET_STATE).path("code", code).send().await?;
            let day = vu.rng().random_range(1..=30);
            for endpoint in [GET_NEWS, GET_RECOMMENDATIONS, GET_GAME_DATA] {
                vu.request(endpoint).query("day", day).send().await?;
            }
            let (cash, portfolio_value) = (vu.rng().random_range(0..10_000), vu.rng().random_range(0..20_000));
            let trade = json!({ "day": day, "cash": cash, "portfolio_value": portfolio_value });
            vu.request(UPDATE_PLAYER).path("code", code).path("player", id).json(&trade).send().await?;
            vu.request(LEADERBOARD).path("code", code).send().await?;
            vu.think(Duration::from_millis(100), Duration::from_millis(300)).await;
            Ok(())
        })
        .assert_slos()
}
