//! A list of runs as text, a row for each.

use super::TerminalStyle;
use super::run::judged_percentile;
use super::text_table::{TextColumn, TextTable};
use crate::Report;
use crate::format::{count, millis, percent_with};
use crate::judgement::ObjectiveResult;
use crate::mark::Mark;

/// Renders the runs in this order. A narrow terminal leaves out loads, then requests, then tags,
/// then the endpoint with the highest latency. It always shows verdicts and names.
pub fn render_runs(reports: &[Report], style: TerminalStyle) -> String {
    let mut table = TextTable::new([
        TextColumn::text("run"),
        TextColumn::text("load").rank(4),
        TextColumn::number("requests").rank(3),
        TextColumn::text("highest latency").rank(1),
        TextColumn::number("limit used"),
        TextColumn::text("tags").rank(2),
    ]);
    for report in reports {
        table.row(Mark::from(report.exit_code), cells(report));
    }
    style.fit(&table.text(style))
}

fn cells(report: &Report) -> [String; 6] {
    let run = &report.run;
    let tags: Vec<_> = run.tags.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let (latency, share) = highest(report).unwrap_or_default();
    [run.testid.clone(), run.load.clone(), count(report.requests.sent), latency, share, tags.join(" ")]
}

/// The percentile that is the highest share of its limit, with its endpoint, and the share. It is
/// infinite if too many requests failed.
fn highest(report: &Report) -> Option<(String, String)> {
    let share = |objective: &ObjectiveResult| objective.share_of_threshold();
    let latencies = report.objectives.iter().filter(|objective| objective.goal.is_latency());
    let shares = latencies.filter_map(|it| Some((share(it)?, it, it.quantile_ms()?)));
    let (share, objective, quantile) = shares.max_by(|one, other| one.0.total_cmp(&other.0))?;
    let share = if share.is_finite() { percent_with(share, 0) } else { "∞".to_owned() };
    let percentile = judged_percentile(objective).as_quantile();
    Some((format!("{} {percentile} {}", objective.subject, millis(quantile)), share))
}
