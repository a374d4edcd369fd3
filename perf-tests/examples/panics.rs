//! What the fault matrix looks at a panic of an author's own code with. Its only argument says where.

use std::process::ExitCode;
use std::time::Duration;

use monitoring::services::stock_ai::{GET_NEWS, STOCK_AI};
use perf_tests::{Scenario, Vu, constant_vus};

const PLACES: [&str; 4] = ["setup", "scenario", "check", "teardown"];

fn main() -> ExitCode {
    let asked = std::env::args().nth(1).unwrap_or_default();
    let Some(place) = PLACES.into_iter().find(|place| *place == asked) else {
        eprintln!("one of {PLACES:?} has to be said");
        return ExitCode::FAILURE;
    };
    Scenario::new("panics", &STOCK_AI)
        .setup(async move |_: &mut Vu| {
            assert!(place != "setup", "in {place}");
            Ok(())
        })
        .exercises(&[GET_NEWS])
        .load(constant_vus(5, Duration::from_secs(5)))
        .teardown(async move |_: &mut Vu, (): &()| {
            assert!(place != "teardown", "in {place}");
            Ok(())
        })
        .run(async move |vu: &mut Vu, (): &()| {
            // One virtual user of several, and once it has done something.
            let is_due = vu.id() == 1 && vu.iteration() == 3;
            assert!(!is_due || place != "scenario", "in {place}");
            let check = move |_: &_| !is_due || place != "check" || panic!("in {place}");
            vu.request(GET_NEWS).query("day", 1).check("has news", check).send().await?;
            vu.think(Duration::from_millis(50), Duration::from_millis(150)).await;
            Ok(())
        })
        .assert_slos()
}
