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
mod tests;
