//! Tests of `goal`.

use super::*;

#[test]
fn an_unknown_share_is_left_out_and_read_from_zero() {
    for text in [r#"{"kind":"success"}"#, r#"{"kind":"success","share_ppm":0}"#] {
        let goal: Goal = serde_json::from_str(text).unwrap();
        assert_eq!((goal, goal.share_ppm()), (Goal::Success(Share { share_ppm: None }), None));
        assert_eq!(serde_json::to_string(&goal).unwrap(), r#"{"kind":"success"}"#);
    }
    let known: Goal = serde_json::from_str(r#"{"kind":"success","share_ppm":5}"#).unwrap();
    assert_eq!(known.share_ppm(), Some(5));
}
