//! Tests of `label`.

use super::*;

#[test]
fn tags_are_sorted_by_name() {
    let tags = parse_tags(["team=trading", "branch=main=x"]).unwrap();
    assert_eq!(tags, [("branch".into(), "main=x".into()), ("team".into(), "trading".into())]);
}

#[test]
fn reserved_and_malformed_tags_are_rejected() {
    for reserved in ["le=1", "name=x", "testid=x", "__x=1", "job=x", "status=1"] {
        assert!(matches!(parse_tag(reserved), Err(TagError::Reserved(_))), "{reserved}");
    }
    for bad in ["9a=1", "a-b=1", "=1", "ä=1"] {
        assert!(matches!(parse_tag(bad), Err(TagError::Name(_))), "{bad}");
    }
    assert!(matches!(parse_tag("a"), Err(TagError::Form(_))));
    assert!(matches!(parse_tag("a="), Err(TagError::Value(_))));
    assert!(matches!(parse_tag("a=\u{1b}[31m"), Err(TagError::Value(_))));
    assert_eq!(parse_tags(["a=1", "a=2"]), Err(TagError::Twice("a".into())));
}
