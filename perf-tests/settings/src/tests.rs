//! Tests of the crate.

use super::*;

#[test]
fn generated_testids_are_valid() {
    let id = new_testid("basic", SystemTime::UNIX_EPOCH, 0xab);
    assert_eq!(id, "19700101-000000-basic-00ab");
    assert!(parse_testid(&id).is_ok());
}

#[test]
fn a_wrong_number_of_agents_is_explained() {
    for text in ["kubernetes", "pods:3", "many"] {
        let error = Settings::from_lookup(&|name| (name == AGENTS).then(|| text.to_owned())).unwrap_err().to_string();
        assert!(error.ends_with("is not a number of processes such as 4, or of pods such as kubernetes:8"), "{error}");
    }
}
