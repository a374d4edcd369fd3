//! Tests of `catalogue`, and a catalogue for other tests.

use super::*;
use crate::endpoint::Method;

pub(crate) const PING: Endpoint = Endpoint::new("ping", "Ping", Method::Get, "/ping");
pub(crate) const PONG: Endpoint = Endpoint::new("pong", "Pong", Method::Get, "/pong");
/// A service with an objective of each kind that compares a share.
pub(crate) const ECHO: Catalogue = Catalogue {
    service: "echo",
    title: "Echo",
    endpoints: &[PING, PONG],
    critical: &[PING],
    slos: &[
        Slo::p95(PING, Duration::from_millis(300)),
        Slo::p95(PONG, Duration::from_millis(200)),
        Slo::success_above(PING, Ratio::percent(95)),
        Slo::errors_below(Ratio::percent(1)),
    ],
    measures: &[],
    mapping: BackendMapping::FASTAPI,
    backend_slos: &[],
    caches: &[],
};

#[test]
fn every_threshold_is_a_bucket_bound() {
    const ODD: Catalogue = Catalogue { slos: &[Slo::p95(PING, Duration::from_micros(123_456))], ..ECHO };
    let bounds = ODD.bucket_bounds();
    assert!(bounds.contains(&Duration::from_micros(123_456)));
    assert!(bounds.is_sorted());
}
