//! The stub backend as a client sees it: responses reflect earlier requests, and `/metrics` has the
//! format of the real backend's.

#![expect(clippy::unwrap_used, reason = "a helper that fails fails the test")]

use std::collections::{BTreeMap, BTreeSet};

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use serde_json::{Value, json};
use stub_backend::{Faults, StubServer};
use tower::ServiceExt as _;

fn service(errors: &[String]) -> Router {
    StubServer::new(1, Faults::parse(&[], errors).unwrap(), 10).unwrap().router()
}

async fn text(service: &Router, method: &str, path: &str, body: String) -> (u16, String) {
    let request = Request::builder().method(method).uri(path).header("content-type", "application/json");
    let response = service.clone().oneshot(request.body(Body::from(body)).unwrap()).await.unwrap();
    let status = response.status().as_u16();
    let body = axum::body::to_bytes(response.into_body(), 1 << 20).await.unwrap();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

async fn send(service: &Router, method: &str, path: &str, body: Value) -> (u16, Value) {
    let (status, text) = text(service, method, path, body.to_string()).await;
    (status, serde_json::from_str(&text).unwrap())
}

async fn get(service: &Router, path: &str) -> (u16, Value) {
    send(service, "GET", path, Value::Null).await
}

#[tokio::test]
async fn responses_reflect_earlier_requests() {
    let service = service(&[]);
    let (status, room) = send(&service, "POST", "/api/multiplayer/rooms", json!({"name": "Ada"})).await;
    assert_eq!(status, 201);
    let room = format!("/api/multiplayer/rooms/{}", room["code"].as_str().unwrap());
    let mut players = Vec::new();
    for name in ["Bo", "Cy"] {
        let (status, player) = send(&service, "POST", &format!("{room}/join"), json!({"name": name})).await;
        assert_eq!((status, &player["name"]), (200, &json!(name)));
        players.push(player["id"].as_str().unwrap().to_owned());
    }
    let update = json!({"cash": 1.0, "portfolio_value": 99_999.0, "day": 7});
    assert_eq!(send(&service, "PUT", &format!("{room}/players/{}", players[1]), update).await.0, 200);
    let (_, state) = get(&service, &format!("{room}/state")).await;
    assert_eq!((&state["players"], &state["day"], &state["host"]), (&json!(2), &json!(7), &json!("Ada")));
    let (_, board) = get(&service, &format!("{room}/leaderboard")).await;
    assert_eq!(board["players"][0]["name"], "Cy");
    assert_eq!(get(&service, "/api/multiplayer/rooms/none/state").await.0, 404);
    for path in ["news", "recommendations", "game-data"] {
        let day = |day: u32| format!("/api/{path}?day={day}");
        let (status, first) = get(&service, &day(3)).await;
        assert_eq!((status, &first["day"]), (200, &json!(3)));
        assert_eq!(first, get(&service, &day(3)).await.1);
        assert_ne!(first, get(&service, &day(4)).await.1);
    }
}

#[tokio::test]
async fn an_injected_error_has_status_500_and_counts_as_5xx() {
    let service = service(&["get_news=100%".to_owned()]);
    assert_eq!(get(&service, "/api/news?day=1").await.0, 500);
    let (_, text) = text(&service, "GET", "/metrics", String::new()).await;
    let counted = r#"http_requests_total{handler="/api/news",method="GET",status="5xx"} 1"#;
    assert!(text.contains(counted), "{text}");
}

/// Type, label names and bucket bounds of each family.
fn parse_format(text: &str) -> BTreeMap<String, (String, BTreeSet<String>, Vec<f64>)> {
    let mut families: BTreeMap<String, (String, BTreeSet<String>, Vec<f64>)> = BTreeMap::new();
    let mut current = String::new();
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').unwrap();
            current = name.to_owned();
            families.insert(current.clone(), (kind.to_owned(), BTreeSet::new(), Vec::new()));
        } else if !line.starts_with('#')
            && let (Some(open), Some(close)) = (line.find('{'), line.rfind('}'))
        {
            let (_, labels, bounds) = families.get_mut(&current).unwrap();
            for (name, value) in line[open + 1..close].split("\",").filter_map(|pair| pair.split_once("=\"")) {
                let bound = (name == "le").then(|| value.trim_end_matches('"').parse().unwrap());
                bounds.extend(bound.filter(|bound| !bounds.contains(bound)));
                labels.insert(name.to_owned());
            }
        }
    }
    families
}

#[tokio::test]
async fn metrics_have_the_format_of_the_instrumentator() {
    let service = service(&["get_news=100%".to_owned()]);
    for path in ["/api/news?day=1", "/api/game-data?day=1", "/nowhere"] {
        get(&service, path).await;
    }
    let (_, text) = text(&service, "GET", "/metrics", String::new()).await;
    let (stub, real) = (parse_format(&text), parse_format(include_str!("fastapi-instrumentator-8.1.0.prom")));
    for (name, format) in real.iter().filter(|(name, _)| name.starts_with("http_")) {
        assert_eq!(stub.get(name), Some(format), "{name}");
    }
    #[cfg(target_os = "linux")]
    for name in real.keys().filter(|name| name.starts_with("process_")) {
        assert!(stub.contains_key(name), "{name}");
    }
    assert!(text.contains(r#"handler="none",method="GET",status="4xx""#), "{text}");
}
