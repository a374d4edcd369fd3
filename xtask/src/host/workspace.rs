//! Paths of the workspace, and the environment. This crate reads the environment only here.

use std::ffi::OsString;
use std::path::PathBuf;

use perf_report::format::hex;
use perf_settings::{FOLDER, RW_HEADERS, header_lines};
use sha2::{Digest as _, Sha256};

/// The root of the workspace, by cargo's variable, or else by the path at build time.
pub(crate) fn root() -> PathBuf {
    let manifest = var("CARGO_MANIFEST_DIR").map(PathBuf::from).filter(|path| path.ends_with("xtask"));
    let manifest = manifest.unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
    manifest.parent().unwrap_or(&manifest).to_owned()
}

/// Cargo's target folder.
pub(crate) fn target() -> PathBuf {
    root().join(perf_settings::target_folder(&var))
}

/// The folder of reports, locks and the stack's state.
pub(crate) fn state_folder() -> PathBuf {
    root().join(perf_settings::state_folder(&var))
}

/// A short name of this clone and its folder, so that two of them do not share containers.
pub(crate) fn id() -> String {
    let (root, folder) = (root().display().to_string(), var(FOLDER));
    let mut parts = vec![root.as_str()];
    parts.extend(folder.as_deref());
    hash(&parts)
}

/// A hash of some texts, eight hexadecimal digits. Every version of the compiler gives the same.
pub(crate) fn hash(parts: &[&str]) -> String {
    let mut hasher = Sha256::new();
    for part in parts {
        // The length is hashed, too, so that ["ab"] and ["a", "b"] differ.
        hasher.update((part.len() as u64).to_le_bytes());
        hasher.update(part);
    }
    hex(&hasher.finalize()[..4])
}

/// A variable of the environment. An empty one counts as not set.
#[expect(clippy::disallowed_methods, reason = "the one place")]
pub(crate) fn var(name: &str) -> Option<String> {
    let value = match name {
        RW_HEADERS => Some(header_lines(std::env::vars_os())),
        _ => std::env::var(name).ok(),
    };
    value.filter(|value| !value.is_empty())
}

#[expect(clippy::disallowed_methods, reason = "the one place")]
pub(crate) fn search_path() -> Vec<PathBuf> {
    let path: OsString = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).collect()
}

/// Variables that cargo sets for the programs it runs.
///
/// They are removed before this crate runs cargo. When one of them changes, some build scripts
/// (ring's) and every crate that depends on them build again.
pub(crate) const CARGO_VARIABLES: [&str; 9] = [
    "CARGO_MANIFEST_DIR",
    "CARGO_MANIFEST_PATH",
    "CARGO_MANIFEST_LINKS",
    "CARGO_PKG_NAME",
    "CARGO_PKG_VERSION",
    "CARGO_PKG_VERSION_MAJOR",
    "CARGO_PKG_VERSION_MINOR",
    "CARGO_PKG_VERSION_PATCH",
    "CARGO_PKG_VERSION_PRE",
];

/// The command `cargo`, as if a shell at the root ran it.
pub(crate) fn cargo() -> std::process::Command {
    let mut command = std::process::Command::new(env!("CARGO"));
    for name in CARGO_VARIABLES {
        command.env_remove(name);
    }
    command.current_dir(root());
    command
}

/// The path of a program on PATH.
pub(crate) fn program(name: &str) -> Option<PathBuf> {
    let file = format!("{name}{}", std::env::consts::EXE_SUFFIX);
    search_path().into_iter().map(|folder| folder.join(&file)).find(|path| path.is_file())
}

#[cfg(test)]
mod tests;
