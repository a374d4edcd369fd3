//! Where things are, and the environment: read here and nowhere else in this crate.

use std::ffi::OsString;
use std::path::PathBuf;

use perf_settings::{RW_HEADERS, header_lines};
use sha2::{Digest as _, Sha256};

/// The repository's root: where cargo says this crate is, or where it was when it was built.
pub(crate) fn root() -> PathBuf {
    let manifest = var("CARGO_MANIFEST_DIR").map(PathBuf::from).filter(|path| path.ends_with("xtask"));
    let manifest = manifest.unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
    manifest.parent().unwrap_or(&manifest).to_owned()
}

/// Where cargo builds to.
pub(crate) fn target() -> PathBuf {
    var("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), |target| root().join(target))
}

/// The lock of whoever makes load in this clone, or writes its reports.
pub(crate) fn command_lock() -> PathBuf {
    perf().join("command.lock")
}

/// Where runs leave reports and the stack its state.
pub(crate) fn perf() -> PathBuf {
    target().join("perf")
}

/// A short name for this clone, so that two of them do not share containers.
pub(crate) fn id() -> String {
    hash(&[&root().display().to_string()])
}

/// The revision that is checked out, with "-dirty" if there are changes that are in no commit; nothing where there is no git.
pub(crate) fn revision() -> String {
    let described = std::process::Command::new("git")
        .args(["describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"])
        .current_dir(root())
        .stderr(std::process::Stdio::null())
        .output();
    let described = described.ok().filter(|output| output.status.success());
    described.map_or_else(String::new, |output| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// A short name for some texts, which stays the same whatever compiler this is built with: eight hexadecimal digits.
pub(crate) fn hash(parts: &[&str]) -> String {
    let mut hasher = Sha256::new();
    for part in parts {
        // With its length, so that the same text in other parts has another name.
        hasher.update((part.len() as u64).to_le_bytes());
        hasher.update(part);
    }
    hasher.finalize().iter().take(4).map(|byte| format!("{byte:02x}")).collect()
}

/// A variable of the environment; none if it is empty.
#[expect(clippy::disallowed_methods, reason = "the one place")]
pub(crate) fn var(name: &str) -> Option<String> {
    let value = match name {
        RW_HEADERS => Some(header_lines(std::env::vars_os())),
        _ => std::env::var(name).ok(),
    };
    value.filter(|value| !value.is_empty())
}

/// The folders of PATH.
#[expect(clippy::disallowed_methods, reason = "the one place")]
pub(crate) fn search_path() -> Vec<PathBuf> {
    let path: OsString = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).collect()
}

/// What cargo tells those that it runs of themselves. Some build scripts (ring's) take another value for a change and build again, and all that
/// is built on them: a command that was started by cargo would not find what one that was not has built.
pub(crate) const TOLD_BY_CARGO: [&str; 9] = [
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

/// Cargo, as if it were run from a shell at the root.
pub(crate) fn cargo() -> std::process::Command {
    let mut command = std::process::Command::new(env!("CARGO"));
    for name in TOLD_BY_CARGO {
        command.env_remove(name);
    }
    command.current_dir(root());
    command
}

/// A program on PATH.
pub(crate) fn program(name: &str) -> Option<PathBuf> {
    let file = format!("{name}{}", std::env::consts::EXE_SUFFIX);
    search_path().into_iter().map(|folder| folder.join(&file)).find(|path| path.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_the_same_whatever_built_it() {
        assert_eq!(hash(&["a", "b"]), "cf6ab613");
        assert_ne!(hash(&["a", "b"]), hash(&["ab"]));
    }
}
