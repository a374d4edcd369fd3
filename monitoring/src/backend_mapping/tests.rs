//! Tests of `backend_mapping`.

use super::*;
use crate::endpoint::Method;

const JOIN: Endpoint = Endpoint::new("join", "Join", Method::Post, "/rooms/{code}/join");

#[test]
fn a_route_is_spelled_as_the_backend_spells_it() {
    let series = |mapping: BackendMapping| mapping.endpoint_series("a", &JOIN).map(|series| series.now().to_string());
    let expected = r#"a{job="backend",method="POST",handler="/rooms/{code}/join"}"#;
    assert_eq!(series(BackendMapping::FASTAPI).as_deref(), Some(expected));
    let expected = r#"a{job="backend",method="POST",route="/rooms/:code/join"}"#;
    assert_eq!(series(BackendMapping::EXPRESS).as_deref(), Some(expected));
    let expected = r#"a{job="backend",method="post",handler="/rooms/{code}/join"}"#;
    assert_eq!(series(BackendMapping::GO.handler("handler")).as_deref(), Some(expected));
    assert_eq!(series(BackendMapping::GO), None);
    let named = BackendMapping::EXPRESS.route(&JOIN.handled_by("join {it}"));
    assert_eq!(named, "join {it}", "a name that the catalogue gives is kept");
}

#[test]
fn the_unit_of_durations_follows_from_their_name() {
    for (name, unit) in [
        ("calls_seconds", DurationUnit::Seconds),
        ("calls", DurationUnit::Seconds),
        ("items", DurationUnit::Seconds),
        ("calls_ms", DurationUnit::Milliseconds),
        ("calls_milliseconds", DurationUnit::Milliseconds),
    ] {
        assert_eq!(BackendMapping::ENVOY.duration(name).unit, unit, "{name}");
    }
}

#[test]
fn every_known_mapping_is_named_once() {
    let names: std::collections::BTreeSet<_> = BackendMapping::KNOWN.iter().map(|known| known.constant).collect();
    assert_eq!(names.len(), BackendMapping::KNOWN.len());
}
