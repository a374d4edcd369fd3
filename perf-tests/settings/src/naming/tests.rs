//! Tests of `naming`.

use crate::{AGENTS, Settings, TARGET, TESTID, VUS};

#[test]
fn a_setting_is_named_as_it_was_or_can_be_typed() {
    let lookup = |name: &str| (name == AGENTS).then(|| "2".to_owned());
    let flags = [("vus", "5".to_owned())];
    let with_flags = Settings::from_flags(&flags, &lookup).unwrap();
    let names = [VUS, AGENTS, TESTID].map(|variable| with_flags.setting_name(variable));
    assert_eq!(names, ["--vus", "PERF_AGENTS", "--testid"]);
    assert_eq!(with_flags.typed(TESTID), None);
    assert_eq!(with_flags.with_value(TARGET, "URL"), "--target URL");
    assert_eq!(with_flags.with_value(AGENTS, "N"), "PERF_AGENTS=N");
    let only_variables = Settings::from_lookup(&lookup).unwrap();
    assert_eq!([VUS, TESTID].map(|variable| only_variables.setting_name(variable)), ["K6_VUS", "PERF_TESTID"]);
    assert_eq!(only_variables.with_value(TARGET, "URL"), "PERF_TARGET=URL");
}
