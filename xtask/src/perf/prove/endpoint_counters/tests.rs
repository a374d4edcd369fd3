//! Tests of `endpoint_counters`.

use prometheus_store::exposition;
use test_support::shop::{ADD_ITEM, GET_OFFERS};

use super::*;

const TEXT: &str = r#"process_start_time_seconds 1.7e+09
http_requests_total{handler="/carts/{cart}/items",method="POST",status="2xx"} 90.0
http_requests_total{handler="/carts/{cart}/items",method="POST",status="5xx"} 10.0
http_requests_total{handler="/carts/{cart}/items",method="GET",status="4xx"} 7.0
http_request_duration_seconds_bucket{handler="/carts/{cart}/items",le="0.1",method="POST"} 80.0
http_request_duration_seconds_bucket{handler="/carts/{cart}/items",le="0.5",method="POST"} 96.0
http_request_duration_seconds_bucket{handler="/carts/{cart}/items",le="+Inf",method="POST"} 100.0
http_request_duration_seconds_sum{handler="/carts/{cart}/items",method="POST"} 5.0
"#;

#[test]
fn endpoint_counters_are_those_of_its_handler_and_method() {
    let samples = exposition::parse(TEXT).unwrap();
    let of = |endpoint| EndpointCounters::for_endpoint(&samples, &BackendMapping::FASTAPI, endpoint);
    let add_item = of(&ADD_ITEM);
    assert_eq!(add_item.by_class, [("2xx".to_owned(), 90), ("5xx".to_owned(), 10)].into());
    let p95 = Ratio::percent(95);
    assert_eq!((add_item.requests(), add_item.quantile_bounds_ms(p95)), (100, Some((100.0, 500.0))));
    assert_eq!(add_item.quantile_bounds_ms(Ratio::percent(99)), Some((500.0, f64::INFINITY)));
    let since = add_item.since(&add_item);
    assert_eq!((since.requests(), since.quantile_bounds_ms(p95)), (0, None));
    assert_eq!(of(&GET_OFFERS), EndpointCounters::default());
}

#[test]
fn a_histogram_by_route_and_status_counts_requests() {
    let series = r#"method="POST",route="/carts/:cart/items""#;
    let text = format!(
        "a_bucket{{le=\"50\",{series},code=\"200\"}} 3\na_bucket{{le=\"50\",{series},code=\"404\"}} 1\n\
             a_sum{{{series},code=\"200\"}} 120\na_count{{{series},code=\"200\"}} 4\na_count{{{series},code=\"404\"}} 1\n"
    );
    let mapping = BackendMapping {
        unit: monitoring::backend_mapping::DurationUnit::Milliseconds,
        ..BackendMapping::EXPRESS.requests("a_count").duration("a").status("code")
    };
    let add_item = EndpointCounters::for_endpoint(&exposition::parse(&text).unwrap(), &mapping, &ADD_ITEM);
    assert_eq!(add_item.by_class, [("2xx".to_owned(), 4), ("4xx".to_owned(), 1)].into());
    assert_eq!((add_item.seconds, add_item.buckets), (Some(0.12), vec![(0.05, 4)]));
}
