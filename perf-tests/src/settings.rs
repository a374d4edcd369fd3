//! Reads the environment, in the one place where this crate does.

use monitoring::run::{RW_HEADERS, Settings, SettingsError};

/// The settings that the process was started with.
#[expect(clippy::disallowed_methods, reason = "the one place")]
pub(crate) fn from_env() -> Result<Settings, SettingsError> {
    Settings::from_lookup(&|name| if name == RW_HEADERS { Some(headers()) } else { std::env::var(name).ok() })
}

/// Headers for the store that have a variable each.
#[expect(clippy::disallowed_methods, reason = "the one place")]
fn headers() -> String {
    let each = std::env::vars_os().filter_map(|(name, value)| {
        let name = name.into_string().ok()?.strip_prefix(RW_HEADERS)?.to_owned();
        Some(format!("{name}:{}\n", value.to_str()?))
    });
    each.collect()
}
