//! Reads the environment. This is the only place in the crate that does.

#![expect(clippy::disallowed_methods, reason = "this crate's environment is read here")]

use std::path::{Path, PathBuf};

use monitoring::revision::Revision;
use perf_settings::{
    AGENT_BUILD, AGENT_CA, AGENT_JOIN, AGENT_TOKEN, IMAGE_REVISION, OutcomePlace, RW_HEADERS, SETTINGS_JSON, Settings,
    SettingsError, header_lines,
};

/// The settings of this process: all in one variable if `cargo xtask perf` started it, otherwise
/// each from its own variable.
pub(crate) fn from_env() -> Result<Settings, SettingsError> {
    match std::env::var(SETTINGS_JSON) {
        Ok(json) => Settings::from_json(&json),
        Err(_) => Settings::from_lookup(&|name| match name {
            RW_HEADERS => Some(header_lines(std::env::vars_os())),
            _ => std::env::var(name).ok(),
        }),
    }
}

/// Checks that a pod's image is of the revision that the settings name. If they name none, the
/// report names that of the image.
pub(crate) fn check_image(settings: &mut Settings) -> Result<(), ImageError> {
    check_revision(settings, Revision::parse(&std::env::var(IMAGE_REVISION).unwrap_or_default()))
}

fn check_revision(settings: &mut Settings, image: Option<Revision>) -> Result<(), ImageError> {
    match (&settings.revision, image) {
        (None, image) => settings.revision = image,
        (Some(_), None) if settings.outcome == Some(OutcomePlace::Log) => return Err(ImageError::Unnamed),
        (Some(checkout), Some(image)) if *checkout != image => {
            return Err(ImageError::Other { image, checkout: checkout.clone() });
        }
        (Some(_), _) => {}
    }
    Ok(())
}

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ImageError {
    #[error("the image does not name its revision: build it with cargo xtask image")]
    Unnamed,
    #[error(
        "the image is of revision {image}, and this checkout is {checkout}: build the image again with cargo xtask \
         image. Give it a new tag, since nodes keep an image by its tag"
    )]
    Other { image: Revision, checkout: Revision },
}

#[derive(Clone)]
pub(crate) struct AgentJoin {
    /// Address of the coordinator.
    pub(crate) address: String,
    pub(crate) token: String,
    /// The build, if the coordinator started this process.
    pub(crate) build: Option<String>,
    /// The file with the coordinator's certificate or its authority's, if messages are encrypted.
    pub(crate) authority: Option<PathBuf>,
}

/// Where this process joins as an agent; `None` if it is not one.
pub(crate) fn agent_join() -> Option<AgentJoin> {
    let address = std::env::var(AGENT_JOIN).ok().filter(|address| !address.is_empty())?;
    let authority = std::env::var_os(AGENT_CA).filter(|file| !file.is_empty()).map(PathBuf::from);
    let build = std::env::var(AGENT_BUILD).ok();
    Some(AgentJoin { address, token: std::env::var(AGENT_TOKEN).unwrap_or_default(), build, authority })
}

pub(crate) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// The folder of reports and locks, whatever the current folder is.
pub(crate) fn folder(settings: &Settings) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(&settings.folder)
}

#[cfg(test)]
mod tests;
