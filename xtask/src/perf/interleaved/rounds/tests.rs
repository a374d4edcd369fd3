//! Tests of `rounds`.

use super::*;

#[test]
fn a_round_keeps_the_given_load_and_has_short_defaults() {
    let load = |flags: &[(&str, &str)]| {
        let lookup = |name: &str| flags.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
        let load = round_load(&Settings::from_lookup(&lookup).unwrap().load);
        (load.duration, load.vus)
    };
    assert_eq!(load(&[]), (Some(DURATION), Some(VUS)));
    assert_eq!(load(&[(perf_settings::VUS, "200")]), (Some(DURATION), Some(200)));
    assert_eq!(load(&[(perf_settings::DURATION, "5s")]), (Some(Duration::from_secs(5)), Some(VUS)));
    assert_eq!(load(&[(perf_settings::RATE, "5/s")]), (Some(DURATION), None));
    assert_eq!(load(&[(perf_settings::ITERATIONS, "50")]), (None, None));
}
