//! All settings of a run, each defined once: flag, variable, bounds and help.
//!
//! A flag takes precedence over a variable, and a variable over the default. `cargo xtask perf`
//! passes all settings to a scenario in one variable. `cargo test` reads each setting from its own
//! variable. Variables that k6 has keep k6's names. This crate reads through a lookup function, so
//! that each program reads its environment in one place.

use std::time::{Duration, SystemTime};

mod all_settings;
mod contradictions;
mod error;
mod fields;
mod http;
mod load;
mod naming;
mod per_host;
mod proxy_url;
mod reading;
mod setting;
mod setting_names;
mod settings;
mod shard;
mod shown_duration;
mod unix_target;
mod value;
mod variables;

pub use all_settings::*;
pub use error::{SettingsError, SocketError, ValueError};
pub use http::{DEFAULT_MAX_HEAD, HttpSettings, LEAST_MAX_BODY, MOST_MAX_BODY, Resolve};
pub use load::{LoadOverride, Rate, Stage, parse_rate, parse_stages, shown_stages};
pub use per_host::{PerHost, names_main_target, parse_target, parse_targets};
pub use proxy_url::ProxyUrl;
pub use reading::{header_lines, state_folder};
pub use setting::{Group, Setting, SettingValue};
pub use setting_names::SettingNames;
pub use settings::{DryRun, OutcomePlace, Settings, StubTarget};
pub use shard::{Shard, has_rfc3339};
pub use shown_duration::shown_duration;
pub use unix_target::{UNIX, UnixTarget};
pub use value::{is_private, parse_duration, parse_number, parse_url};
pub use variables::*;

/// The default target: the address at which uvicorn and a stub backend started by hand listen.
pub const DEFAULT_TARGET: &str = "http://127.0.0.1:8000";
/// The default seed. It is fixed, so that every run makes the same load.
pub(crate) const DEFAULT_SEED: u64 = 1;
/// The default time limit of setup, and of teardown, as k6's.
pub(crate) const DEFAULT_STEP_TIMEOUT: Duration = Duration::from_secs(60);

/// Limit on virtual users. Larger values are typing errors, or need several machines.
pub const MAX_VUS: u32 = 50_000;
pub(crate) const MAX_AGENTS: u32 = 1_000;
/// Limit on the length of a testid. File systems have names of 255 bytes, and people read it in
/// tables.
pub(crate) const MAX_TESTID: usize = 100;
const MAX_DURATION: Duration = Duration::from_secs(30 * 24 * 3600);

/// Parses a run's name. It must be valid as a label value and as a folder name.
pub fn parse_testid(testid: &str) -> Result<String, ValueError> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    if testid.len() > MAX_TESTID {
        return Err(ValueError::LongTestid(testid.chars().count()));
    }
    let good = testid.starts_with(|c: char| c.is_ascii_alphanumeric()) && testid.chars().all(allowed);
    // `latest` is the name of the link to the last report.
    if good && testid != "latest" { Ok(testid.to_owned()) } else { Err(ValueError::Testid(testid.to_owned())) }
}

/// A time as reports write it: RFC 3339 in UTC, with milliseconds.
pub fn rfc3339_millis(time: SystemTime) -> String {
    humantime::format_rfc3339_millis(time).to_string()
}

/// A generated name for a run, such as "19700101-000000-basic-00ab". Names sort by time, and `salt`
/// separates runs of the same second.
pub fn new_testid(scenario: &str, now: SystemTime, salt: u16) -> String {
    let utc = humantime::format_rfc3339_seconds(now).to_string();
    let digits: String = utc.chars().filter(char::is_ascii_digit).collect();
    let (date, time) = digits.split_at(8.min(digits.len()));
    format!("{date}-{time}-{scenario}-{salt:04x}")
}

#[cfg(test)]
mod tests;
