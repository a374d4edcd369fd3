//! A revision of the service in a folder of its own: a git worktree below `target`, gone when the comparison is over.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use xshell::{Shell, cmd};

use crate::host::cleanup::Cleanup;
use crate::host::owner;
use crate::{files, workspace};

/// A revision, checked out.
#[derive(Debug)]
pub(super) struct Checkout {
    /// The top of the revision's files.
    pub(super) folder: PathBuf,
    /// What it is, in words: "main (0123456, Faster joins)".
    pub(super) description: String,
}

/// The top of the repository that this workspace is in, and where in it the workspace is.
pub(super) fn repository() -> Result<(PathBuf, PathBuf), String> {
    let root = workspace::root();
    let shell = shell(&root).map_err(|error| format!("{error:#}"))?;
    let top = cmd!(shell, "git rev-parse --show-toplevel").quiet().ignore_stderr().read();
    let top = PathBuf::from(
        top.map_err(|_| format!("{} is in no git repository, and --against a revision wants one", root.display()))?,
    );
    let root = root.canonicalize().map_err(|error| error.to_string())?;
    let within = root.strip_prefix(&top).map_err(|_| format!("{} is not within {}", root.display(), top.display()))?;
    Ok((top.clone(), within.to_owned()))
}

/// What is checked out now, in words: "0123456, with changes that are not committed".
pub(super) fn describe_head(top: &Path) -> anyhow::Result<String> {
    let shell = shell(top)?;
    let revision = cmd!(shell, "git log -1 --format=%h --abbrev=7").quiet().read()?;
    let subject = cmd!(shell, "git log -1 --format=%s").quiet().read()?;
    let changed = cmd!(shell, "git status --porcelain --untracked-files=no").quiet().read()?;
    let changes = if changed.is_empty() { "" } else { ", with changes that are not committed" };
    Ok(format!("working tree ({revision} {subject}{changes})"))
}

impl Checkout {
    /// Checks a revision out, away from what is checked out now.
    pub(super) fn add(revision: &str, top: &Path) -> Result<Self, String> {
        let shell = shell(top).map_err(|error| format!("{error:#}"))?;
        let commit = format!("{revision}^{{commit}}");
        let found =
            cmd!(shell, "git rev-parse --verify --quiet --end-of-options {commit}").quiet().ignore_stderr().read();
        let Ok(sha) = found else {
            let shallow =
                cmd!(shell, "git rev-parse --is-shallow-repository").quiet().read().is_ok_and(|it| it == "true");
            let cure = if shallow {
                "; this clone is shallow, so fetch it first: git fetch --depth=1 origin REVISION, or fetch-depth: 0 in a workflow"
            } else {
                ""
            };
            return Err(format!("git knows no revision {revision:?} here{cure}"));
        };
        Self::add_worktree(&shell, revision, &sha)
            .map_err(|error| format!("{revision} could not be checked out: {error:#}"))
    }

    fn add_worktree(shell: &Shell, revision: &str, sha: &str) -> anyhow::Result<Self> {
        let subject = cmd!(shell, "git log -1 --format=%s {sha}").quiet().read()?;
        let short = &sha[..7.min(sha.len())];
        let folder = folder().join(sha);
        // One that a killed comparison left.
        remove(shell, &folder)?;
        fs::create_dir_all(folder.parent().unwrap_or(&folder)).context("failed to make its folder")?;
        fs::write(owner_file(&folder), owner::owner()).context("failed to write whose checkout it is")?;
        cmd!(shell, "git worktree add --quiet --detach {folder} {sha}").quiet().run()?;
        let name = if sha.starts_with(revision) { String::new() } else { format!("{revision} ") };
        Ok(Self { folder, description: format!("{name}({short} {subject})") })
    }

    /// Takes the files away again.
    pub(super) fn remove(&self, top: &Path) -> anyhow::Result<()> {
        remove(&shell(top)?, &self.folder)
    }
}

/// Whose a checkout is.
fn owner_file(folder: &Path) -> PathBuf {
    folder.with_extension("owner")
}

/// Removes checkouts whose owner is gone.
pub(crate) fn clean_up(cleanup: &mut Cleanup) {
    for entry in fs::read_dir(folder()).into_iter().flatten() {
        let Some(entry) = cleanup.note_error(entry.context("failed to read the folder of checkouts")) else { continue };
        let file = entry.path();
        let is_owner = file.extension().is_some_and(|extension| extension == "owner");
        if is_owner && fs::read_to_string(&file).is_ok_and(|owner| owner::is_gone(owner.trim())) {
            let checkout = file.with_extension("");
            let removed = shell(&workspace::root()).and_then(|shell| remove(&shell, &checkout));
            cleanup.note(removed, || format!("checkout {}", checkout.display()));
        }
    }
}

/// Where checkouts are.
fn folder() -> PathBuf {
    workspace::perf().join("against")
}

fn remove(shell: &Shell, folder: &Path) -> anyhow::Result<()> {
    if folder.exists() && cmd!(shell, "git worktree remove --force {folder}").quiet().ignore_stderr().run().is_err() {
        // To git it is no worktree any more: a folder like any other.
        files::remove_folder(folder)?;
    }
    cmd!(shell, "git worktree prune").quiet().run()?;
    files::remove_file(&owner_file(folder))
}

fn shell(folder: &Path) -> anyhow::Result<Shell> {
    let shell = Shell::new()?;
    shell.change_dir(folder);
    Ok(shell)
}
