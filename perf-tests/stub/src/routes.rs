//! The routes, with the latency, faults and metrics of each.

use std::sync::PoisonError;

use axum::body::HttpBody as _;
use axum::extract::{MatchedPath, Path, Query, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post, put};
use axum::{Json, Router};
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::StubServer;
use crate::latency::Fate;
use crate::metrics::RequestRecord;
use crate::state::{PlayerUpdate, Refusal, Rooms};

/// Handlers as in the label `handler`, each with the endpoint that defines its latency.
const TIMED: [(&str, &str); 7] = [
    ("/api/multiplayer/rooms/{code}/join", "join_room"),
    ("/api/multiplayer/rooms/{code}/state", "get_state"),
    ("/api/multiplayer/rooms/{code}/leaderboard", "leaderboard"),
    ("/api/multiplayer/rooms/{code}/players/{player}", "update_player"),
    ("/api/news", "get_news"),
    ("/api/recommendations", "get_recommendations"),
    ("/api/game-data", "get_game_data"),
];

const TICKERS: [&str; 6] = ["ALFA", "BRVO", "CHRL", "DLTA", "ECHO", "FXTR"];

pub(crate) fn router(server: StubServer) -> Router {
    let api = Router::new()
        .route("/health", get(|| async { Json(json!({ "status": "ok" })) }))
        .route("/api/multiplayer/rooms", post(create_room))
        .route("/api/multiplayer/rooms/{code}/join", post(join_room))
        .route("/api/multiplayer/rooms/{code}/state", get(room_state))
        .route("/api/multiplayer/rooms/{code}/leaderboard", get(leaderboard))
        .route("/api/multiplayer/rooms/{code}/players/{player}", put(update_player))
        .route("/api/news", get(news))
        .route("/api/recommendations", get(recommendations))
        .route("/api/game-data", get(game_data))
        .fallback(|| async { problem(StatusCode::NOT_FOUND, "Not Found") })
        .layer(middleware::from_fn_with_state(server.clone(), simulate));
    Router::new().route("/metrics", get(metrics)).merge(api).with_state(server)
}

/// An error response in FastAPI's format.
fn problem(status: StatusCode, detail: &str) -> Response {
    (status, Json(json!({ "detail": detail }))).into_response()
}

async fn simulate(State(server): State<StubServer>, request: Request, next: Next) -> Response {
    #[expect(clippy::disallowed_methods, reason = "a server's own clock, not a measurement's")]
    let started = std::time::Instant::now();
    let _in_progress = server.metrics.begin();
    let matched = request.extensions().get::<MatchedPath>().cloned();
    let handler = matched.as_ref().map_or("none", MatchedPath::as_str);
    let method = request.method().clone();
    let request_bytes = content_length(request.headers());
    let endpoint = TIMED.iter().find(|(timed, _)| *timed == handler).map(|(_, endpoint)| *endpoint);
    let mut response =
        match endpoint.map(|endpoint| server.latency.next(endpoint, started.duration_since(server.began))) {
            Some(Fate::Error) => problem(StatusCode::INTERNAL_SERVER_ERROR, "injected fault"),
            Some(Fate::Respond(latency)) => {
                let _connection = server.pool.take().await;
                // Waiting for a connection adds to the request's own latency.
                let waited = started.elapsed();
                let response = next.run(request).await;
                tokio::time::sleep((waited + latency).saturating_sub(started.elapsed())).await;
                response
            }
            None => next.run(request).await,
        };
    let took = started.elapsed();
    // As in monitoring/BACKEND_METRICS.md for FastAPI.
    if let Ok(value) = HeaderValue::from_str(&format!("app;dur={:.1}", took.as_secs_f64() * 1e3)) {
        response.headers_mut().insert("server-timing", value);
    }
    server.metrics.count(&RequestRecord {
        handler,
        method: method.as_str(),
        status: response.status(),
        took,
        request_bytes,
        response_bytes: response.body().size_hint().exact().unwrap_or(0),
    });
    response
}

fn content_length(headers: &HeaderMap) -> u64 {
    headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok()).unwrap_or(0)
}

