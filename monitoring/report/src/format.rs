//! Numbers as people read them.

use crate::millis::Millis;

/// An interval of milliseconds.
pub fn interval(low: Millis, high: Millis) -> String {
    match (low, high) {
        (Millis::Finite(low), Millis::Finite(high)) => format!("{} – {}", number(low), millis(Millis::Finite(high))),
        (Millis::Finite(low), Millis::Infinite(_)) => format!("≥ {}", millis(Millis::Finite(low))),
        _ => "∞".to_owned(),
    }
}

/// Milliseconds with three significant digits or so, since the interval is never narrower than that.
pub fn millis(value: Millis) -> String {
    match value {
        Millis::Finite(ms) => format!("{} ms", number(ms)),
        Millis::Infinite(_) => "∞".to_owned(),
    }
}

fn number(ms: f64) -> String {
    match ms {
        ms if ms < 9.995 => format!("{ms:.2}"),
        ms if ms < 999.95 => format!("{ms:.1}"),
        ms => format!("{ms:.0}"),
    }
}

/// A share in per cent with two decimals, cut off rather than rounded, so that 94.999 % does not read as 95 %.
pub fn percent_of(part: u64, whole: u64) -> String {
    let hundredths = u128::from(part) * 10_000 / u128::from(whole.max(1));
    format!("{}.{:02} %", hundredths / 100, hundredths % 100)
}

/// A share as a percentage, with as many decimals as say something.
pub fn percent(share: f64) -> String {
    let percent = share * 100.0;
    if percent >= 10.0 || percent.fract() == 0.0 { format!("{percent:.0} %") } else { format!("{percent:.1} %") }
}

/// A share that somebody set, as a percentage with one decimal where it has one.
pub fn exact_percent(share: f64) -> String {
    let percent = share * 100.0;
    let digits = usize::from(percent < 100.0 && (percent - percent.round()).abs() > 1e-9);
    format!("{percent:.digits$} %")
}

/// A change as a percentage with its sign.
pub fn signed_percent(change: f64) -> String {
    let percent = change * 100.0;
    // Minus nought is nought.
    let percent = if percent.abs() < 0.05 { 0.0 } else { percent };
    let digits = usize::from(percent.abs() < 100.0);
    format!("{percent:+.digits$} %")
}

/// A change of a share in percentage points, with its sign.
pub fn signed_points(change: f64) -> String {
    format!("{:+.1} pp", change * 100.0)
}

/// A count with its thousands apart: "3 000 000".
pub fn count(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push('\u{202f}');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_cut_off_and_not_rounded_up() {
        assert_eq!(percent_of(94_999, 100_000), "94.99 %");
        assert_eq!(percent_of(1, 1), "100.00 %");
    }

    #[test]
    fn a_measured_value_keeps_about_three_digits() {
        assert_eq!(millis(Millis::Finite(1.234)), "1.23 ms");
        assert_eq!(millis(Millis::Finite(299.95)), "299.9 ms");
        assert_eq!(millis(Millis::Finite(1234.5)), "1234 ms");
        assert_eq!(millis(Millis::INFINITE), "∞");
    }
}
