//! A revision of the service in a git worktree below `target`, removed after the comparison.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use xshell::{Shell, cmd};

use super::cleanup::Cleanup;
use super::git::{self, RevisionError, shell};
use super::{files, owner, workspace};

#[derive(Debug, thiserror::Error)]
pub(crate) enum CheckoutError {
    #[error("{} is not in a git repository, which --against REV needs", .0.display())]
    NoRepository(PathBuf),
    #[error("cannot resolve {}: {error}", path.display())]
    Unresolved { path: PathBuf, error: io::Error },
    #[error("{} is not within {}", path.display(), top.display())]
    Outside { path: PathBuf, top: PathBuf },
    #[error(transparent)]
    Revision(#[from] RevisionError),
    #[error("failed to check out {revision}: {error:#}")]
    Failed { revision: String, error: anyhow::Error },
    #[error("{0:#}")]
    Git(#[from] anyhow::Error),
}

/// A revision that this clone has.
#[derive(Debug)]
pub(crate) struct KnownRevision {
    /// As the user named it.
    name: String,
    sha: String,
    /// The top of the repository.
    top: PathBuf,
    /// This workspace, from the top.
    within: PathBuf,
}

#[derive(Debug)]
pub(crate) struct Checkout {
    /// The top of the worktree.
    pub(crate) folder: PathBuf,
    /// This workspace in the worktree.
    pub(crate) workspace: PathBuf,
    /// The revision for users: "main (0123456 Faster joins)".
    pub(crate) description: String,
    /// The top of the repository.
    top: PathBuf,
}

/// The top of the repository that this workspace is in.
pub(crate) fn top() -> Result<PathBuf, CheckoutError> {
    let root = workspace::root();
    let shell = shell(&root)?;
    let top = cmd!(shell, "git rev-parse --show-toplevel").quiet().ignore_stderr().read();
    top.map(PathBuf::from).map_err(|_| CheckoutError::NoRepository(root))
}

impl KnownRevision {
    pub(crate) fn find(name: &str) -> Result<Self, CheckoutError> {
        let (root, top) = (workspace::root(), top()?);
        let path = root.canonicalize().map_err(|error| CheckoutError::Unresolved { path: root, error })?;
        let Ok(within) = path.strip_prefix(&top) else { return Err(CheckoutError::Outside { path, top }) };
        let sha = git::commit(&shell(&top)?, name)?;
        Ok(Self { name: name.to_owned(), sha, within: within.to_owned(), top })
    }

    /// Checks it out into a worktree of its own.
    pub(crate) fn check_out(self) -> Result<Checkout, CheckoutError> {
        let Self { name, sha, top, within } = self;
        let added = shell(&top).and_then(|shell| add_worktree(&shell, &name, &sha));
        let (folder, description) = added.map_err(|error| CheckoutError::Failed { revision: name, error })?;
        Ok(Checkout { workspace: folder.join(within), folder, description, top })
    }
}

impl Checkout {
    /// The working tree for users: "working tree (0123456 Faster joins, with uncommitted changes)".
    pub(crate) fn describe_working_tree(&self) -> anyhow::Result<String> {
        let shell = shell(&self.top)?;
        let revision = cmd!(shell, "git log -1 --format=%h --abbrev=7").quiet().read()?;
        let subject = cmd!(shell, "git log -1 --format=%s").quiet().read()?;
        let changed = cmd!(shell, "git status --porcelain --untracked-files=no").quiet().read()?;
        let changes = if changed.is_empty() { "" } else { ", with uncommitted changes" };
        Ok(format!("working tree ({revision} {subject}{changes})"))
    }

    pub(crate) fn remove(&self) -> anyhow::Result<()> {
        let removed = shell(&self.top).and_then(|shell| remove(&shell, &self.folder));
        removed.with_context(|| format!("failed to remove the checkout {}", self.folder.display()))
    }
}

/// Adds a worktree. Returns its folder and its description.
fn add_worktree(shell: &Shell, revision: &str, sha: &str) -> anyhow::Result<(PathBuf, String)> {
    let subject = cmd!(shell, "git log -1 --format=%s {sha}").quiet().read()?;
    let short = &sha[..7.min(sha.len())];
    let folder = folder().join(sha);
    // A killed comparison may have left it.
    remove(shell, &folder)?;
    files::make_folder(folder.parent().unwrap_or(&folder))?;
    files::write(owner_file(&folder), owner::this_command())?;
    cmd!(shell, "git worktree add --quiet --detach {folder} {sha}").quiet().run()?;
    let name = if sha.starts_with(revision) { String::new() } else { format!("{revision} ") };
    Ok((folder, format!("{name}({short} {subject})")))
}

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
        if is_owner && owner::is_gone_in(&file) {
            let checkout = file.with_extension("");
            let removed = shell(&workspace::root()).and_then(|shell| remove(&shell, &checkout));
            cleanup.record(removed, || format!("checkout {}", checkout.display()));
        }
    }
}

fn folder() -> PathBuf {
    workspace::state_folder().join("against")
}

fn remove(shell: &Shell, folder: &Path) -> anyhow::Result<()> {
    if folder.exists() && cmd!(shell, "git worktree remove --force {folder}").quiet().ignore_stderr().run().is_err() {
        // Git does not know it as a worktree any more.
        files::remove_folder(folder)?;
    }
    cmd!(shell, "git worktree prune").quiet().run()?;
    files::remove_file(&owner_file(folder))
}
