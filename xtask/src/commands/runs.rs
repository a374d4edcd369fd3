//! `cargo xtask runs`: past runs, from their reports, the newest last.

use std::fmt::Write as _;
use std::path::PathBuf;

use monitoring::judgement::{Kind, Millis, Report};
use monitoring::run::ExitCode;
use monitoring::table;

use crate::{reports, workspace};

/// Which runs to show.
#[derive(Debug, clap::Args)]
pub(crate) struct RunsArgs {
    /// Only runs with that tag (repeatable: all of them)
    #[arg(long, value_name = "NAME=VALUE")]
    tag: Vec<String>,
    /// Only runs of that scenario
    #[arg(long)]
    scenario: Option<String>,
    /// At most so many, the last ones
    #[arg(short = 'n', long, default_value_t = 20)]
    last: usize,
    /// Where reports are [default: target/perf]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

/// Prints the runs.
pub(crate) fn run(args: &RunsArgs) -> anyhow::Result<ExitCode> {
    let folder = args.out.clone().unwrap_or_else(workspace::perf);
    let (mut reports, unreadable) = reports::all(&folder)?;
    let wanted = |report: &Report| {
        let has = |tag: &String| {
            tag.split_once('=').is_some_and(|(name, value)| report.tags.get(name).map(String::as_str) == Some(value))
        };
        args.tag.iter().all(has) && args.scenario.as_ref().is_none_or(|scenario| *scenario == report.scenario)
    };
    reports.retain(wanted);
    reports.sort_by_key(|report| report.started_unix_ms);
    let shown = &reports[reports.len().saturating_sub(args.last)..];
    if shown.is_empty() {
        println!("there are no such runs in {}", folder.display());
    } else {
        println!("{}", render(shown));
    }
    for path in unreadable {
        eprintln!("warning: {} is no report of this version", path.display());
    }
    Ok(ExitCode::Met)
}

/// A line a run.
fn render(reports: &[Report]) -> String {
    let width = |of: &dyn Fn(&Report) -> usize| reports.iter().map(of).max().unwrap_or(0);
    let (ids, loads) = (width(&|report| report.testid.chars().count()), width(&|report| report.load.chars().count()));
    let mut text =
        format!("{:<14} {:<ids$}  {:<loads$} {:>9}  worst p95 of its promise", "verdict", "run", "load", "requests");
    for report in reports {
        let verdict = match ExitCode::from_code(report.exit_code) {
            Some(ExitCode::Met) => "✓ met",
            Some(ExitCode::Missed) => "✗ missed",
            Some(ExitCode::Inconclusive) => "? inconclusive",
            Some(ExitCode::Interrupted) => "- interrupted",
            _ => "! error",
        };
        let tags: Vec<_> = report.tags.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let _ = write!(
            text,
            "\n{verdict:<14} {:<ids$}  {:<loads$} {:>9}  {}  {}",
            report.testid,
            report.load,
            report.requests.sent,
            worst(report),
            tags.join(" ")
        );
    }
    text.lines().map(str::trim_end).collect::<Vec<_>>().join("\n")
}

/// The endpoint that comes nearest to its promise, or goes farthest beyond it.
fn worst(report: &Report) -> String {
    let latencies = report.objectives.iter().filter(|objective| objective.kind == Kind::Latency);
    let shares = latencies.filter_map(|objective| {
        let (quantile, threshold) = (objective.quantile_ms?, objective.threshold_ms?);
        let share = match quantile {
            Millis::Finite(ms) => ms / threshold,
            Millis::Infinite(_) => f64::INFINITY,
        };
        Some((share, objective, quantile))
    });
    let worst = shares.max_by(|one, other| one.0.total_cmp(&other.0));
    worst.map_or_else(String::new, |(share, objective, quantile)| {
        let share = if share.is_finite() { format!(" ({:.0} %)", share * 100.0) } else { String::new() };
        format!("{} {}{share}", objective.subject, table::millis(quantile))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_is_a_line() {
        let report: Report = serde_json::from_str(include_str!("../../../monitoring/tests/report.json")).unwrap();
        let mut tagged = Report { exit_code: 99, testid: "other".to_owned(), ..report.clone() };
        tagged.tags.insert("team".to_owned(), "trading".to_owned());
        for objective in &mut tagged.objectives {
            objective.threshold_ms = Some(100.0);
        }
        insta::assert_snapshot!(render(&[report, tagged]));
    }
}
