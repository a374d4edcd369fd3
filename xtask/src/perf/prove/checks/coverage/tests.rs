//! Tests of `coverage`.

use prometheus_store::exposition;
use test_support::shop::SHOP;

use super::*;
use crate::perf::prove::backend::backend_metrics::{BackendMetrics, MetricsReading};

#[test]
fn a_backend_that_counts_each_path_does_not_fill_the_screen() {
    let series = |id| format!("http_requests_total{{handler=\"/others/{id}\",method=\"GET\",status=\"2xx\"}} 1\n");
    let metrics = exposition::parse(&(0..50).map(series).collect::<String>()).unwrap();
    let metrics = BackendMetrics::One(MetricsReading::new(metrics));
    let figures = check(&SHOP, &ExposedMetrics::new(metrics, SHOP.mapping, false), None).figures;
    assert!(figures.starts_with("objectives on 0 of 50 requested routes; without an objective: GET /others/0, "));
    assert!(figures.ends_with(" and 30 more"), "{figures}");
}
