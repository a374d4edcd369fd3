//! Finds reports by the name of a run, a comparison or a baseline, or by a path.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use perf_host::files::LATEST;
use perf_host::nearest::did_you_mean;
use perf_report::comparison::Comparison;
use perf_report::render::files::{COMPARISON, EVIDENCE, REPORT};

use super::reports::{self, RecordedReport};
use crate::host::workspace;

/// A folder of reports with one subfolder per run, and the baselines of this clone.
#[derive(Debug, Clone)]
pub(crate) struct ReportIndex {
    folder: PathBuf,
}

impl ReportIndex {
    /// The reports in the folder `out`. `None`: the default folder.
    pub(crate) fn new(out: Option<PathBuf>) -> Self {
        Self { folder: out.unwrap_or_else(workspace::state_folder) }
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// The folder of a run, by its testid or `latest`.
    pub(crate) fn run_folder(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// The testid of the run that `latest` names now. The next run changes the link. Any other name
    /// stays as it is.
    pub(crate) fn resolve_latest(&self, name: &str) -> String {
        let target = || Some(fs::read_link(self.folder.join(LATEST)).ok()?.file_name()?.to_str()?.to_owned());
        let is_link = name == LATEST && !baseline_folder(name).exists();
        is_link.then(target).flatten().unwrap_or_else(|| name.to_owned())
    }

    /// The path of a report: of a baseline, of a run, or the file of that name. `None` if none of
    /// them exists.
    pub(crate) fn find_path(&self, name: &str) -> Option<PathBuf> {
        let places = [baseline_folder(name).join(REPORT), PathBuf::from(name), self.run_folder(name).join(REPORT)];
        places.into_iter().find(|path| path.is_file())
    }

    /// The report of a baseline or a run by its name, or in a file.
    pub(crate) fn find(&self, name: &str) -> anyhow::Result<RecordedReport> {
        let path = self.find_path(name).with_context(|| {
            let hint = self.suggest(name);
            let folder = self.folder.display();
            format!("{name:?} is not a file, a baseline or a run in {folder} (see cargo xtask runs){hint}")
        })?;
        Ok(RecordedReport { report: reports::read(&path)?, path })
    }

    /// The path of evidence that has no report beside it, by the run's name or by its path.
    pub(crate) fn find_unjudged_evidence(&self, name: &str) -> Option<PathBuf> {
        self.find_without_report(name, EVIDENCE)
    }

    /// An interleaved comparison, by its name or its path. `None` if the name is of something else.
    pub(crate) fn find_comparison(&self, name: &str) -> anyhow::Result<Option<(PathBuf, Comparison)>> {
        let Some(path) = self.find_without_report(name, COMPARISON) else { return Ok(None) };
        Ok(reports::comparison_beside(&path)?.map(|compared| (path, compared)))
    }

    fn find_without_report(&self, name: &str, file: &str) -> Option<PathBuf> {
        let places = [PathBuf::from(name), self.run_folder(name).join(file)];
        places.into_iter().find(|path| path.ends_with(file) && path.is_file() && !path.with_file_name(REPORT).exists())
    }

    /// A suggestion for the name of a run or baseline that does not exist; empty if none is like
    /// it.
    pub(crate) fn suggest(&self, name: &str) -> String {
        did_you_mean(name, self.names().iter().map(String::as_str))
    }

    fn names(&self) -> Vec<String> {
        let folders = [self.folder.clone(), baselines()];
        let entries = folders.iter().filter_map(|folder| fs::read_dir(folder).ok()).flatten().flatten();
        entries.filter_map(|entry| entry.file_name().into_string().ok()).collect()
    }
}

fn baselines() -> PathBuf {
    workspace::state_folder().join("baselines")
}

pub(crate) fn baseline_folder(name: &str) -> PathBuf {
    baselines().join(name)
}

#[cfg(test)]
mod tests;
