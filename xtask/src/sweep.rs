//! What a command left that was killed before it could clean up. Everything that goes with a command carries its owner's name: this
//! clone, the command's process and when that was started. What carries the name of an owner that is gone is nobody's any more.

use std::fs;
use std::path::Path;

use anyhow::Context as _;

use crate::perf::checkouts;
use crate::{process, stack, workspace};

/// Takes away what owners of this clone left that are gone, and says what that was. What cannot be taken away is said, too, and is no reason not
/// to go on.
pub(crate) async fn sweep() {
    match swept().await {
        Ok(swept) if swept.is_empty() => {}
        Ok(swept) => eprintln!("cleaned up after a command that was killed: {}", swept.join(", ")),
        Err(error) => eprintln!("warning: what a killed command left could not be cleaned up: {error:#}"),
    }
}

async fn swept() -> anyhow::Result<Vec<String>> {
    // Processes first: they may be about to write what is removed then.
    let mut swept = process::end_orphans().await?;
    swept.extend(stack::sweep().await?);
    swept.extend(files(&workspace::perf())?);
    swept.extend(checkouts::sweep()?);
    Ok(swept)
}

/// Outcomes that scenarios left for somebody who is gone.
fn files(folder: &Path) -> anyhow::Result<Vec<String>> {
    let Ok(entries) = fs::read_dir(folder) else { return Ok(Vec::new()) };
    let mut swept = Vec::new();
    for entry in entries {
        let entry = entry.context("failed to read the folder of reports")?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let owner = name.strip_prefix(OUTCOME).and_then(|rest| rest.strip_suffix(JSON));
        if owner.is_some_and(process::is_gone) {
            fs::remove_file(entry.path()).with_context(|| format!("failed to remove {}", entry.path().display()))?;
            swept.push(name);
        }
    }
    Ok(swept)
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
        let others = [outcome_name(), format!("{OUTCOME}another-1-1{JSON}"), "report.json".to_owned()];
        for name in others.iter().chain([&gone]) {
            fs::write(folder.join(name), "").unwrap();
        }
        assert_eq!(files(&folder).unwrap(), [gone]);
        assert!(others.iter().all(|name| folder.join(name).exists()));
        fs::remove_dir_all(folder).unwrap();
    }
}