async fn metrics(State(server): State<StubServer>) -> Response {
    match server.metrics.text() {
        Ok(text) => ([(header::CONTENT_TYPE, prometheus::TEXT_FORMAT)], text).into_response(),
        Err(error) => problem(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string()),
    }
}

#[derive(Deserialize)]
struct PlayerName {
    name: String,
}

#[derive(Deserialize)]
struct Day {
    day: u32,
}

/// Runs an action on the rooms, and responds with its result.
fn with_rooms<T: serde::Serialize>(
    server: &StubServer,
    status: StatusCode,
    action: impl FnOnce(&mut Rooms) -> Result<T, Refusal>,
) -> Response {
    match action(&mut server.rooms.lock().unwrap_or_else(PoisonError::into_inner)) {
        Ok(value) => (status, Json(value)).into_response(),
        Err(Refusal::NotFound) => problem(StatusCode::NOT_FOUND, "Room or player not found"),
        Err(Refusal::Full) => problem(StatusCode::CONFLICT, "Full"),
    }
}

async fn create_room(State(server): State<StubServer>, Json(host): Json<PlayerName>) -> Response {
    with_rooms(&server, StatusCode::CREATED, |rooms| rooms.create(host.name).map(|code| json!({ "code": code })))
}

async fn join_room(
    State(server): State<StubServer>,
    Path(code): Path<String>,
    Json(player): Json<PlayerName>,
) -> Response {
    with_rooms(&server, StatusCode::OK, |rooms| rooms.join(&code, player.name))
}

async fn room_state(State(server): State<StubServer>, Path(code): Path<String>) -> Response {
    with_rooms(&server, StatusCode::OK, |rooms| rooms.state(&code))
}

async fn leaderboard(State(server): State<StubServer>, Path(code): Path<String>) -> Response {
    with_rooms(&server, StatusCode::OK, |rooms| rooms.leaderboard(&code).map(|players| json!({ "players": players })))
}

async fn update_player(
    State(server): State<StubServer>,
    Path((code, player)): Path<(String, String)>,
    Json(update): Json<PlayerUpdate>,
) -> Response {
    with_rooms(&server, StatusCode::OK, |rooms| rooms.update(&code, &player, &update))
}

/// The random numbers of a day, which are the same for every player.
fn day_rng(server: &StubServer, day: u32) -> ChaCha8Rng {
    let mut rng = ChaCha8Rng::seed_from_u64(server.seed);
    rng.set_stream(1_000_000 + u64::from(day));
    rng
}

/// A value that is the same for all players on a day, from the cache.
fn cached(server: &StubServer, kind: &'static str, day: u32, make: impl FnOnce() -> Value) -> Json<Value> {
    let (value, found) = server.days.get(kind, day, make);
    server.metrics.count_lookup(found);
    Json(value)
}

async fn news(State(server): State<StubServer>, Query(Day { day }): Query<Day>) -> Json<Value> {
    cached(&server, "news", day, || {
        let mut rng = day_rng(&server, day);
        let items: Vec<_> = (0..5)
            .map(|_| {
                let ticker = TICKERS[rng.random_range(0..TICKERS.len())];
                json!({ "ticker": ticker, "headline": format!("{ticker} in the news on day {day}"), "mood": rng.random_range(-5..=5) })
            })
            .collect();
        json!({ "day": day, "news": items })
    })
}

async fn recommendations(State(server): State<StubServer>, Query(Day { day }): Query<Day>) -> Json<Value> {
    cached(&server, "recommendations", day, || {
        let mut rng = day_rng(&server, day);
        let advice = ["buy", "hold", "sell"];
        let items: Vec<_> = TICKERS
            .iter()
            .map(|ticker| json!({ "ticker": ticker, "advice": advice[rng.random_range(0..3)] }))
            .collect();
        json!({ "day": day, "recommendations": items })
    })
}

async fn game_data(State(server): State<StubServer>, Query(Day { day }): Query<Day>) -> Json<Value> {
    cached(&server, "game_data", day, || {
        let mut rng = day_rng(&server, day);
        let prices: Vec<_> =
            TICKERS.iter().map(|ticker| json!({ "ticker": ticker, "cents": rng.random_range(500..50_000) })).collect();
        json!({ "day": day, "prices": prices })
    })
}
