//! Tests of `load`.

use super::*;

#[test]
fn rates_and_stages_are_parsed_and_formatted() {
    for (text, count, secs) in [("500/s", 500, 1), ("30/m", 30, 60), ("200/10s", 200, 10), ("1/15s", 1, 15)] {
        let rate = parse_rate(text).unwrap();
        assert_eq!((rate.count, rate.per), (count, Duration::from_secs(secs)));
        assert_eq!(rate.to_string(), text);
    }
    let stages = parse_stages("1m:10,0:50,1m30s:0").unwrap();
    assert_eq!(stages[1], Stage { duration: Duration::ZERO, target: 50 });
    assert_eq!(shown_stages(&stages), "1m:10,0:50,1m30s:0");
}

#[test]
fn invalid_rates_and_stages_are_rejected() {
    for rate in ["0/s", "-1/s", "1.5/s", "500/", "500/0s", "fast", "99999999/s", "5/fortnight"] {
        assert!(parse_rate(rate).is_err(), "{rate}");
    }
    for stage in ["1m", "1m:", ":10", "1m:-1", "soon:1", "1m:60000", "9999d:1"] {
        assert!(parse_stage(stage).is_err(), "{stage}");
    }
}
