//! Tests of `target`.

use test_support::fake_server;
use url::Url;

use super::*;
use crate::commands::stack::doctor::FoundProblem;

/// The check of a target that responds to a path with this text, and else with 404.
async fn check_mapping(metrics: &'static [(&'static str, &'static str)]) -> CheckResult {
    let url = fake_server::respond(move |request| {
        let path = request.split(' ').nth(1).unwrap_or_default();
        match metrics.iter().find(|(known, _)| *known == path) {
            Some((_, "401")) => ("401 Unauthorized", String::new()),
            Some((_, text)) => ("200 OK", (*text).to_owned()),
            None => ("404 Not Found", String::new()),
        }
    });
    mapping(&Url::parse(&url).unwrap()).await
}

#[tokio::test]
async fn the_best_mapping_of_all_known_paths_is_named() {
    const BY_ROUTE: &str = "http_server_requests_seconds_count{uri=\"/a\",method=\"GET\",status=\"200\"} 1\n";
    const TOTAL: &str = "http_requests_total{code=\"200\",method=\"get\"} 1\n";
    const PROCESS: &str = "process_start_time_seconds 1\n";
    for other in [PROCESS, TOTAL] {
        let both = [("/metrics", other), ("/actuator/prometheus", BY_ROUTE)];
        let FoundProblem { problem, remedy } = check_mapping(both.to_vec().leak()).await.unwrap_err();
        assert_eq!(problem, "Micrometer at /actuator/prometheus, by route, without durations");
        assert!(remedy.contains("mapping: BackendMapping::MICROMETER, or"), "{remedy}");
    }
    let swapped = check_mapping(&[("/metrics", BY_ROUTE), ("/actuator/prometheus", TOTAL)]).await.unwrap_err().remedy;
    assert!(swapped.contains("MICROMETER.at(\"/metrics\")"), "{swapped}");
}

#[tokio::test]
async fn a_target_without_a_fitting_mapping_is_described() {
    let problem = async |metrics| check_mapping(metrics).await.unwrap_err().problem;
    let none = problem(&[("/metrics", "a 1\n"), ("/stats/prometheus", "b 1\n")]).await;
    assert_eq!(none, "none: no count of requests at /metrics, /stats/prometheus");
    let login = problem(&[("/actuator/prometheus", "401")]).await;
    assert!(login.starts_with("none: /actuator/prometheus needs authentication (401"), "{login}");
    let absent = problem(&[]).await;
    assert!(absent.starts_with("none: /metrics responded with 404 Not Found"), "{absent}");
}

#[tokio::test]
async fn the_mapping_of_each_metrics_page_is_named() {
    const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/metrics");
    const DURATIONS: &str = "by route, with durations";
    for (file, path, found, mapping) in [
        (
            "actix-web-prom",
            "/metrics",
            format!("actix-web-prom at /metrics, {DURATIONS}"),
            "ACTIX.requests(\"shop_http_requests_total\").duration(\"shop_http_requests_duration_seconds\")",
        ),
        (
            "otelhttp",
            "/metrics",
            format!("OpenTelemetry's semantic conventions at /metrics, {DURATIONS}"),
            "OPENTELEMETRY",
        ),
        (
            "opentelemetry-fastapi",
            "/metrics",
            format!("OpenTelemetry's semantic conventions at /metrics, {DURATIONS}"),
            "OPENTELEMETRY",
        ),
        (
            "opentelemetry-fastapi-old",
            "/metrics",
            format!("OpenTelemetry's conventions before they were stable at /metrics, {DURATIONS}"),
            "OPENTELEMETRY_OLD.handler(\"http_target\")",
        ),
        ("envoy", "/stats/prometheus", format!("Envoy at /stats/prometheus, not {DURATIONS}"), "ENVOY"),
        (
            "nginx-prometheus-exporter",
            "/metrics",
            "nginx-prometheus-exporter at /metrics, not by route, without durations".to_owned(),
            "NGINX",
        ),
    ] {
        let text = std::fs::read_to_string(format!("{FOLDER}/{file}.prom")).unwrap();
        let FoundProblem { problem: described, remedy } =
            check_mapping(vec![(path, &*text.leak())].leak()).await.unwrap_err();
        assert_eq!(described, found, "{file}");
        assert!(remedy.contains(&format!("mapping: BackendMapping::{mapping}, or")), "{file}: {remedy}");
    }
}
