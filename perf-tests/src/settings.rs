//! Reads the environment, in the one place where this crate does.

use monitoring::run::{RW_HEADERS, Settings, SettingsError, header_lines};

/// The settings that the process was started with.
#[expect(clippy::disallowed_methods, reason = "the one place")]
pub(crate) fn from_env() -> Result<Settings, SettingsError> {
    Settings::from_lookup(&|name| match name {
        RW_HEADERS => Some(header_lines(std::env::vars_os())),
        _ => std::env::var(name).ok(),
    })
}
