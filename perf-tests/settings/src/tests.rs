//! Tests of the crate.

use super::*;

#[test]
fn generated_testids_are_valid() {
    let id = new_testid("basic", SystemTime::UNIX_EPOCH, 0xab);
    assert_eq!(id, "19700101-000000-basic-00ab");
    assert!(parse_testid(&id).is_ok());
}
