//! `cargo xtask compare` and baselines: two runs that were recorded, at different times.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use perf_report::Report;
use perf_report::comparison::{Comparison, Rule};
use perf_report::exit_code::ExitCode;
use perf_report::render::files::{COMPARISON, HISTOGRAMS, REPORT};

use crate::{reports, summary, workspace};

/// Which runs, and what is asked of them.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Before: a report.json, a run's testid, or a baseline's name
    base: String,
    /// After: likewise
    head: String,
    /// A slow-down of a p95 up to so many per cent is none
    #[arg(long, value_name = "PERCENT", default_value = "5", value_parser = crate::perf::percent)]
    margin: f64,
    /// A slow-down of so many per cent must not go unseen: more than the margin
    #[arg(long, value_name = "PERCENT", default_value = "10", value_parser = crate::perf::percent)]
    detect: f64,
}

/// A recorded run.
#[derive(Debug, Clone)]
pub(crate) struct Recorded {
    pub(crate) path: PathBuf,
    pub(crate) report: Report,
}

/// Runs the command.
pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let refused = |error: anyhow::Error| {
        eprintln!("error: {error:#}");
        ExitCode::BadConfiguration
    };
    if args.detect <= args.margin {
        return Ok(refused(anyhow::anyhow!("--detect has to be more than --margin")));
    }
    let (base, head) = match (find(&args.base), find(&args.head)) {
        (Ok(base), Ok(head)) => (base, head),
        (Err(error), _) | (_, Err(error)) => return Ok(refused(error)),
    };
    let rule = Rule { margin: args.margin, detect: args.detect, ..Rule::default() };
    let compared = match of(&base, &head, rule) {
        Ok(compared) => compared,
        Err(error) => return Ok(refused(error)),
    };
    let path = write(&head, &compared)?;
    summary::print_comparison(&compared, &path);
    let code = compared.code();
    summary::print_code(code);
    Ok(code)
}

/// Leaves a comparison with the run that it is of.
pub(crate) fn write(head: &Recorded, compared: &Comparison) -> anyhow::Result<PathBuf> {
    let path = head.path.with_file_name(COMPARISON);
    let text = serde_json::to_string_pretty(compared).context("failed to write the comparison as JSON")? + "\n";
    fs::write(&path, text).with_context(|| format!("failed to write {}", path.display()))?;
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
    fs::create_dir_all(&folder).with_context(|| format!("failed to make {}", folder.display()))?;
    // The report last, and away with an older one first: without it there is no baseline, and not half a one.
    let report = folder.join(REPORT);
    workspace::remove_file(&report)?;
    for file in [HISTOGRAMS, REPORT] {
        let (from, to) = (run.with_file_name(file), folder.join(file));
        fs::copy(&from, &to).with_context(|| format!("failed to copy {} to {}", from.display(), to.display()))?;
    }
    Ok(folder)
}

/// Compares two recorded runs.
///
/// # Errors
/// If they cannot be compared: why, and what to do.
pub(crate) fn of(base: &Recorded, head: &Recorded, rule: Rule) -> anyhow::Result<Comparison> {
    let log = |recorded: &Recorded| {
        let path = recorded.path.with_file_name(HISTOGRAMS);
        fs::read(&path).with_context(|| format!("{} is needed to compare, and cannot be read", path.display()))
    };
    let (before, after) = (log(base)?, log(head)?);
    let base = perf_compare::Recorded { report: &base.report, log: &before };
    let head = perf_compare::Recorded { report: &head.report, log: &after };
    Ok(perf_compare::compare_recorded(base, head, rule)?)
}
