//! Tests of `scenarios`.

use super::*;

#[test]
fn a_file_with_several_scenarios_is_refused() {
    let [file, first, second] = ["shop", "shop::moved", "shop::pay"].map(str::to_owned);
    let error = ScenarioError::TwoInFile { file, first, second }.to_string();
    assert!(error.contains("shop.rs has several scenarios, such as shop::moved and shop::pay"), "{error}");
}

#[test]
fn a_scenario_is_named_after_its_file() {
    let names: Vec<_> =
        parse("soak::soak: test\nbasic::basic: test\nhelper: test\n").into_iter().map(|s| s.name).collect();
    assert_eq!(names, ["basic", "soak"]);
}
