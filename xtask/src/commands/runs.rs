//! `cargo xtask runs`: lists past runs by their reports, the newest last.

use std::fmt::Write as _;
use std::path::PathBuf;

use perf_report::Report;
use perf_report::exit_code::ExitCode;
use perf_report::format::{count, millis, percent_with};
use perf_report::mark::Mark;

use crate::host::terminal::print_line;
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
    #[arg(short = 'n', long, value_name = "N", default_value_t = 20)]
    last: usize,
    /// Folder of reports [default: target/perf]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

/// Prints the runs.
pub(crate) fn run(args: &RunsArgs) -> anyhow::Result<ExitCode> {
    let folder = args.out.clone().unwrap_or_else(workspace::perf);
    let (mut reports, unreadable) = reports::read_all(&folder)?;
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
        println!("no runs found in {}", folder.display());
    } else {
        print_line(&render(shown));
    }
    for path in unreadable {
        eprintln!("warning: {} is not a report, or has a newer version", path.display());
    }
    Ok(ExitCode::Met)
}

/// A table with a line for each run.
fn render(reports: &[Report]) -> String {
    let width = |of: &dyn Fn(&Report) -> usize| reports.iter().map(of).max().unwrap_or(0);
    let (ids, loads) =
        (width(&|report| report.run.testid.chars().count()), width(&|report| report.run.load.chars().count()));
    let mut text = format!(
        "{:<14} {:<ids$}  {:<loads$} {:>9}  highest p95, as a share of its objective",
        "verdict", "run", "load", "requests"
    );
    for report in reports {
        let verdict = Mark::for_run(report.exit_code).signed_word();
        let tags: Vec<_> = report.run.tags.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let _ = write!(
            text,
            "\n{verdict:<14} {:<ids$}  {:<loads$} {:>9}  {}  {}",
            report.run.testid,
            report.run.load,
            count(report.requests.sent),
            worst(report),
            tags.join(" ")
        );
    }
    text.lines().map(str::trim_end).collect::<Vec<_>>().join("\n")
}

/// The endpoint whose p95 is the highest share of its objective, with the p95 and the share.
fn worst(report: &Report) -> String {
    let latencies = report.objectives.iter().filter(|objective| objective.goal.is_latency());
    let shares = latencies.filter_map(|it| Some((it.share_of_threshold()?, it, it.quantile_ms()?)));
    let worst = shares.max_by(|one, other| one.0.total_cmp(&other.0));
    worst.map_or_else(String::new, |(share, objective, quantile)| {
        let share = if share.is_finite() { format!(" ({})", percent_with(share, 0)) } else { String::new() };
        format!("{} {}{share}", objective.subject, millis(quantile))
    })
}

#[cfg(test)]
mod tests {
    use perf_report::judgement::Goal;

    use super::*;

    #[test]
    fn each_run_is_one_line() {
        let report = test_support::report();
        let mut tagged = Report { exit_code: ExitCode::Missed, ..report.clone() };
        tagged.run.testid = "other".to_owned();
        tagged.run.tags.insert("team".to_owned(), "trading".to_owned());
        for objective in &mut tagged.objectives {
            if let Goal::Latency(goal) = &mut objective.goal {
                goal.threshold_ms = 100.0;
            }
        }
        insta::assert_snapshot!(render(&[report, tagged]));
    }
}
