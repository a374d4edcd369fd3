//! A revision of the service in a git worktree below `target`, removed after the comparison.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use xshell::{Shell, cmd};

use crate::host::cleanup::Cleanup;
use crate::host::git::{self, shell};
use crate::host::owner;
use crate::host::{files, workspace};

/// A checked-out revision.
#[derive(Debug)]
pub(super) struct Checkout {
    /// The top of the worktree.
    pub(super) folder: PathBuf,
    /// The revision for users: "main (0123456 Faster joins)".
    pub(super) description: String,
}

/// The top of the repository that this workspace is in, and the path of the workspace within it.
pub(super) fn repository() -> Result<(PathBuf, PathBuf), String> {
    let root = workspace::root();
    let shell = shell(&root).map_err(|error| format!("{error:#}"))?;
    let top = cmd!(shell, "git rev-parse --show-toplevel").quiet().ignore_stderr().read();
    let top = PathBuf::from(
        top.map_err(|_| format!("{} is not in a git repository, which --against REV needs", root.display()))?,
    );
    let root = root.canonicalize().map_err(|error| format!("cannot resolve {}: {error}", root.display()))?;
    let within = root.strip_prefix(&top).map_err(|_| format!("{} is not within {}", root.display(), top.display()))?;
    Ok((top.clone(), within.to_owned()))
}

/// The working tree for users: "working tree (0123456 Faster joins, with uncommitted changes)".
pub(super) fn describe_head(top: &Path) -> anyhow::Result<String> {
    let shell = shell(top)?;
    let revision = cmd!(shell, "git log -1 --format=%h --abbrev=7").quiet().read()?;
    let subject = cmd!(shell, "git log -1 --format=%s").quiet().read()?;
    let changed = cmd!(shell, "git status --porcelain --untracked-files=no").quiet().read()?;
    let changes = if changed.is_empty() { "" } else { ", with uncommitted changes" };
    Ok(format!("working tree ({revision} {subject}{changes})"))
}

impl Checkout {
    /// Checks a revision out into a worktree of its own.
    pub(super) fn add(revision: &str, top: &Path) -> Result<Self, String> {
        let shell = shell(top).map_err(|error| format!("{error:#}"))?;
        let sha = git::commit(&shell, revision)?;
        Self::add_worktree(&shell, revision, &sha).map_err(|error| format!("failed to check out {revision}: {error:#}"))
    }

    fn add_worktree(shell: &Shell, revision: &str, sha: &str) -> anyhow::Result<Self> {
        let subject = cmd!(shell, "git log -1 --format=%s {sha}").quiet().read()?;
        let short = &sha[..7.min(sha.len())];
        let folder = folder().join(sha);
        // A killed comparison may have left it.
        remove(shell, &folder)?;
        files::make_folder(folder.parent().unwrap_or(&folder))?;
        files::write(owner_file(&folder), owner::owner())?;
        cmd!(shell, "git worktree add --quiet --detach {folder} {sha}").quiet().run()?;
        let name = if sha.starts_with(revision) { String::new() } else { format!("{revision} ") };
        Ok(Self { folder, description: format!("{name}({short} {subject})") })
    }

    /// Removes the worktree.
    pub(super) fn remove(&self, top: &Path) -> anyhow::Result<()> {
        let removed = shell(top).and_then(|shell| remove(&shell, &self.folder));
        removed.with_context(|| format!("failed to remove the checkout {}", self.folder.display()))
    }
}

/// The file that names the owner of a checkout.
fn owner_file(folder: &Path) -> PathBuf {
    folder.with_extension("owner")
}

/// Removes checkouts whose owner is gone.
pub(crate) fn clean_up(cleanup: &mut Cleanup) {
    for entry in fs::read_dir(folder()).into_iter().flatten() {
        let Some(entry) = cleanup.ok_or_record(entry.context("failed to read the folder of checkouts")) else {
            continue;
        };
        let file = entry.path();
        let is_owner = file.extension().is_some_and(|extension| extension == "owner");
        if is_owner && fs::read_to_string(&file).is_ok_and(|owner| owner::is_gone(owner.trim())) {
            let checkout = file.with_extension("");
            let removed = shell(&workspace::root()).and_then(|shell| remove(&shell, &checkout));
            cleanup.note(removed, || format!("checkout {}", checkout.display()));
        }
    }
}

/// The folder of checkouts.
fn folder() -> PathBuf {
    workspace::perf().join("against")
}

fn remove(shell: &Shell, folder: &Path) -> anyhow::Result<()> {
    if folder.exists() && cmd!(shell, "git worktree remove --force {folder}").quiet().ignore_stderr().run().is_err() {
        // Git does not know it as a worktree any more.
        files::remove_folder(folder)?;
    }
    cmd!(shell, "git worktree prune").quiet().run()?;
    files::remove_file(&owner_file(folder))
}
