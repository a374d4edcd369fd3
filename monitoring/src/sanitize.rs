//! Makes untrusted text safe to print. It must not move the cursor of a terminal, ring its bell or
//! change the direction of text.

use serde_json::Value;

/// Replaces control characters and marks of text direction by spaces, except line breaks.
pub fn sanitize(text: &str) -> String {
    text.split('\n').map(one_line).collect::<Vec<_>>().join("\n")
}

/// Control characters (C0, DEL, C1) and Unicode's marks of text direction,
/// <https://www.unicode.org/reports/tr9/#Directional_Formatting_Characters>.
fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200e}' | '\u{200f}' | '\u{061c}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Applies [`one_line`] to every string of a JSON document, names of members included.
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

/// Replaces control characters, line breaks included, and marks of text direction by spaces.
pub fn one_line(text: &str) -> String {
    text.chars().map(|c| if is_unsafe(c) { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests;
