//! `cargo xtask runs`: lists past runs by their reports, the newest last.

use std::collections::BTreeSet;
use std::path::Path;

use perf_host::nearest::did_you_mean;
use perf_report::Report;
use perf_report::exit_code::ExitCode;

use crate::flags::setting_args::{ReportFolder, SettingArgs};
use crate::flags::values::{MOST, whole_number};
use crate::host::terminal;
use crate::host::workspace;
use crate::runs::reports;

#[derive(Debug, clap::Args)]
pub(crate) struct RunsArgs {
    /// Show only runs with this tag
    ///
    /// Repeatable: a run must have all of the tags.
    #[arg(long, value_name = "NAME=VALUE")]
    tag: Vec<String>,
    /// Show only runs of this scenario
    #[arg(long)]
    scenario: Option<String>,
    /// Show only the last N runs
    #[arg(short = 'n', long, value_name = "N", default_value_t = 20, value_parser = whole_number::<usize>(0..=MOST))]
    last: usize,
    #[command(flatten)]
    out: SettingArgs<ReportFolder>,
}

pub(crate) fn run(args: &RunsArgs) -> anyhow::Result<ExitCode> {
    let folder = args.out.folder().unwrap_or_else(workspace::state_folder);
    let (mut reports, unreadable) = reports::read_all(&folder)?;
    let scenarios: BTreeSet<_> = reports.iter().map(|report| report.run.scenario.clone()).collect();
    let wanted = |report: &Report| {
        let has = |tag: &String| {
            tag.split_once('=')
                .is_some_and(|(name, value)| report.run.tags.get(name).map(String::as_str) == Some(value))
        };
        args.tag.iter().all(has) && args.scenario.as_ref().is_none_or(|scenario| *scenario == report.run.scenario)
    };
    reports.retain(wanted);
    reports.sort_by_key(|report| report.run.started_unix_ms);
    let shown = &reports[reports.len().saturating_sub(args.last)..];
    if shown.is_empty() {
        terminal::print_line(&describe_no_runs(args, &scenarios, &folder));
    } else {
        terminal::print_runs(shown);
    }
    for path in unreadable {
        terminal::print_note(&format!("warning: {} is not a report, or has a newer version", path.display()));
    }
    Ok(ExitCode::Met)
}

/// Says that no run matches. `scenarios` are those of all runs in the folder.
fn describe_no_runs(args: &RunsArgs, scenarios: &BTreeSet<String>, folder: &Path) -> String {
    let which = args.scenario.as_ref().map(|name| format!(" of scenario {name}")).unwrap_or_default();
    let tagged = if args.tag.is_empty() { "" } else { " with these tags" };
    let unknown = args.scenario.as_ref().filter(|name| !scenarios.contains(*name));
    let hint = unknown.map(|name| did_you_mean(name, scenarios.iter().map(String::as_str))).unwrap_or_default();
    format!("no runs{which}{tagged} found in {}{hint}", folder.display())
}

#[cfg(test)]
mod tests;
