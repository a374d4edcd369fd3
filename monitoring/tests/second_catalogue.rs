//! Rules for another service, from another catalogue: nothing in this crate knows the first one.

use std::time::Duration;

use monitoring::catalogue::{Catalogue, Endpoint, Method};
use monitoring::rule;
use monitoring::slo::{Objective, Slo};

const PING: Endpoint = Endpoint::new("ping", "Ping", Method::Get, "/ping");
const ECHO: Catalogue = Catalogue {
    service: "echo",
    title: "Echo",
    endpoints: &[PING],
    critical: &[PING],
    slos: &[Slo::latency(PING, Objective::ppm(999_000), Duration::from_micros(2_500))],
    backend: &[],
    caches: &[],
};

#[test]
fn records_its_endpoints_and_its_promises_and_nothing_else() {
    assert_eq!(ECHO.validate(), Ok(()));
    let outline = rule::outline(&rule::recording_rules(&ECHO, &rule::Timing::USUAL));
    insta::assert_snapshot!(outline);
    assert!(!outline.contains("join_room"), "{outline}");
}
