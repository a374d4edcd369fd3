//! Tests of `workspace`.

use super::*;

#[test]
fn a_hash_is_stable_and_depends_on_the_parts() {
    assert_eq!(hash(&["a", "b"]), "cf6ab613");
    assert_ne!(hash(&["a", "b"]), hash(&["ab"]));
}
