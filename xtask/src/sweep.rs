//! What a command left that was killed before it could clean up. Everything that goes with a command carries its owner's name: this
//! clone, the command's process and when that was started. What carries the name of an owner that is gone is nobody's any more.

use std::fs;
use std::path::Path;

use anyhow::Context as _;
use monitoring::sanitize::sanitize;

use crate::perf::checkouts;
use crate::{process, stack, workspace};

/// What was taken away, and what could not be.
#[derive(Debug, Default)]
pub(crate) struct Swept {
    taken: Vec<String>,
    left: Vec<anyhow::Error>,
}

impl Swept {
    /// Something was to be taken away.
    pub(crate) fn take(&mut self, taken: anyhow::Result<()>, what: impl FnOnce() -> String) {
        match taken {
            Ok(()) => self.taken.push(what()),
            Err(error) => self.left.push(error.context(what())),
        }
    }

    /// What was found; none if nobody knows.
    pub(crate) fn or_told<T>(&mut self, found: anyhow::Result<T>) -> Option<T> {
        found.map_err(|error| self.left.push(error)).ok()
    }
}

/// Takes away what owners of this clone left that are gone, and says what that was. What cannot be taken away is said, too, and is no reason not
/// to go on.
pub(crate) async fn sweep() {
    let mut swept = Swept::default();
    // Processes first: they may be about to write what is removed then.
    let ended = swept.or_told(process::end_orphans().await);
    swept.taken.extend(ended.into_iter().flatten());
    stack::sweep(&mut swept).await;
    files(&workspace::perf(), &mut swept);
    let checkouts = swept.or_told(checkouts::sweep());
    swept.taken.extend(checkouts.into_iter().flatten());
    let Swept { taken, left } = swept;
    if !taken.is_empty() {
        eprintln!("cleaned up after a command that was killed: {}", taken.join(", "));
    }
    for error in left {
        eprintln!("warning: what a killed command left could not be cleaned up: {}", sanitize(&format!("{error:#}")));
    }
}

/// Outcomes that scenarios left for somebody who is gone, and drafts of them.
fn files(folder: &Path, swept: &mut Swept) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let owner = name.strip_prefix(OUTCOME).and_then(|rest| rest.split_once('.')).map(|(owner, _)| owner);
        if owner.is_some_and(process::is_gone) {
            let removed = fs::remove_file(entry.path()).context("failed to remove it");
            swept.take(removed, || name.clone());
        }
    }
}

const OUTCOME: &str = ".outcome-";
const JSON: &str = ".json";

/// The name of the file in which a scenario leaves its outcome for us.
pub(crate) fn outcome_name() -> String {
    format!("{OUTCOME}{}{JSON}", process::owner())
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn only_what_nobody_owns_any_more_is_taken_away() {
        let folder = workspace::target().join("sweep-test");
        fs::create_dir_all(&folder).unwrap();
        let own = process::owner();
        let (_, within) = own.rsplit_once('-').unwrap();
        let gone = format!("{OUTCOME}{}-{}-1-{within}{JSON}", workspace::id(), u32::MAX);
        let draft = gone.replace(JSON, ".tmp");
        let others = [outcome_name(), format!("{OUTCOME}another-1-1{JSON}"), "report.json".to_owned()];
        for name in others.iter().chain([&gone, &draft]) {
            fs::write(folder.join(name), "").unwrap();
        }
        let mut swept = Swept::default();
        files(&folder, &mut swept);
        swept.taken.sort_unstable();
        assert_eq!(swept.taken, [gone, draft]);
        assert!(swept.left.is_empty(), "{:?}", swept.left);
        assert!(others.iter().all(|name| folder.join(name).exists()));
        fs::remove_dir_all(folder).unwrap();
    }
}
