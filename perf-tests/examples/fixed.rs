//! What `cargo xtask bench` measures the generator with: one endpoint that always answers the same, and everything on that a
//! scenario can have.

use std::process::ExitCode;
use std::time::Duration;

use monitoring::catalogue::Catalogue;
use monitoring::endpoint::{Endpoint, Method};
use monitoring::ratio::Ratio;
use monitoring::slo::Slo;
use perf_tests::{Scenario, Vu, constant_vus};

const ROOM: Endpoint = Endpoint::new("room", "Room", Method::Get, "/room");
const CATALOGUE: Catalogue = Catalogue {
    service: "fixed",
    title: "Fixed",
    endpoints: &[ROOM],
    critical: &[ROOM],
    slos: &[
        Slo::p95(ROOM, Duration::from_secs(5)),
        Slo::check_above("has a room", Ratio::percent(99)),
        Slo::errors_below(Ratio::percent(1)),
    ],
    backend: &[],
    caches: &[],
};

/// With this as its only argument, virtual users think for ten seconds or so after each request.
const THINKING: &str = "thinking";

fn main() -> ExitCode {
    let thinking = std::env::args().nth(1).is_some_and(|argument| argument == THINKING);
    Scenario::new("fixed", &CATALOGUE)
        .exercises(&[ROOM])
        .load(constant_vus(50, Duration::from_secs(5)))
        .run(async move |vu: &mut Vu, ()| {
            if thinking {
                vu.think(Duration::from_secs(5), Duration::from_secs(15)).await;
            }
            vu.request(ROOM).check("has a room", |answer| answer.body().starts_with(b"{\"room\"")).send().await?;
            Ok(())
        })
        .assert_slos()
}
