//! Reports of runs, as files.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use monitoring::sanitize::sanitize_json;
use perf_report::Report;
use perf_report::comparison::Comparison;
use perf_report::exit_code::ExitCode;
use perf_report::read::read_report;
use perf_report::render::files::{self, REPORT};

use crate::{summary, workspace};

/// Reads a report.
///
/// # Errors
/// If it is none, or one of another version: what to do is said.
pub(crate) fn read(path: &Path) -> anyhow::Result<Report> {
    const MOST: u64 = 64 << 20;
    let read = || format!("failed to read {}", path.display());
    let length = fs::metadata(path).with_context(read)?.len();
    anyhow::ensure!(length <= MOST, "{} has {length} bytes, and a report has no more than {MOST}", path.display());
    let text = fs::read_to_string(path).with_context(read)?;
    read_report(&text).with_context(|| format!("{} cannot be read", path.display()))
}

/// Where a baseline of that name is kept.
pub(crate) fn baseline(name: &str) -> PathBuf {
    workspace::perf().join("baselines").join(name)
}

/// Where the report of a baseline or a run of that name is, or the file of that name; none if there is none.
pub(crate) fn place(name: &str) -> Option<PathBuf> {
    let places = [baseline(name).join(REPORT), PathBuf::from(name), workspace::perf().join(name).join(REPORT)];
    places.into_iter().find(|path| path.is_file())
}

/// The report of a baseline or a run by its name, or of a file.
pub(crate) fn find(name: &str) -> anyhow::Result<(PathBuf, Report)> {
    let path = place(name).with_context(|| {
        format!(
            "{name:?} is neither a file, a baseline nor a run in {}: see cargo xtask runs",
            workspace::perf().display()
        )
    })?;
    let report = read(&path)?;
    Ok((path, report))
}

/// Writes a report in place of an older one, whole or not at all.
pub(crate) fn write(path: &Path, report: &Report) -> anyhow::Result<()> {
    let draft = path.with_extension("tmp");
    let text = serde_json::to_string_pretty(report).context("failed to write the report as JSON")? + "\n";
    fs::write(&draft, text).with_context(|| format!("failed to write {}", draft.display()))?;
    fs::rename(&draft, path).with_context(|| format!("failed to write {}", path.display()))
}

/// Writes everything that is made from a report beside it.
pub(crate) fn write_pages(path: &Path, report: &Report, compared: Option<&Comparison>) -> anyhow::Result<()> {
    for (name, text) in files::run_files(report, compared)? {
        let page = path.with_file_name(name);
        fs::write(&page, text).with_context(|| format!("failed to write {}", page.display()))?;
    }
    Ok(())
}

/// Writes everything that is made from a comparison of rounds beside it.
pub(crate) fn write_comparison(path: &Path, compared: &Comparison) -> anyhow::Result<()> {
    for (name, text) in files::comparison_files(compared)? {
        let page = path.with_file_name(name);
        fs::write(&page, text).with_context(|| format!("failed to write {}", page.display()))?;
    }
    Ok(())
}

/// A comparison of rounds, by its name or its file; none if it is none.
fn rounds(name: &str) -> anyhow::Result<Option<(PathBuf, Comparison)>> {
    let places = [PathBuf::from(name), workspace::perf().join(name).join("comparison.json")];
    let is_one =
        |path: &PathBuf| path.ends_with("comparison.json") && path.is_file() && !path.with_file_name(REPORT).exists();
    let Some(path) = places.into_iter().find(is_one) else { return Ok(None) };
    Ok(comparison_of(&path)?.map(|compared| (path, compared)))
}

/// What a run was compared with, if it was.
pub(crate) fn comparison_of(path: &Path) -> anyhow::Result<Option<Comparison>> {
    let path = path.with_file_name("comparison.json");
    if !path.is_file() {
        return Ok(None);
    }
    let text = fs::read_to_string(&path).with_context(|| format!("failed to read {}", path.display()))?;
    let of = || format!("{} is no comparison", path.display());
    let mut json = serde_json::from_str(&text).with_context(of)?;
    sanitize_json(&mut json);
    serde_json::from_value(json).map(Some).with_context(of)
}

/// Which report, and what production is like.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// A report.json or comparison.json, a run's testid, or a comparison's or baseline's name
    report: String,
    /// How many requests production has in a day, for what error budgets mean there
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    requests_per_day: Option<u64>,
}

/// `cargo xtask report`: makes everything again that is made from a report, and prints its table.
pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    if let Some((path, compared)) = rounds(&args.report)? {
        write_comparison(&path, &compared)?;
        summary::print_comparison(&compared, &path);
        return Ok(ExitCode::Met);
    }
    let (path, mut report) = match find(&args.report) {
        Ok(found) => found,
        Err(error) => {
            eprintln!("error: {error:#}");
            return Ok(ExitCode::BadConfiguration);
        }
    };
    if args.requests_per_day.is_some() {
        report.requests_per_day = args.requests_per_day;
        write(&path, &report)?;
    }
    let compared = comparison_of(&path)?;
    write_pages(&path, &report, compared.as_ref())?;
    summary::print(&report, &path, None);
    if let Some(compared) = &compared {
        summary::print_comparison(compared, &path.with_file_name("comparison.json"));
    }
    Ok(ExitCode::Met)
}
