//! The multiplayer API of the stock-trading game, a FastAPI backend.

use std::time::Duration;

use crate::backend_mapping::BackendMapping;
use crate::backend_slo::{Amount, BackendSlo, Cache};
use crate::catalogue::Catalogue;
use crate::endpoint::{Endpoint, Method};
use crate::ratio::Ratio;
use crate::slo::Slo;

pub const JOIN_ROOM: Endpoint =
    Endpoint::new("join_room", "Join room", Method::Post, "/api/multiplayer/rooms/{code}/join");
// Every player's browser polls it during a game.
pub const GET_STATE: Endpoint =
    Endpoint::new("get_state", "Room state", Method::Get, "/api/multiplayer/rooms/{code}/state");
pub const LEADERBOARD: Endpoint =
    Endpoint::new("leaderboard", "Leaderboard", Method::Get, "/api/multiplayer/rooms/{code}/leaderboard");
// Stores a player's cash and holdings after a trade.
pub const UPDATE_PLAYER: Endpoint =
    Endpoint::new("update_player", "Update player", Method::Put, "/api/multiplayer/rooms/{code}/players/{player}");
pub const GET_NEWS: Endpoint = Endpoint::new("get_news", "News", Method::Get, "/api/news");
pub const GET_RECOMMENDATIONS: Endpoint =
    Endpoint::new("get_recommendations", "Recommendations", Method::Get, "/api/recommendations");
pub const GET_GAME_DATA: Endpoint = Endpoint::new("get_game_data", "Game data", Method::Get, "/api/game-data");

/// The multiplayer API of the stock-trading game.
pub const STOCK_AI: Catalogue = Catalogue {
    service: "stock-ai-multiplayer",
    title: "Stock AI Platform - Multiplayer Performance",
    endpoints: &[JOIN_ROOM, GET_STATE, LEADERBOARD, UPDATE_PLAYER, GET_NEWS, GET_RECOMMENDATIONS, GET_GAME_DATA],
    critical: &[JOIN_ROOM, GET_STATE],
    slos: &[
        Slo::p95(JOIN_ROOM, Duration::from_millis(300)),
        Slo::p95(GET_STATE, Duration::from_millis(200)),
        Slo::p95(LEADERBOARD, Duration::from_millis(400)),
        Slo::p95(UPDATE_PLAYER, Duration::from_millis(300)),
        Slo::p95(GET_NEWS, Duration::from_millis(300)),
        Slo::p95(GET_RECOMMENDATIONS, Duration::from_millis(400)),
        Slo::p95(GET_GAME_DATA, Duration::from_millis(500)),
        Slo::success_above(JOIN_ROOM, Ratio::percent(95)),
        Slo::errors_below(Ratio::percent(1)),
    ],
    measures: &[],
    mapping: BackendMapping::FASTAPI,
    // These only warn, because not every backend serves the metrics. Without `.warn()` a miss fails
    // the run.
    backend_slos: &[
        BackendSlo::at_most(
            "memory",
            "Memory",
            "process_resident_memory_bytes{job=\"backend\"}",
            Amount::Mebibytes(512),
        )
        .warn(),
        BackendSlo::at_most(
            "pool_used",
            "Connection pool",
            "sum(db_client_connection_count{job=\"backend\", db_client_connection_state=\"used\"}) \
             / sum(db_client_connection_max{job=\"backend\"})",
            Amount::Share(Ratio::percent(90)),
        )
        .warn(),
    ],
    caches: &[Cache {
        name: "days",
        hits: "cache_hits_total{job=\"backend\"}",
        misses: "cache_misses_total{job=\"backend\"}",
    }],
};
