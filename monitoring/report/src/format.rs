//! Formats numbers and hashes for people.

use std::fmt::Display;
use std::time::Duration;

use monitoring::backend_slo::ValueUnit;
use monitoring::ratio::Ratio;

use crate::millis::{Millis, whole_ms};

/// Interval in milliseconds: "90.0 – 100.0 ms", "≥ 90.0 ms" or "∞".
pub fn interval(low: Millis, high: Millis) -> String {
    match (low, high) {
        (Millis::Finite(low), Millis::Finite(high)) => format!("{} – {}", number(low), finite_millis(high)),
        (Millis::Finite(low), Millis::Infinite(_)) => format!("≥ {}", finite_millis(low)),
        _ => "∞".to_owned(),
    }
}

/// Milliseconds with about three significant digits. Confidence intervals are always wider than
/// that.
pub fn millis(value: Millis) -> String {
    match value {
        Millis::Finite(ms) => finite_millis(ms),
        Millis::Infinite(_) => "∞".to_owned(),
    }
}

/// Milliseconds that are finite, like [`millis`].
pub fn finite_millis(ms: f64) -> String {
    format!("{} ms", number(ms))
}

/// Milliseconds like [`millis`], or seconds from 10 s on.
pub(crate) fn millis_or_seconds(ms: f64) -> String {
    if ms < 10_000.0 { finite_millis(ms) } else { format!("{:.1} s", ms / 1e3) }
}

fn number(ms: f64) -> String {
    match ms.abs() {
        // Avoids "-0.00".
        size if size < 0.005 => "0.00".to_owned(),
        size if size < 9.995 => format!("{ms:.2}"),
        size if size < 999.95 => format!("{ms:.1}"),
        _ => format!("{ms:.0}"),
    }
}

/// Share in percent, shown beside a limit in parts per million. It has as many decimals as are
/// needed to distinguish the two, at least 2. It is truncated, not rounded, so that 94.999 % is not
/// shown as 95 %.
pub(crate) fn percent_beside(part: u64, whole: u64, limit_ppm: u32) -> String {
    const MOST_DIGITS: u32 = 6;
    let at = |part: u128, whole: u128, digits: u32| part * 100 * 10_u128.pow(digits) / whole.max(1);
    let of_part = |digits| at(part.into(), whole.into(), digits);
    let of_limit = |digits| at(limit_ppm.into(), Ratio::WHOLE.into(), digits);
    let differ = |digits: &u32| of_part(*digits) != of_limit(*digits);
    let is_limit = u128::from(part) * u128::from(Ratio::WHOLE) == u128::from(whole) * u128::from(limit_ppm);
    // At the limit, the digits of the limit itself: an objective has parts per million.
    let is_exact = |digits: &u32| (u64::from(limit_ppm) * 10_u64.pow(*digits)).is_multiple_of(10_000);
    let digits = match is_limit {
        true => (2..MOST_DIGITS).find(is_exact),
        false => (2..MOST_DIGITS).find(differ),
    };
    let digits = digits.unwrap_or(MOST_DIGITS);
    let (value, unit) = (of_part(digits), 10_u128.pow(digits));
    format!("{}.{:0width$} %", value / unit, value % unit, width = digits as usize)
}

/// Share from 0 to 1 in percent, with one decimal below 10 %.
pub fn percent(share: f64) -> String {
    let percent = share * 100.0;
    percent_with(share, usize::from(percent < 10.0 && percent.fract() != 0.0))
}

/// Share from 0 to 1 in percent, with this many decimals.
pub fn percent_with(share: f64, decimals: usize) -> String {
    format!("{:.decimals$} %", share * 100.0)
}

/// Configured share in percent, with one decimal if it has one.
pub fn exact_percent(share: f64) -> String {
    let percent = share * 100.0;
    percent_with(share, usize::from(percent < 100.0 && (percent - percent.round()).abs() > 1e-9))
}

