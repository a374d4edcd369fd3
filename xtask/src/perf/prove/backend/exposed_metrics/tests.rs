//! Tests of `exposed_metrics`.

use monitoring::backend_metrics::scraped;
use monitoring::endpoint::Host;
use monitoring::label::{Label, METHOD};
use test_support::shop::{GET_CART, GET_OFFERS};

use prometheus_store::exposition;

use super::super::backend_metrics::MetricsReading;
use super::*;

const HANDLER: Label = Label::new("handler");

fn exposed(text: &str, mapping: BackendMapping) -> ExposedMetrics {
    ExposedMetrics::new(BackendMetrics::One(MetricsReading::new(exposition::parse(text).unwrap())), mapping, false)
}

#[test]
fn labels_decide_the_counted_requests() {
    let count = |text| exposed(text, BackendMapping::FASTAPI).granularity();
    assert_eq!(count("http_requests_total{handler=\"/a\",method=\"GET\",status=\"2xx\"} 1"), CountGranularity::ByRoute);
    let CountGranularity::Total(why) = count("http_requests_total{code=\"200\",method=\"get\"} 1") else { panic!() };
    assert!(why.starts_with("the backend does not count by handler: add the label handler"), "{why}");
    let CountGranularity::NotOffered(why) = count("process_start_time_seconds 1") else { panic!() };
    assert!(why.starts_with("the backend has no http_requests_total: count requests as"), "{why}");
    let text = "http_request_duration_seconds_count{route=\"/a\",method=\"GET\",status_code=\"200\"} 1";
    let CountGranularity::NotOffered(why) = count(text) else { panic!() };
    assert!(why.ends_with("the service's definition needs `mapping: BackendMapping::EXPRESS`"), "{why}");
}

#[test]
fn a_status_is_counted_if_any_series_has_it() {
    let counts = |labels: &str, status| {
        exposed(&format!("http_requests_total{{{labels}}} 1"), BackendMapping::FASTAPI)
            .counts_status(StatusKey::Code(status))
    };
    for (labels, status, expected) in [
        ("status=\"2xx\"", 204, true),
        ("status=\"200\"", 200, true),
        ("status=\"200\"", 404, false),
        ("status=\"2\"", 201, true),
        ("code=\"200\"", 404, true),
        ("status=\"success\"", 404, true),
    ] {
        assert_eq!(counts(labels, status), expected, "{labels} {status}");
    }
    // Micrometer has this word for a request that was aborted.
    assert!(!counts("status=\"UNKNOWN\"} 0\nhttp_requests_total{status=\"200\"", 500));
}

#[test]
fn buckets_without_a_bound_have_no_quantiles() {
    let buckets = scraped("a_seconds_bucket");
    for (text, expected) in [
        ("a_seconds_bucket{le=\"+Inf\"} 1", false),
        ("a_seconds_bucket{le=\"0.5\"} 1\na_seconds_bucket{le=\"+Inf\"} 1", true),
    ] {
        assert_eq!(exposed(text, BackendMapping::EXPRESS).has_series(&buckets), expected, "{text}");
    }
}

#[test]
fn each_reason_for_a_missing_count_has_its_own_note() {
    const LOG_IN: Endpoint = GET_OFFERS.on(Host::new("auth", "Login server"));
    let text = "http_requests_total{handler=\"/a\",method=\"GET\",status=\"2xx\"} 1";
    let exposed = exposed(text, BackendMapping::FASTAPI);
    let elsewhere = "not available for get_offers: only the main target's metrics are read";
    let other = "not available for get_cart: the backend counts other handlers (GET /a): name its own with \
                     .handled_by(\"…\")";
    assert_eq!(exposed.why_not_counted(&[&LOG_IN, &GET_CART]), [elsewhere, other]);
    assert_eq!(exposed.why_not_counted(&[&LOG_IN]), [elsewhere]);
    assert_eq!(exposed.why_not_counted(&[&GET_CART]), [other]);
}

#[test]
fn a_backend_that_counts_each_path_is_told_to_count_by_route() {
    let route = |method: &str, path: &str| {
        format!("http_requests_total{{handler=\"{path}\",method=\"{method}\",status=\"2xx\"}} 1\n")
    };
    let text = route("GET", "/carts/7") + &route("GET", "/carts/8");
    let note = "not available for get_cart: the backend counts each value in a path by itself (GET /carts/7, GET \
                /carts/8): count by the route's template";
    assert_eq!(exposed(&text, BackendMapping::FASTAPI).why_not_counted(&[&GET_CART]), [note]);
    // A single path, and paths of another method, are other routes.
    for other in [route("GET", "/carts/search"), route("POST", "/carts/search") + &route("POST", "/carts/find")] {
        let text = other + &route("GET", "/api/carts/{id}");
        let notes = exposed(&text, BackendMapping::FASTAPI).why_not_counted(&[&GET_CART]);
        assert!(notes[0].ends_with("): name its own with .handled_by(\"…\")"), "{notes:?}");
    }
    let other_spelling = route("GET", "/carts/{id}");
    let notes = exposed(&other_spelling, BackendMapping::FASTAPI).why_not_counted(&[&GET_CART]);
    assert!(notes[0].ends_with("(GET /carts/{id}): name its own with .handled_by(\"…\")"), "{notes:?}");
}

#[test]
fn a_query_may_be_empty_only_if_its_series_are_not_exposed() {
    let text = "http_requests_total{handler=\"/offers\",method=\"GET\",status=\"2xx\"} 1\nprocess_cpu_seconds_total 2";
    let exposed = exposed(text, BackendMapping::FASTAPI);
    let requests = |handler| scraped("http_requests_total").with(METHOD, "GET").with(HANDLER, handler);
    for (series, expected) in [
        (scraped("process_cpu_seconds_total"), true),
        (scraped("process_resident_memory_bytes"), false),
        (requests("/offers"), true),
        (requests("/other"), false),
        (scraped("http_requests_total"), true),
        (scraped("in_flight"), false),
    ] {
        assert_eq!(exposed.has_series(&series), expected, "{series}");
    }
    assert!(exposed.counts(&GET_OFFERS) && !exposed.counts(&GET_CART));
    assert_eq!(exposed.routes().iter().map(ApiRoute::to_string).collect::<Vec<_>>(), ["GET /offers"]);
}
