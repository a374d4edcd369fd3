//! The repository, by the command `git`.

use std::path::Path;

use monitoring::revision::Revision;
use xshell::{Shell, cmd};

pub(crate) fn shell(folder: &Path) -> anyhow::Result<Shell> {
    let shell = Shell::new()?;
    shell.change_dir(folder);
    Ok(shell)
}

/// The checked-out revision. `None` without git.
pub(crate) fn describe(folder: &Path) -> Option<Revision> {
    let describe = |shell: Shell| -> anyhow::Result<String> {
        let described = cmd!(shell, "git describe --always --dirty --abbrev=12 --exclude=*");
        Ok(described.quiet().ignore_stderr().read()?)
    };
    shell(folder).and_then(describe).ok().and_then(|text| Revision::parse(&text))
}

/// This clone does not have a revision.
#[derive(Debug, thiserror::Error)]
#[error("there is no revision {revision:?} in this clone{}", if *is_shallow { FETCH } else { "" })]
pub(crate) struct RevisionError {
    revision: String,
    is_shallow: bool,
}

const FETCH: &str =
    ": this clone is shallow, so fetch it with git fetch --depth=1 origin REVISION, or fetch-depth: 0 in a workflow";

/// The hash of a revision's commit.
///
/// # Errors
/// If this clone does not have the revision. The message says how to fetch it into a shallow clone.
pub(crate) fn commit(shell: &Shell, revision: &str) -> Result<String, RevisionError> {
    let commit = format!("{revision}^{{commit}}");
    let found = cmd!(shell, "git rev-parse --verify --quiet --end-of-options {commit}").quiet().ignore_stderr().read();
    found.map_err(|_| {
        let is_shallow =
            cmd!(shell, "git rev-parse --is-shallow-repository").quiet().read().is_ok_and(|it| it == "true");
        RevisionError { revision: revision.to_owned(), is_shallow }
    })
}
