//! Tests of `sanitize`.

use super::*;

#[test]
fn control_characters_and_direction_marks_become_spaces() {
    let hostile = "a\u{1b}[2J\u{7}\r\u{9b}31m\u{202e}b\nc\u{7f}é";
    assert_eq!(sanitize(hostile), "a [2J   31m b\nc é");
    let mut document = serde_json::json!({ "a\nb": ["\u{1b}x", { "c": "d\u{0}" }], "n": 1.5 });
    sanitize_json(&mut document);
    assert_eq!(document, serde_json::json!({ "a b": [" x", { "c": "d " }], "n": 1.5 }));
}
