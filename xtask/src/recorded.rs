//! Runs that were recorded, compared with each other or kept as baselines.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use monitoring::comparison::{self, Comparison};
use monitoring::gate::Rule;
use monitoring::judgement::Report;
use monitoring::pages::HISTOGRAMS;

use crate::{files, reports};

/// A recorded run.
#[derive(Debug, Clone)]
pub(crate) struct Recorded {
    pub(crate) path: PathBuf,
    pub(crate) report: Report,
}

/// Leaves a comparison with the run that it is of.
pub(crate) fn write(head: &Recorded, compared: &Comparison) -> anyhow::Result<PathBuf> {
    let path = head.path.with_file_name("comparison.json");
    files::write_json(&path, compared)?;
    reports::write_pages(&head.path, &head.report, Some(compared))?;
    Ok(path)
}

/// A baseline, a run or a report's file.
pub(crate) fn find(name: &str) -> anyhow::Result<Recorded> {
    let (path, report) = reports::find(name)?;
    Ok(Recorded { path, report })
}

/// Keeps a run as a baseline, in place of an older one of that name.
pub(crate) fn keep(name: &str, run: &Path) -> anyhow::Result<PathBuf> {
    let folder = reports::baseline(name);
    files::make_folder(&folder)?;
    // The report last, and away with an older one first: without it there is no baseline, and not half a one.
    let report = folder.join(reports::REPORT);
    files::remove_file(&report)?;
    for file in [HISTOGRAMS, reports::REPORT] {
        let (from, to) = (run.with_file_name(file), folder.join(file));
        fs::copy(&from, &to).with_context(|| format!("failed to copy {} to {}", from.display(), to.display()))?;
    }
    Ok(folder)
}

/// Compares two recorded runs.
///
/// # Errors
/// If they cannot be compared: why, and what to do.
pub(crate) fn compare(base: &Recorded, head: &Recorded, rule: Rule) -> anyhow::Result<Comparison> {
    let log = |recorded: &Recorded| {
        let path = recorded.path.with_file_name(HISTOGRAMS);
        fs::read(&path).with_context(|| format!("{} is needed to compare, and cannot be read", path.display()))
    };
    let (before, after) = (log(base)?, log(head)?);
    let base = comparison::Recorded { report: &base.report, log: &before };
    let head = comparison::Recorded { report: &head.report, log: &after };
    Ok(Comparison::of_recorded(base, head, rule)?)
}
