//! Tests of `identity`.

use test_support::shop::SHOP;

use super::*;

#[test]
fn each_difference_is_named() {
    let here = hello("basic", &SHOP, "token").unwrap();
    let of_both = |other: &Hello| differences(&process_values(other), &process_values(&here));
    assert_eq!(of_both(&here), Vec::<String>::new());
    let other = Hello { protocol: 9, build: "old".to_owned(), scenario: "smoke".to_owned(), ..here.clone() };
    let differences = of_both(&other);
    assert_eq!(differences.len(), 3, "{differences:?}");
    assert!(differences[0].starts_with("its build is old, not "), "{differences:?}");
    assert_eq!(differences[1], format!("its protocol version is 9, not {PROTOCOL}"));
    assert_eq!(differences[2], "its scenario is smoke, not basic");
}

#[test]
fn tokens_are_long_and_differ() {
    let (one, other) = (new_token(), new_token());
    assert!(one.len() == 64 && is_same_token(&one, &one) && !is_same_token(&one, &other));
}
