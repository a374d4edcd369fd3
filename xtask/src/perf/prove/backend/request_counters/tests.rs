//! Tests of `request_counters`.

use monitoring::label::JOB;
use prometheus_store::exposition;
use test_support::shop::{ADD_ITEM, GET_CART, GET_OFFERS};

use super::*;
use crate::backend::mapping_fit;

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
fn request_counters_are_those_of_its_handler_and_method() {
    let samples = exposition::parse(TEXT).unwrap();
    let of = |endpoint| RequestCounters::for_endpoint(&samples, &BackendMapping::FASTAPI, endpoint);
    let add_item = of(&ADD_ITEM);
    assert_eq!(add_item.by_class, [("2xx".to_owned(), 90), ("5xx".to_owned(), 10)].into());
    let p95 = Ratio::percent(95);
    assert_eq!((add_item.requests(), add_item.quantile_bounds_ms(p95)), (100, Some((100.0, 500.0))));
    assert_eq!(add_item.quantile_bounds_ms(Ratio::percent(99)), Some((500.0, f64::INFINITY)));
    let since = add_item.since(&add_item);
    assert_eq!((since.requests(), since.quantile_bounds_ms(p95)), (0, None));
    assert_eq!(of(&GET_OFFERS), RequestCounters::default());
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
    let add_item = RequestCounters::for_endpoint(&exposition::parse(&text).unwrap(), &mapping, &ADD_ITEM);
    assert_eq!(add_item.by_class, [("2xx".to_owned(), 4), ("4xx".to_owned(), 1)].into());
    assert_eq!((add_item.seconds, add_item.buckets), (Some(0.12), vec![(0.05, 4)]));
}

/// The classes of status of an endpoint's requests.
type ByClass<'a> = &'a [(&'a str, u64)];

/// A metrics page in `tests/fixtures/metrics`, and what its mapping reads.
struct MetricsPage {
    file: &'static str,
    mapping: &'static str,
    /// Requests of all endpoints.
    total: ByClass<'static>,
    /// Sum of the durations of all requests, in seconds.
    seconds: Option<f64>,
    is_by_route: bool,
}

const PAGES: [MetricsPage; 6] = [
    MetricsPage {
        file: "actix-web-prom",
        mapping: "ACTIX.requests(\"shop_http_requests_total\").duration(\"shop_http_requests_duration_seconds\")",
        total: &[("2xx", 7), ("4xx", 3)],
        seconds: Some(0.001_865),
        is_by_route: true,
    },
    MetricsPage {
        file: "otelhttp",
        mapping: "OPENTELEMETRY",
        total: &[("2xx", 6), ("4xx", 3)],
        seconds: Some(0.000_699),
        is_by_route: true,
    },
    MetricsPage {
        file: "opentelemetry-fastapi",
        mapping: "OPENTELEMETRY",
        total: &[("2xx", 6), ("4xx", 3)],
        seconds: Some(0.154_070),
        is_by_route: true,
    },
    MetricsPage {
        file: "opentelemetry-fastapi-old",
        mapping: "OPENTELEMETRY_OLD.handler(\"http_target\")",
        total: &[("2xx", 6), ("4xx", 3)],
        seconds: Some(0.160),
        is_by_route: true,
    },
    MetricsPage {
        file: "envoy",
        mapping: "ENVOY",
        total: &[("1xx", 0), ("2xx", 7), ("3xx", 0), ("4xx", 3), ("5xx", 0)],
        seconds: Some(0.024_5),
        is_by_route: false,
    },
    MetricsPage {
        file: "nginx-prometheus-exporter",
        mapping: "NGINX",
        total: &[("", 11)],
        seconds: None,
        is_by_route: false,
    },
];

#[test]
fn each_mapping_reads_the_counts_of_its_library() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/metrics");
    let classes = |list: ByClass<'_>| list.iter().map(|(class, count)| ((*class).to_owned(), *count)).collect();
    for MetricsPage { file, mapping, total, seconds, is_by_route } in PAGES {
        let text = std::fs::read_to_string(format!("{folder}/{file}.prom")).unwrap();
        let samples = exposition::parse(&text).unwrap();
        let mapping = mapping_fit::parse(mapping).unwrap();
        let all = RequestCounters::for_all(&samples, &mapping);
        assert_eq!(all.by_class, classes(total), "{file}");
        assert_eq!(all.seconds.is_some(), seconds.is_some(), "{file}");
        let difference = all.seconds.unwrap_or_default() - seconds.unwrap_or_default();
        assert!(difference.abs() < 1e-6, "{file}: {:?}", all.seconds);
        for (endpoint, expected) in
            [(GET_OFFERS, &[("2xx", 3)][..]), (GET_CART, &[("2xx", 1)]), (ADD_ITEM, &[("2xx", 2), ("4xx", 1)])]
        {
            let counted = RequestCounters::for_endpoint(&samples, &mapping, &endpoint);
            let (expected, requests) =
                if is_by_route { (classes(expected), counted.requests()) } else { Default::default() };
            assert_eq!(counted.by_class, expected, "{file}: {}", endpoint.name);
            assert_eq!(counted.buckets.last().map_or(0, |(_, count)| *count), requests, "{file}: {}", endpoint.name);
            let series = mapping.endpoint_series(mapping.requests, &endpoint);
            let selects = |sample: &ExpositionSample| {
                series.as_ref().is_some_and(|series| {
                    sample.name == series.metric()
                        && series.equal_labels().all(|(label, wanted)| {
                            label == JOB || sample.labels.get(label.as_str()).is_some_and(|value| value == wanted)
                        })
                })
            };
            assert_eq!(samples.iter().any(selects), is_by_route, "{file}: the panels of {}", endpoint.name);
        }
    }
}
