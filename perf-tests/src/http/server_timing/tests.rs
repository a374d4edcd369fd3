//! Tests of `server_timing`.

use super::*;

#[test]
fn the_longest_duration_is_the_whole() {
    let ms = |text: &str| parse(text.as_bytes()).map(|duration| duration.as_micros());
    assert_eq!(ms("app;dur=12.5"), Some(12_500));
    assert_eq!(ms("db;dur=4, app;desc=\"all of it\";dur=\"30\" , cache;desc=hit"), Some(30_000));
    for invalid in
        ["", "app", "app;dur", "app;dur=", "app;dur=-1", "app;dur=NaN", "app;dur=1e99", "dur=5", "\u{7f};;=,"]
    {
        assert_eq!(ms(invalid), None, "{invalid:?}");
    }
    assert_eq!(parse(&[0xff, b';']), None);
}
