//! Recorded runs: compares two of them, or keeps one as a baseline.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use perf_report::comparison::{Comparison, Rule};
use perf_report::render::files::{HISTOGRAMS, REPORT};

use crate::host::files;
use crate::runs::report_index::baseline_folder;
use crate::runs::reports::RecordedReport;

/// Keeps a run as a baseline, and replaces an older one of that name. Returns its folder.
pub(crate) fn keep(name: &str, run: &Path) -> anyhow::Result<PathBuf> {
    let folder = baseline_folder(name);
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

pub(crate) fn compare(base: &RecordedReport, head: &RecordedReport, rule: Rule) -> anyhow::Result<Comparison> {
    let log = |recorded: &RecordedReport| {
        let path = recorded.path.with_file_name(HISTOGRAMS);
        fs::read(&path).with_context(|| format!("cannot read {}, which the comparison needs", path.display()))
    };
    let before = log(base)?;
    let after = log(head)?;
    let base = perf_compare::RecordedRun { report: &base.report, log: &before };
    let head = perf_compare::RecordedRun { report: &head.report, log: &after };
    Ok(perf_compare::compare_recorded(base, head, rule)?)
}
