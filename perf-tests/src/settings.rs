//! Reads the environment, in the one place where this crate does.

use perf_settings::{RW_HEADERS, SETTINGS_JSON, Settings, SettingsError, header_lines};

/// The settings that the process was started with: those that `cargo xtask perf` hands over as a whole, else each from its variable.
#[expect(clippy::disallowed_methods, reason = "the one place")]
pub(crate) fn from_env() -> Result<Settings, SettingsError> {
    match std::env::var(SETTINGS_JSON) {
        Ok(json) => Settings::from_json(&json),
        Err(_) => Settings::from_lookup(&|name| match name {
            RW_HEADERS => Some(header_lines(std::env::vars_os())),
            _ => std::env::var(name).ok(),
        }),
    }
}
