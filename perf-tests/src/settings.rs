//! Reads the environment, in the one place where this crate does.

use monitoring::run::{Settings, SettingsError};

/// The settings that the process was started with.
#[expect(clippy::disallowed_methods, reason = "the one place")]
pub(crate) fn from_env() -> Result<Settings, SettingsError> {
    Settings::from_lookup(&|name| std::env::var(name).ok())
}
