//! Tests of `mapping_fit`.

use prometheus_store::exposition;

use super::*;

fn fitting(text: &str) -> Option<String> {
    let fit = fit_names(&exposition::parse(text).unwrap())?;
    assert_eq!(parse(&fit.to_string()).unwrap(), fit.mapping(), "{fit}");
    Some(fit.to_string())
}

#[test]
fn the_mapping_of_each_make_is_found_by_its_names() {
    for (text, expected) in [
        ("http_requests_total{handler=\"/a\",method=\"GET\",status=\"2xx\"} 1", "FASTAPI"),
        ("http_requests_total{code=\"200\",method=\"get\"} 1", "GO"),
        (
            "http_requests_total{code=\"200\",handler=\"/a\",method=\"get\"} 1",
            "FASTAPI.status(\"code\").lower_case_methods()",
        ),
        (
            "http_request_duration_seconds_count{route=\"/a/:b\",method=\"GET\",code=\"200\"} 1",
            "EXPRESS.status(\"code\")",
        ),
        (
            "http_server_requests_seconds_count{uri=\"/a/{b}\",method=\"GET\",status=\"200\",outcome=\"SUCCESS\"} 1",
            "MICROMETER",
        ),
        (
            "http_server_request_duration_seconds_count{http_route=\"/a\",http_request_method=\"GET\",\
                 http_response_status_code=\"200\"} 1",
            "OPENTELEMETRY",
        ),
        ("axum_http_requests_total{endpoint=\"/a\",method=\"GET\",status=\"200\"} 1", "AXUM"),
        (
            "shop_http_requests_total{endpoint=\"/a\",method=\"GET\",status=\"200\"} 1\n\
                 shop_http_requests_duration_seconds_sum 1",
            "ACTIX.requests(\"shop_http_requests_total\").duration(\"shop_http_requests_duration_seconds\")",
        ),
        ("envoy_http_downstream_rq_xx{envoy_response_code_class=\"2\"} 1", "ENVOY"),
        ("nginx_http_requests_total 1", "NGINX"),
        ("calls_total{code=\"200\",path=\"/a\"} 1", "GO.requests(\"calls_total\").handler(\"path\")"),
        (
            "calls_ms_count{code=\"200\",path=\"/a\",method=\"GET\"} 1\ncalls_ms_sum 2",
            "GO.requests(\"calls_ms_count\").handler(\"path\").upper_case_methods().duration(\"calls_ms\")",
        ),
        // starlette_exporter
        (
            "shop_request_size_bytes_count{path=\"/a\",method=\"GET\",status_code=\"200\"} 1\n\
                 shop_request_size_bytes_sum 9\n\
                 shop_requests_total{path=\"/a\",method=\"GET\",status_code=\"200\"} 1\n\
                 shop_request_duration_seconds_count{path=\"/a\",method=\"GET\",status_code=\"200\"} 1\n\
                 shop_request_duration_seconds_sum 2",
            "GO.requests(\"shop_request_duration_seconds_count\").handler(\"path\").status(\"status_code\")\
                 .upper_case_methods().duration(\"shop_request_duration_seconds\")",
        ),
        // django-prometheus
        (
            "django_http_responses_total_by_status_view_method_total{status=\"200\",view=\"a\",method=\"GET\"} 1",
            "GO.requests(\"django_http_responses_total_by_status_view_method_total\").handler(\"view\")\
                 .status(\"status\").upper_case_methods()",
        ),
        // Tutorials of aiohttp and Flask
        (
            "requests_total{http_status=\"200\",endpoint=\"/a\",method=\"GET\"} 1",
            "GO.requests(\"requests_total\").handler(\"endpoint\").status(\"http_status\").upper_case_methods()",
        ),
    ] {
        let found = fitting(text).unwrap();
        assert_eq!(found, format!("BackendMapping::{expected}"), "{text}");
    }
    assert_eq!(fitting("process_start_time_seconds 1"), None);
    assert_eq!(fitting("promhttp_metric_handler_requests_total{code=\"200\"} 1"), None);
}

#[test]
fn a_counter_by_route_is_better_than_durations_without_a_route() {
    let requests = "app_requests_total{path=\"/a\",method=\"GET\",status=\"200\"} 1";
    let payments = "payment_latency_seconds_count{method=\"card\",status=\"ok\"} 1\npayment_latency_seconds_sum 2";
    let expected = "BackendMapping::GO.requests(\"app_requests_total\").handler(\"path\").status(\"status\")\
                    .upper_case_methods()";
    assert_eq!(fitting(&format!("{requests}\n{payments}")).unwrap(), expected);
    assert_eq!(fitting(&format!("{payments}\n{requests}")).unwrap(), expected);
}

#[test]
fn a_counter_by_route_is_better_than_a_known_total() {
    let route = "{route=\"/a\",method=\"GET\",status=\"200\"} 1";
    let own = "BackendMapping::GO.requests(\"hits_total\").handler(\"route\").status(\"status\").upper_case_methods()";
    let known = "BackendMapping::FASTAPI.requests(\"shop_http_requests_total\").handler(\"route\")";
    for total in ["http_requests_total", "shop_http_requests_total", "nginx_http_requests_total"] {
        let text = format!("{total}{{code=\"200\",method=\"get\"}} 1\nhits_total{route}");
        assert_eq!(fitting(&text).unwrap(), own, "{text}");
    }
    let text = format!("http_requests_total{{code=\"200\",method=\"get\"}} 1\nshop_http_requests_total{route}");
    assert_eq!(fitting(&text).unwrap(), known, "{text}");
    assert!(fitting(&format!("http_requests{route}")).unwrap().contains(".requests(\"http_requests\")"), "no _total");
}

#[test]
fn durations_called_time_are_better_than_a_counter() {
    let labels = "{path=\"/a\",method=\"GET\",status=\"200\"} 1";
    let text = format!("app_requests_total{labels}\napp_request_time_count{labels}\napp_request_time_sum{labels}");
    let expected = "BackendMapping::GO.requests(\"app_request_time_count\").handler(\"path\").status(\"status\")\
                    .upper_case_methods().duration(\"app_request_time\")";
    assert_eq!(fitting(&text).unwrap(), expected);
}

#[test]
fn requests_that_the_service_makes_are_not_its_own() {
    for name in ["http_client_requests_seconds_count", "payment_client_http_requests_total"] {
        assert_eq!(fitting(&format!("{name}{{uri=\"/a\",method=\"GET\",status=\"200\"}} 1")), None, "{name}");
    }
}

#[test]
fn a_mapping_is_read_as_it_is_written_in_a_definition() {
    let expected = BackendMapping::EXPRESS.status("code").at("/internal/metrics");
    assert_eq!(parse("express.status(\"code\").at(\"/internal/metrics\")").unwrap(), expected);
    for wrong in ["RAILS", "GO.label(\"a\")", "GO.status", "GO.status(\"a\"", "GO.status(\"a\")b"] {
        assert!(parse(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn a_mistyped_mapping_gets_the_nearest_name() {
    for name in ["EXPRES", "expres.status(\"code\")"] {
        let error = parse(name).unwrap_err().to_string();
        assert!(error.ends_with("; did you mean EXPRESS?"), "{error}");
    }
}
