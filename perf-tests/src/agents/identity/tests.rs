//! Tests of `identity`.

use test_support::shop::SHOP;

use super::*;

#[test]
fn each_difference_is_named() {
    let here = hello("basic", &SHOP, "token").unwrap();
    let of_both = |other: &Hello| differences(&process_values(other), &process_values(&here));
    assert_eq!(of_both(&here), Vec::<String>::new());
    let other = Hello {
        protocol: 9,
        build: "old".to_owned(),
        scenario: "smoke".to_owned(),
        catalogue: "c".to_owned(),
        ..here.clone()
    };
    let differences = of_both(&other);
    assert_eq!(differences.len(), 4, "{differences:?}");
    assert!(differences[0].starts_with("its build is old, not "), "{differences:?}");
    assert!(differences[1].starts_with("its catalogue is c, not "), "{differences:?}");
    assert_eq!(differences[2], format!("its protocol version is 9, not {PROTOCOL}"));
    assert_eq!(differences[3], "its scenario is smoke, not basic");
}

#[test]
fn a_catalogue_that_differs_alone_is_named() {
    let here = hello("basic", &SHOP, "token").unwrap();
    let other_slos = Catalogue { slos: &SHOP.slos[1..], ..SHOP };
    let other = hello("basic", &other_slos, "token").unwrap();
    let differences = differences(&process_values(&other), &process_values(&here));
    let [difference] = differences.as_slice() else { panic!("{differences:?}") };
    assert!(difference.starts_with("its catalogue is ") && difference.contains(", not "), "{difference}");
}

#[test]
fn the_place_of_a_pod_has_its_node() {
    let describe = |node: Option<&str>| describe_place(Some("load-agents-1-x".to_owned()), node.map(str::to_owned));
    let process = std::process::id();
    assert_eq!(describe(None), format!("process {process} on load-agents-1-x"));
    assert_eq!(describe(Some("node-3")), format!("process {process} on load-agents-1-x, node node-3"));
}

#[test]
fn tokens_are_long_and_differ() {
    let (one, other) = (new_token(), new_token());
    assert!(one.len() == 64 && is_same_token(&one, &one) && !is_same_token(&one, &other));
}
