//! Tests of `list`.

use super::*;

#[test]
fn the_name_is_the_first_word_of_its_line() {
    assert_eq!(line("basic", "shop", 9), "basic      shop");
    assert_eq!(line("basic", "", 9), "basic");
}
