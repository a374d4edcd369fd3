//! Dashboard of a second service: no code of this crate depends on the first one.

use std::time::Duration;

use dashboards::{outline, service_dashboard};
use monitoring::backend_mapping::BackendMapping;
use monitoring::catalogue::Catalogue;
use monitoring::endpoint::{Endpoint, Method};
use monitoring::measure::{Limit, Measure};
use monitoring::ratio::Ratio;
use monitoring::services;
use monitoring::slo::Slo;

const PING: Endpoint = Endpoint::new("ping", "Ping", Method::Get, "/ping");
const ECHO: Catalogue = Catalogue {
    service: "echo",
    title: "Echo",
    endpoints: &[PING],
    critical: &[PING],
    slos: &[Slo::p95(PING, Duration::from_micros(2_500))],
    measures: &[],
    mapping: BackendMapping::FASTAPI,
    backend_slos: &[],
    caches: &[],
};

#[test]
fn the_dashboard_covers_only_the_endpoints_of_its_catalogue() {
    let dashboard = service_dashboard::dashboard(&ECHO);
    let text = outline::outline(&dashboard);
    assert!(text.starts_with("Echo (echo)"), "{text}");
    assert!(text.contains("\"Ping latency\"") && text.contains("red from 2.5"), "{text}");
    assert!(text.contains("ping_latency_bucket"), "{text}");
    let json = serde_json::to_string(&dashboard).unwrap();
    for endpoint in services::ALL.iter().flat_map(|catalogue| catalogue.endpoints) {
        assert!(!json.contains(endpoint.name), "{json}");
    }
}

const QUEUE: Measure = Measure::trend("queue_length", "Queue length");
const ORDERS: Measure = Measure::counter("orders", "Orders");
const ROOMS: Measure = Measure::gauge("rooms", "Open rooms");
const SEVERAL: Catalogue = Catalogue {
    slos: &[
        Slo::p95(PING, Duration::from_millis(300)),
        Slo::latency(PING, Ratio::percent(99), Duration::from_secs(1)),
        Slo::p95(PING, Duration::from_millis(400)).in_part("readers"),
        Slo::connecting(PING, Ratio::percent(95), Duration::from_millis(50)),
        Slo::throughput(PING, 50),
        Slo::trend(QUEUE, Ratio::percent(99), 25),
        Slo::counter(ORDERS, Limit::AtMost(70)),
        Slo::counter_per_second(ORDERS, Limit::AtLeast(5)),
        Slo::gauge(ROOMS, Limit::AtMost(9)),
    ],
    measures: &[QUEUE, ORDERS, ROOMS],
    ..ECHO
};

#[test]
fn every_objective_has_a_line_and_a_row() {
    assert_eq!(SEVERAL.validate(), Ok(()));
    let dashboard = service_dashboard::dashboard(&SEVERAL);
    let panel = |title: &str| dashboard.panels.iter().find(|panel| panel.title == title).expect(title);
    let legends = |title: &str| panel(title).targets.iter().map(|it| &*it.legend_format).collect::<Vec<_>>();
    let critical = ["p50 {{testid}}", "p95 {{testid}}", "p99 {{testid}}", "p95 in part readers {{testid}}"];
    assert_eq!(legends("Ping latency"), critical);
    assert_eq!(legends("Ping p95"), critical[1..]);
    let rows = [
        "Ping p95",
        "Ping p99 <= 1000 ms",
        "Ping p95 <= 400 ms in part readers",
        "Ping connecting p95",
        "Ping throughput",
        "queue_length p99",
        "orders count",
        "orders rate >= 5/s",
        "rooms value",
    ];
    assert_eq!(legends("Objectives over time"), rows);
    let lines = |title: &str| {
        let thresholds = panel(title).field_config.as_ref().unwrap().defaults.thresholds.as_ref().unwrap();
        thresholds.steps.iter().filter_map(|step| step.value.as_ref()?.as_u64()).collect::<Vec<_>>()
    };
    assert_eq!(lines("Ping latency"), [300, 400, 1_000]);
    assert_eq!(lines("Ping connecting p95"), [40, 50]);
    assert_eq!(lines("Ping throughput"), [50]);
    assert_eq!((legends("Queue length").len(), lines("Queue length")), (3, vec![25]));
    let values = ["Orders", "Orders: sum", "Open rooms"].map(|title| (legends(title).len(), lines(title)));
    assert_eq!(values, [(1, vec![5]), (1, vec![70]), (1, vec![9])]);
}
