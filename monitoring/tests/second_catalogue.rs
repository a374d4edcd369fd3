//! Rules of a second service: no code of this crate depends on the first one.

use std::time::Duration;

use monitoring::catalogue::Catalogue;
use monitoring::endpoint::{Endpoint, Method};
use monitoring::prometheus::recording_rules;
use monitoring::ratio::Ratio;
use monitoring::slo::Slo;

const PING: Endpoint = Endpoint::new("ping", "Ping", Method::Get, "/ping");
const ECHO: Catalogue = Catalogue {
    service: "echo",
    title: "Echo",
    endpoints: &[PING],
    critical: &[PING],
    slos: &[Slo::latency(PING, Ratio::ppm(999_000), Duration::from_micros(2_500))],
    backend: &[],
    caches: &[],
};

#[test]
fn rules_cover_only_the_endpoints_and_objectives_of_their_catalogue() {
    assert_eq!(ECHO.validate(), Ok(()));
    let outline = recording_rules::outline(&recording_rules::recording_rules(&ECHO, &recording_rules::Timing::USUAL));
    insta::assert_snapshot!(outline);
    assert!(!outline.contains("join_room"), "{outline}");
}
