//! Text that came from outside, made fit to be shown: it must not move a terminal's cursor, ring its bell, or turn what is read around.

use serde_json::Value;

/// The text without control characters and without marks that change the direction of reading; a space in place of each. Lines stay lines.
pub fn sanitize(text: &str) -> String {
    text.split('\n').map(one_line).collect::<Vec<_>>().join("\n")
}

/// Control characters (C0, DEL, C1), and Unicode's marks of direction, <https://www.unicode.org/reports/tr9/#Directional_Formatting_Characters>.
fn is_mischief(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200e}' | '\u{200f}' | '\u{061c}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Every text in a document, names of members included, likewise and on one line.
pub fn sanitize_json(value: &mut Value) {
    match value {
        Value::String(text) => *text = one_line(text),
        Value::Array(values) => values.iter_mut().for_each(sanitize_json),
        Value::Object(members) => {
            let before = std::mem::take(members);
            for (name, mut value) in before {
                sanitize_json(&mut value);
                members.insert(one_line(&name), value);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Likewise, and lines become one.
pub fn one_line(text: &str) -> String {
    text.chars().map(|c| if is_mischief(c) { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_steers_a_terminal_or_a_reader_is_gone() {
        let hostile = "a\u{1b}[2J\u{7}\r\u{9b}31m\u{202e}b\nc\u{7f}é";
        assert_eq!(sanitize(hostile), "a [2J   31m b\nc é");
        let mut document = serde_json::json!({ "a\nb": ["\u{1b}x", { "c": "d\u{0}" }], "n": 1.5 });
        sanitize_json(&mut document);
        assert_eq!(document, serde_json::json!({ "a b": [" x", { "c": "d " }], "n": 1.5 }));
    }
}