/// Change in percent, with its sign.
pub(crate) fn signed_percent(change: f64) -> String {
    let percent = change * 100.0;
    // Avoids "-0.0 %".
    let percent = if percent.abs() < 0.05 { 0.0 } else { percent };
    let digits = usize::from(percent.abs() < 100.0);
    format!("{percent:+.digits$} %")
}

/// Interval of a change in percent: "+17.3 % to +41.5 %".
pub(crate) fn signed_interval(low: f64, high: f64) -> String {
    format!("{} to {}", signed_percent(low), signed_percent(high))
}

/// A change of a share in percentage points, with its sign.
pub(crate) fn signed_points(change: f64) -> String {
    format!("{:+.1} pp", change * 100.0)
}

/// Duration in seconds, with this many decimals.
pub fn seconds(duration: Duration, decimals: usize) -> String {
    format!("{:.decimals$} s", duration.as_secs_f64())
}

/// Time since load began, in whole seconds: "00:03", "1:00:03".
pub fn clock(since_start: Duration) -> String {
    clock_time(whole_ms(since_start))
}

/// As [`clock`], from milliseconds.
pub(crate) fn clock_time(ms: u64) -> String {
    let (hours, minutes, seconds) = (ms / 3_600_000, ms / 60_000 % 60, ms / 1_000 % 60);
    if hours > 0 { format!("{hours}:{minutes:02}:{seconds:02}") } else { format!("{minutes:02}:{seconds:02}") }
}

/// Bytes in a mebibyte.
pub const MEBIBYTE: f64 = 1_048_576.0;

/// Value of the backend's own metrics with its unit: "92.1 MiB", "37.5 %".
pub fn backend_value(measure: ValueUnit, value: f64) -> String {
    match measure {
        ValueUnit::Count => format!("{value:.1}"),
        ValueUnit::Share => percent_with(value, 1),
        ValueUnit::Bytes => format!("{:.1} MiB", value / MEBIBYTE),
        ValueUnit::Seconds => format!("{:.1} ms", value * 1e3),
    }
}

/// The first items of a list, and the number of the others: "a, b and 3 more". `between` is the
/// text between items, and `before_more` the text before "and".
pub fn first_items<I>(items: I, most: usize, between: &str, before_more: &str) -> String
where
    I: IntoIterator<Item: Display, IntoIter: ExactSizeIterator>,
{
    let items = items.into_iter();
    let more = and_more(items.len(), most).map(|more| format!("{before_more}{more}"));
    let shown: Vec<_> = items.take(most).map(|item| item.to_string()).collect();
    shown.join(between) + &more.unwrap_or_default()
}

/// "and 3 more", for a list of which at most a number is shown; `None` if all are shown.
pub fn and_more(all: usize, most: usize) -> Option<String> {
    (all > most).then(|| format!("and {} more", all - most))
}

/// Count with thousands separators: "3,000,000".
pub fn count(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A count and its noun, which is given in the singular: "1 request", "2,152 requests".
pub fn counted(number: u64, noun: &str) -> String {
    format!("{} {}", count(number), noun_for(number, noun))
}

/// The others of a list, of which some are shown: "2 more requests". `None` if there are no others.
pub fn counted_more(number: usize, noun: &str) -> Option<String> {
    (number > 0).then(|| counted(number as u64, &format!("more {noun}")))
}

/// A part of a count: "0 of 1 request", "3 of 2,152 requests".
pub fn counted_part(part: u64, whole: u64, noun: &str) -> String {
    format!("{} of {}", count(part), counted(whole, noun))
}

/// A noun beside a number that is written in another way: "VU", "VUs". The noun is given in the
/// singular.
pub fn noun_for(number: u64, noun: &str) -> String {
    let with_ies = noun.strip_suffix('y').filter(|stem| !stem.ends_with(['a', 'e', 'i', 'o', 'u']));
    match with_ies {
        _ if number == 1 => noun.to_owned(),
        Some(stem) => format!("{stem}ies"),
        None if noun.ends_with(['s', 'x']) || noun.ends_with("sh") || noun.ends_with("ch") => format!("{noun}es"),
        None => format!("{noun}s"),
    }
}

/// Bytes in hexadecimal, such as a hash.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests;
