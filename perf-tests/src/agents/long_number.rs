//! The limit on whole numbers in counts of other processes.

/// The longest whole number in a file or message. A count of this length can be added a thousand
/// times. Larger values of a scenario's own measures are text, and their sums do not overflow.
const MOST_DIGITS: usize = 16;

/// Whether JSON has a whole number of more than [`MOST_DIGITS`] digits. Sums of such numbers would
/// overflow.
pub(super) fn has_long_number(json: &[u8]) -> bool {
    let (mut is_text, mut is_escaped, mut is_fraction, mut digits) = (false, false, false, 0);
    for byte in json {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' if is_text => is_escaped = true,
            b'"' => (is_text, is_fraction, digits) = (!is_text, false, 0),
            _ if is_text => {}
            b'0'..=b'9' => digits += usize::from(!is_fraction),
            b'.' => is_fraction = true,
            _ => (is_fraction, digits) = (false, 0),
        }
        if digits > MOST_DIGITS {
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests;
