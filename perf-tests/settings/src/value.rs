//! Parsers of values: numbers, durations, URLs.

use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;
use std::time::Duration;

use url::Url;

use super::{MAX_DURATION, MAX_VUS, ValueError};

pub(super) fn as_text(text: &str) -> Result<String, ValueError> {
    Ok(text.to_owned())
}

/// Parses a whole number within bounds.
pub fn parse_number<N: TryFrom<u64>>(text: &str, range: RangeInclusive<u64>) -> Result<N, ValueError> {
    let number = text.parse().ok().filter(|number| range.contains(number)).and_then(|number| number.try_into().ok());
    number.ok_or_else(|| ValueError::Number(text.to_owned(), *range.start(), *range.end()))
}

/// Parses a number of bytes, with or without a unit: "1000", "500kB", "64MiB".
pub(super) fn parse_size(text: &str) -> Result<u64, ValueError> {
    let digits = text.trim_end_matches(|letter: char| !letter.is_ascii_digit());
    let unit = match text[digits.len()..].trim_start() {
        "" | "B" => Some(1),
        "kB" => Some(1000),
        "KiB" => Some(1 << 10),
        "MB" => Some(1_000_000),
        "MiB" => Some(1 << 20),
        "GB" => Some(1_000_000_000),
        "GiB" => Some(1 << 30),
        _ => None,
    };
    let size = digits.parse::<u64>().ok().zip(unit).and_then(|(number, unit)| number.checked_mul(unit));
    size.ok_or_else(|| ValueError::Size(text.to_owned()))
}

pub(super) fn parse_head(text: &str) -> Result<u64, ValueError> {
    let size = parse_size(text)?;
    if (4 << 10..=16 << 20).contains(&size) { Ok(size) } else { Err(ValueError::HeadSize(text.to_owned())) }
}

pub(super) fn parse_vus(text: &str) -> Result<u32, ValueError> {
    parse_number(text, 1..=MAX_VUS.into())
}

/// Parses the duration of a load.
///
/// # Errors
/// If it is not a duration from 1 s (k6's minimum) to 30 days.
pub fn parse_duration(text: &str) -> Result<Duration, ValueError> {
    parse_within(text, Duration::from_secs(1)..=MAX_DURATION)
}

pub(super) fn parse_within(text: &str, range: RangeInclusive<Duration>) -> Result<Duration, ValueError> {
    let duration = humantime::parse_duration(text).ok().filter(|duration| range.contains(duration));
    let shown = |bound: &Duration| humantime::format_duration(*bound).to_string();
    duration.ok_or_else(|| ValueError::Duration(text.to_owned(), shown(range.start()), shown(range.end())))
}

pub(super) fn parse_listen(text: &str) -> Result<SocketAddr, ValueError> {
    text.parse().map_err(|_| ValueError::Refused("not an address and port such as 10.0.0.5:7070"))
}

/// Whether an address is of this machine or of a network that the internet does not reach
/// (RFC 1918, 2544, 4193, 6598).
pub fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(four) => {
            let [first, second, ..] = four.octets();
            // Clusters give addresses of these two networks to pods, too.
            let is_shared = matches!((first, second), (100, 64..=127) | (198, 18..=19));
            four.is_loopback() || four.is_private() || is_shared
        }
        IpAddr::V6(six) => six.is_loopback() || six.is_unique_local(),
    }
}

/// Parses an HTTP or HTTPS URL with a host.
///
/// # Errors
/// If the text is not such a URL. The message does not repeat a password.
pub fn parse_url(text: &str) -> Result<Url, ValueError> {
    let error = |why: &str| ValueError::Url(redact(text), why.to_owned());
    let no_scheme = || error("it does not start with http:// or https://");
    let url = Url::parse(text).map_err(|parse| match parse {
        url::ParseError::RelativeUrlWithoutBase => no_scheme(),
        parse => error(&parse.to_string()),
    })?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(no_scheme());
    }
    if url.host_str().is_none_or(str::is_empty) {
        return Err(error("it has no host"));
    }
    Ok(url)
}

/// Removes possible passwords and tokens from a text that should be a URL, even if the text is not
/// valid.
pub(super) fn redact(text: &str) -> String {
    let (text, query) = text.split_once('?').map_or((text, ""), |(text, _)| (text, "?***"));
    let Some(at) = text.rfind('@') else { return format!("{text}{query}") };
    let scheme = text[..at].find("://").map_or("", |end| &text[..end + 3]);
    format!("{scheme}***{}{query}", &text[at..])
}
