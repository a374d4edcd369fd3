//! Recorded runs: compares two of them, or keeps one as a baseline.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use perf_report::Report;
use perf_report::comparison::{Comparison, Rule};
use perf_report::render::files::{HISTOGRAMS, REPORT};

use crate::host::files;
use crate::runs::reports;

/// Keeps a run as a baseline, and replaces an older one of that name. Returns its folder.
pub(crate) fn keep(name: &str, run: &Path) -> anyhow::Result<PathBuf> {
    let folder = reports::baseline_folder(name);
    files::make_folder(&folder)?;
    // The old report is removed first and the new one is copied last. A folder without a report is
    // not a baseline, so a half-copied one is never used.
    let report = folder.join(REPORT);
    files::remove_file(&report)?;
    for file in [HISTOGRAMS, REPORT] {
        let (from, to) = (run.with_file_name(file), folder.join(file));
        fs::copy(&from, &to).with_context(|| format!("failed to copy {} to {}", from.display(), to.display()))?;
    }
    Ok(folder)
}

pub(crate) fn compare(
    base_path: &Path,
    base: &Report,
    head_path: &Path,
    head: &Report,
    rule: Rule,
) -> anyhow::Result<Comparison> {
    let log = |report: &Path| {
        let path = report.with_file_name(HISTOGRAMS);
        fs::read(&path).with_context(|| format!("cannot read {}, which the comparison needs", path.display()))
    };
    let (before, after) = (log(base_path)?, log(head_path)?);
    let base = perf_compare::RecordedRun { report: base, log: &before };
    let head = perf_compare::RecordedRun { report: head, log: &after };
    Ok(perf_compare::compare_recorded(base, head, rule)?)
}
