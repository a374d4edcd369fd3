//! The header `Server-Timing`, <https://www.w3.org/TR/server-timing/>: the time that the backend
//! reports for a response.

use std::time::Duration;

/// A virtual user parses the header of one response in this many. A sample is enough, and the
/// others cost nothing.
pub(crate) const ONE_IN: u32 = 16;
/// Longer durations are ignored as implausible.
const LONGEST: Duration = Duration::from_secs(3_600);

/// The longest duration in a header's value. Metrics nest, so the longest one is the whole.
pub fn parse(value: &[u8]) -> Option<Duration> {
    let text = std::str::from_utf8(value).ok()?;
    let parameters = text.split(',').flat_map(|metric| metric.split(';').skip(1));
    let durations = parameters.filter_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        let value = value.trim().trim_matches('"');
        if !name.trim().eq_ignore_ascii_case("dur") {
            return None;
        }
        let ms: f64 = value.parse().ok().filter(|ms: &f64| ms.is_finite() && *ms >= 0.0)?;
        Duration::try_from_secs_f64(ms / 1e3).ok().filter(|duration| *duration <= LONGEST)
    });
    durations.max()
}

#[cfg(test)]
mod tests {
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
}
