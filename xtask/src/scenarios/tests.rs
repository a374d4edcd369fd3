//! Tests of `scenarios`.

use super::*;

#[test]
fn a_file_with_several_scenarios_is_refused() {
    let [one, other] =
        ["shop::moved", "shop::pay"].map(|test| ScenarioTest { name: "shop".to_owned(), test: test.to_owned() });
    let error = describe_two(&one, &other).to_string();
    assert!(error.contains("shop.rs has several scenarios, such as shop::moved and shop::pay"), "{error}");
}

#[test]
fn a_scenario_is_named_with_its_line() {
    let source = "//! Pays.\n\n#[tokio::test]\nasync fn pay() {}\n\n    async fn pay_later() {}\n";
    assert_eq!(with_line("shop::pay", source), "shop::pay (line 4)");
    assert_eq!(with_line("shop::later::pay_later", source), "shop::later::pay_later (line 6)");
    assert_eq!(with_line("shop::paid", source), "shop::paid");
}

#[test]
fn a_scenario_is_named_after_its_file() {
    let names: Vec<_> =
        parse("soak::soak: test\nbasic::basic: test\nhelper: test\n").into_iter().map(|s| s.name).collect();
    assert_eq!(names, ["basic", "soak"]);
}

#[test]
fn a_scenario_that_is_not_declared_is_named_with_its_line() {
    let main = "mod basic;\npub mod endurance;\n";
    let error = |name| describe_missing(name, main).to_string();
    assert!(error("burst").ends_with("add `mod burst;` to perf-tests/tests/load/main.rs"), "{}", error("burst"));
    for declared in ["basic", "endurance"] {
        assert!(error(declared).ends_with("has no scenario: write an ignored test"), "{}", error(declared));
    }
}
