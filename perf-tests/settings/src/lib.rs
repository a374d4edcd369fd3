//! Every setting of a run, once: its flag, its variable, its bounds and its help.
//!
//! A flag counts before a variable, and a variable before the default. `cargo xtask perf` hands all settings to a scenario in one
//! variable. `cargo test` reads each from its own variable; variables that k6 has keep k6's names. This crate reads what a lookup
//! gives it: each program reads its environment in one place.

use std::time::{Duration, SystemTime};

mod all_settings;
mod error;
mod http;
mod load;
mod setting;
mod settings;
mod value;
mod variables;

pub use all_settings::{GROUPS, all_settings};
pub use error::{SettingsError, ValueError};
pub use http::HttpSettings;
pub use load::{LoadOverride, Rate, Stage, parse_rate, parse_stages, shown_stages};
pub use setting::{Group, Setting, SettingValue};
pub use settings::Settings;
pub use value::{parse_duration, parse_url, shown_duration};
pub use variables::*;

/// The target when none is named: where uvicorn, and the stand-in started by hand, listen.
pub const DEFAULT_TARGET: &str = "http://127.0.0.1:8000";
/// The seed when none is named: the same run, every time.
pub const DEFAULT_SEED: u64 = 1;

/// What is more is a typing error, or wants more machines than one.
pub const MAX_VUS: u32 = 50_000;
const MAX_DURATION: Duration = Duration::from_secs(30 * 24 * 3600);

/// A name for a run: a label's value and a folder's name.
///
/// # Errors
/// If it could not be one of them.
pub fn parse_testid(testid: &str) -> Result<String, ValueError> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    let good = (1..=100).contains(&testid.len())
        && testid.starts_with(|c: char| c.is_ascii_alphanumeric())
        && testid.chars().all(allowed);
    // `latest` is the name of the link to the last report.
    if good && testid != "latest" { Ok(testid.to_owned()) } else { Err(ValueError::Testid(testid.to_owned())) }
}

/// A time as reports write it: RFC 3339 in UTC, with milliseconds.
pub fn rfc3339_millis(time: SystemTime) -> String {
    humantime::format_rfc3339_millis(time).to_string()
}

/// A name for a run that was given none: sorted by time, readable, and unlike any other of the same second.
pub fn new_testid(scenario: &str, now: SystemTime, salt: u16) -> String {
    let utc = humantime::format_rfc3339_seconds(now).to_string();
    let digits: String = utc.chars().filter(char::is_ascii_digit).collect();
    let (date, time) = digits.split_at(8.min(digits.len()));
    format!("{date}-{time}-{scenario}-{salt:04x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn generated_testids_are_valid() {
        let id = new_testid("basic", SystemTime::UNIX_EPOCH, 0xab);
        assert_eq!(id, "19700101-000000-basic-00ab");
        assert!(parse_testid(&id).is_ok());
    }
}
