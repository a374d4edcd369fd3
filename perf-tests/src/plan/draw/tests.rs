//! Tests of `draw`.

use super::*;
use crate::plan::{constant_arrival_rate, ramping_vus};

#[test]
fn a_peak_between_two_columns_is_named() {
    let minute = Duration::from_secs(60);
    let drawn = ramping_vus(&[(minute, 100), (minute, 0)]).drawn("peak").unwrap();
    assert!(drawn.contains("up to 100\n"), "{drawn}");
}

#[test]
fn a_drawing_shows_load_phases_and_estimates() {
    let second = Duration::from_secs(1);
    let parts = vec![
        ramping_vus(&[(second * 20, 10), (second * 20, 10), (second * 20, 0)]).plan("players", 1, 1).unwrap(),
        constant_arrival_rate(5, second, second * 30, 2).start_time(second * 30).plan("admins", 11, 1).unwrap(),
    ];
    let plan = Plan { parts, seed: 1 };
    insta::assert_snapshot!(draw(&plan, None));
    let experience = Experience { requests_per_iteration: 7.0, iterations_per_vu_second: 2.0 };
    let drawn = draw(&plan, Some(experience));
    // 100 VU seconds up from 1, 200 at 10 and 110 down to 0; 2 iterations of 7 requests in
    // each.
    assert!(drawn.contains("about 5740"), "{drawn}");
    assert!(drawn.contains("about 1050 (35.0/s)"), "{drawn}");
}
