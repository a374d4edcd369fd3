//! Tests of `identity`.

use test_support::shop::SHOP;

use super::*;

#[test]
fn each_difference_is_named() {
    let here = hello("basic", &SHOP, "token").unwrap();
    assert_eq!(differences(&here, &here), Vec::<String>::new());
    let other = Hello { protocol: 7, build: "old".to_owned(), scenario: "smoke".to_owned(), ..here.clone() };
    let differences = differences(&other, &here);
    assert_eq!(differences.len(), 3, "{differences:?}");
    assert_eq!(differences[0], "its protocol version is 7, not 4");
    assert_eq!(differences[1], "its scenario is smoke, not basic");
    assert!(differences[2].starts_with("its build is old, not "), "{differences:?}");
}

#[test]
fn tokens_are_long_and_differ() {
    let (one, other) = (new_token(), new_token());
    assert!(one.len() == 64 && is_same_token(&one, &one) && !is_same_token(&one, &other));
}
