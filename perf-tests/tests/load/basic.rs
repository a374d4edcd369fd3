//! Students join a room and play a day.

use std::process::ExitCode;
use std::time::Duration;

use monitoring::catalogue::{
    GET_GAME_DATA, GET_NEWS, GET_RECOMMENDATIONS, GET_STATE, JOIN_ROOM, LEADERBOARD, Method, STOCK_AI, UPDATE_PLAYER,
};
use perf_tests::{Scenario, Vu, constant_vus};
use rand::RngExt as _;
use serde_json::{Value, json};

#[test]
#[ignore = "load scenario: run with cargo xtask perf"]
fn basic() -> ExitCode {
    Scenario::new("basic", &STOCK_AI)
        .exercises(STOCK_AI.endpoints)
        .load(constant_vus(10, Duration::from_secs(30)))
        .setup(async |vu: &mut Vu| {
            let teacher = json!({ "name": "Teacher" });
            let room: Value = vu.unjudged(Method::Post, "/api/multiplayer/rooms").json(&teacher).send().await?.json()?;
            Ok(room["code"].as_str().unwrap_or_default().to_owned())
        })
        .run(async |vu: &mut Vu, room: &String| {
            let (student, day) = (format!("student-{}-{}", vu.id(), vu.iteration()), vu.rng().random_range(1..=30));
            let joined = vu.request(JOIN_ROOM).path("code", room).json(&json!({ "name": student })).send().await?;
            let player: Value = joined.json()?;
            vu.request(GET_STATE).path("code", room).send().await?;
            for endpoint in [GET_NEWS, GET_RECOMMENDATIONS, GET_GAME_DATA] {
                vu.request(endpoint).query("day", day).send().await?;
            }
            let trade = json!({ "cash": vu.rng().random_range(0..10_000), "portfolio_value": vu.rng().random_range(0..20_000), "day": day });
            let id = player["id"].as_str().unwrap_or_default();
            vu.request(UPDATE_PLAYER).path("code", room).path("player", id).json(&trade).send().await?;
            vu.request(LEADERBOARD).path("code", room).send().await?;
            vu.think(Duration::from_millis(100), Duration::from_millis(300)).await;
            Ok(())
        })
        .assert_slos()
}
