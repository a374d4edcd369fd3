//! A duration as text.

use std::time::Duration;

/// Formats a duration as people write it: "30s", "1m30s", "1s500ms".
pub fn shown_duration(duration: Duration) -> String {
    humantime::format_duration(duration).to_string().replace(' ', "")
}
