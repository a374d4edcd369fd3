//! The API of the stock-trading game with axum-prometheus.

use axum::Router;
use axum::routing::{get, post, put};
use axum_prometheus::PrometheusMetricLayer;

#[tokio::main(flavor = "current_thread")]
async fn main() -> std::io::Result<()> {
    const ROOM: &str = "/api/multiplayer/rooms/{code}";
    let (layer, handle) = PrometheusMetricLayer::pair();
    let empty = || async { "{}" };
    let app = Router::new()
        .route("/api/multiplayer/rooms", post(|| async { r#"{"code":"ABC"}"# }))
        .route(&format!("{ROOM}/join"), post(|| async { r#"{"id":"p1"}"# }))
        .route(&format!("{ROOM}/state"), get(|| async { r#"{"players":1}"# }))
        .route(&format!("{ROOM}/leaderboard"), get(empty))
        .route(&format!("{ROOM}/players/{{player}}"), put(empty))
        .route("/api/news", get(empty))
        .route("/api/recommendations", get(empty))
        .route("/api/game-data", get(empty))
        .route_layer(layer)
        .route("/metrics", get(move || async move { handle.render() }));
    let port = std::env::args().nth(1).unwrap_or_default();
    axum::serve(tokio::net::TcpListener::bind(format!("127.0.0.1:{port}")).await?, app).await
}
