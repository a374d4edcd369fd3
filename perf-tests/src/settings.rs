//! Reads the environment. This is the only place in the crate that does.

use std::path::{Path, PathBuf};

use perf_settings::{AGENT_JOIN, AGENT_TOKEN, RW_HEADERS, SETTINGS_JSON, Settings, SettingsError, header_lines};

/// The settings of this process: all in one variable if `cargo xtask perf` started it, otherwise
/// each from its own variable.
#[expect(clippy::disallowed_methods, reason = "this crate's environment is read here")]
pub(crate) fn from_env() -> Result<Settings, SettingsError> {
    match std::env::var(SETTINGS_JSON) {
        Ok(json) => Settings::from_json(&json),
        Err(_) => Settings::from_lookup(&|name| match name {
            RW_HEADERS => Some(header_lines(std::env::vars_os())),
            _ => std::env::var(name).ok(),
        }),
    }
}

/// Where and how an agent joins.
pub(crate) struct AgentJoin {
    /// Address of the coordinator.
    pub(crate) address: String,
    pub(crate) token: String,
}

/// The token of a run whose agents are started by hand.
#[expect(clippy::disallowed_methods, reason = "this crate's environment is read here")]
pub(crate) fn agent_token() -> Option<String> {
    std::env::var(AGENT_TOKEN).ok()
}

/// Where this process joins as an agent; `None` if it is not one.
#[expect(clippy::disallowed_methods, reason = "this crate's environment is read here")]
pub(crate) fn agent_join() -> Option<AgentJoin> {
    let address = std::env::var(AGENT_JOIN).ok().filter(|address| !address.is_empty())?;
    Some(AgentJoin { address, token: std::env::var(AGENT_TOKEN).unwrap_or_default() })
}

/// A variable that a scenario names. `None` if it is not set or not text.
#[expect(clippy::disallowed_methods, reason = "this crate's environment is read here")]
pub(crate) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// The folder of reports and locks, whatever the current folder is.
pub(crate) fn folder(settings: &Settings) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(&settings.folder)
}
