//! Tests of `scenarios`.

use super::*;

#[test]
fn a_scenario_is_named_after_its_file() {
    let names: Vec<_> =
        parse("soak::soak: test\nbasic::basic: test\nhelper: test\n").into_iter().map(|s| s.name).collect();
    assert_eq!(names, ["basic", "soak"]);
}
