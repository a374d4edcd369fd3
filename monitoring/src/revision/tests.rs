//! Tests of `revision`.

use super::*;

#[test]
fn the_text_of_a_revision_is_read_as_it_is_written() {
    for (text, is_dirty) in [("0123456789ab", false), ("0123456789ab-dirty", true)] {
        let revision = Revision::parse(text).unwrap();
        assert_eq!((revision.to_string().as_str(), revision.is_dirty()), (text, is_dirty));
    }
    assert_eq!(Revision::parse(""), None);
}
