//! Tests of `millis`.

use super::*;

#[test]
fn infinity_survives_json() {
    let text = serde_json::to_string(&[Millis::Finite(1.5), Millis::INFINITE]).unwrap();
    assert_eq!(text, r#"[1.5,"+Inf"]"#);
    let back: Vec<Millis> = serde_json::from_str(&text).unwrap();
    assert_eq!(back, [Millis::Finite(1.5), Millis::INFINITE]);
}
