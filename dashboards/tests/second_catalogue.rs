//! Dashboard of a second service: no code of this crate depends on the first one.

use std::time::Duration;

use dashboards::{outline, service_dashboard};
use monitoring::catalogue::Catalogue;
use monitoring::endpoint::{Endpoint, Method};
use monitoring::slo::Slo;

const PING: Endpoint = Endpoint::new("ping", "Ping", Method::Get, "/ping");
const ECHO: Catalogue = Catalogue {
    service: "echo",
    title: "Echo",
    endpoints: &[PING],
    critical: &[PING],
    slos: &[Slo::p95(PING, Duration::from_micros(2_500))],
    backend: &[],
    caches: &[],
};

#[test]
fn the_dashboard_covers_only_the_endpoints_of_its_catalogue() {
    let dashboard = service_dashboard::dashboard(&ECHO);
    let text = outline::outline(&dashboard);
    assert!(text.starts_with("Echo (echo)"), "{text}");
    assert!(text.contains("\"Ping latency\"") && text.contains("red from 2.5"), "{text}");
    assert!(text.contains("ping_latency_bucket"), "{text}");
    assert!(!serde_json::to_string(&dashboard).unwrap().contains("join_room"));
}
