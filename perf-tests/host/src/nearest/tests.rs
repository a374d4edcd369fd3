//! Tests of `nearest`.

use super::*;

#[test]
fn a_mistyped_name_gets_the_nearest() {
    assert_eq!(did_you_mean("basik", ["basic", "endurance"]), "; did you mean basic?");
    assert_eq!(did_you_mean("login", ["basic", "endurance"]), "");
    assert_eq!(nearest("auht", ["shop", "auth"]), Some("auth"));
    assert_eq!(nearest("payments", ["shop", "auth"]), None);
}
