//! A run as text: the verdict and its cause, one table, then details.

use std::fmt::Write as _;

use monitoring::ratio::Ratio;

use super::super::below_headline::below_table;
use super::super::rows::{self, ObjectiveRows};
use super::TerminalStyle;
use super::text_table::{TextColumn, TextTable};
use crate::Report;
use crate::evidence::{AgentResult, PartResult};
use crate::findings::{describe_failures, lines, table_notes};
use crate::format::{count, counted, counted_more, counted_part, millis, millis_or_seconds, percent};
use crate::headline::{Headline, failure_in_headline};
use crate::judgement::ObjectiveResult;
use crate::mark::Mark;

const P95: Ratio = Ratio::percent(95);
/// Limit on causes of failed requests. `report.html` has all of them.
const SHOWN_CAUSES: usize = 5;

/// Renders the headline, the table, causes of failed requests, findings, and each load.
pub fn render_run(report: &Report, style: TerminalStyle) -> String {
    let mut blocks = vec![render_headline(report, style)];
    if report.was_loaded() {
        blocks.push(objectives(report, style));
        blocks.push(failures(report, style));
    }
    blocks.push(style.wrap(&lines(&below_table(report))));
    if report.was_loaded() {
        blocks.push(loads(report, style));
    }
    blocks.retain(|block| !block.is_empty());
    style.fit(&blocks.join("\n\n"))
}

/// The verdict with its exit code and the cause, and advice below. A cause of several lines goes
/// below, and so does the one of a run without load.
fn render_headline(report: &Report, style: TerminalStyle) -> String {
    let headline = Headline::new(report);
    let sign = style.sign(Mark::from(report.exit_code));
    let is_beside = report.was_loaded() && headline.cause.lines().count() == 1;
    let (first, below) = match is_beside {
        true => {
            (format!("{}: {}", headline.verdict, headline.cause), headline.advice.iter().map(String::as_str).collect())
        }
        false => (headline.verdict.clone(), headline.below().collect::<Vec<_>>()),
    };
    let below = below.into_iter().map(|line| style.wrap(&format!("  {line}")));
    std::iter::once(style.wrap(&format!("{sign} {first}"))).chain(below).collect::<Vec<_>>().join("\n")
}

/// The table of objectives, and the notes below it.
fn objectives(report: &Report, style: TerminalStyle) -> String {
    let judged = rows::judged(&report.objectives, report.load_end());
    let table = (!judged.rows.is_empty()).then(|| table(report, judged).text(style));
    let notes = table_notes(&report.objectives, report.load_end()).into_iter().map(|note| style.wrap(&note));
    table.into_iter().chain(notes).collect::<Vec<_>>().join("\n")
}

fn table(report: &Report, judged: ObjectiveRows<'_>) -> TextTable {
    let mut drawn = report.objectives.iter().filter(|it| it.is_on_timeline());
    let is_p95 = drawn.all(|it| judged_percentile(it) == P95);
    let mut table = TextTable::new([
        TextColumn::text("endpoint"),
        TextColumn::text("objective"),
        TextColumn::number("measured"),
        TextColumn::number(judged.counted),
        TextColumn::number("good").rank(1),
        TextColumn::number("response time").rank(2),
        TextColumn::number("95 % interval").rank(3),
        TextColumn::text(if is_p95 { "p95 over time" } else { "over time" }).rank(4),
    ]);
    for row in judged.rows {
        let spark = spark(report, row.result).unwrap_or_default();
        let names = [row.endpoint.to_owned(), row.objective.to_owned()];
        let values = [row.measured, row.counted, row.good, row.response_time, row.interval, spark];
        table.row(row.mark, names.into_iter().chain(values));
    }
    table
}

/// The most frequent causes of failed requests.
fn failures(report: &Report, style: TerminalStyle) -> String {
    let causes = describe_failures(report, failure_in_headline(report));
    let mut lines: Vec<_> = causes.iter().take(SHOWN_CAUSES).map(|it| style.wrap(it)).collect();
    let more = counted_more(causes.len().saturating_sub(SHOWN_CAUSES), "cause");
    lines.extend(more.map(|more| format!("and {more} of failed requests: see report.html")));
    if lines.is_empty() { String::new() } else { format!("failed requests\n{}", lines.join("\n")) }
}

/// Counts of the run, then a description of each load.
fn loads(report: &Report, style: TerminalStyle) -> String {
    let Report { run, requests, iterations, .. } = report;
    let mut text = format!(
        "load: {}: {}, {} failed; {}",
        run.load,
        counted(requests.sent, "request"),
        count(requests.failed),
        counted(iterations.completed, "iteration")
    );
    let ends =
        [(iterations.failed, "failed"), (iterations.interrupted, "interrupted"), (iterations.dropped, "dropped")];
    for (number, what) in ends.into_iter().filter(|(number, _)| *number > 0) {
        let _ = write!(text, ", {} {what}", count(number));
    }
    let reconnects: u64 = report.endpoints.iter().map(|endpoint| endpoint.reconnects).sum();
    if reconnects > 0 {
        let _ = write!(text, "; {} sent once more on new connections", counted(reconnects, "request"));
    }
    let parts = run.plan.parts.iter().flat_map(describe_part);
    let agents = describe_agents(&run.agents);
    std::iter::once(text).chain(agents).chain(parts).map(|line| style.wrap(&line)).collect::<Vec<_>>().join("\n")
}

/// A line about the agents, or about the shards that have files. `report.html` has a table.
fn describe_agents(agents: &[AgentResult]) -> Option<String> {
    let with_load = || agents.iter().filter(|agent| !agent.is_shard || agent.place.is_some());
    let requests = || with_load().map(|agent| agent.requests);
    let (fewest, most) = (requests().min()?, requests().max()?);
    let largest = |value: fn(&AgentResult) -> f64| millis_or_seconds(agents.iter().map(value).fold(0.0, f64::max));
    let cpu = agents.iter().filter_map(|agent| agent.cpu).max_by(f64::total_cmp);
    let busiest = cpu.map(|cpu| format!("; busiest worker {}", percent(cpu))).unwrap_or_default();
    let is_shard = agents.iter().any(|agent| agent.is_shard);
    let (present, all) = (with_load().count() as u64, agents.len() as u64);
    let noun = if is_shard { "shards" } else { "agents" };
    let clocks = match is_shard {
        true => "; by their own clocks they".to_owned(),
        false => format!("; clocks known to {},", largest(|agent| agent.clock_error_ms.unwrap_or(0.0))),
    };
    let began = format!("{clocks} began within {}", largest(|agent| agent.start_skew_ms));
    let (each, began) = if present == 1 { ("", "") } else { (" each", began.as_str()) };
    let range = if fewest == most { String::new() } else { format!("{} to ", count(fewest)) };
    let each = if fewest == most { each } else { "" };
    Some(format!(
        "{noun}: {}, with {range}{}{each}{busiest}{began}",
        if present == all { count(all) } else { format!("{} of {}", count(present), count(all)) },
        counted(most, "request"),
    ))
}

/// Lines about a load: duration of iterations, arrivals, and the effect of its kind on the numbers.
fn describe_part(part: &PartResult) -> Vec<String> {
    let durations = part.iteration_ms.map(|ms| {
        let (name, longest) = (&part.name, millis_or_seconds(ms.max));
        match part.iterations.completed {
            1 => format!("{name}: iteration time {longest}"),
            _ => format!(
                "{name}: iteration time p50 {}, p95 {}, maximum {longest}",
                millis_or_seconds(ms.p50),
                millis_or_seconds(ms.p95)
            ),
        }
    });
    let arrivals = part.model.arrivals().map(|arrivals| {
        let late =
            arrivals.lateness_ms.map(|ms| format!(", lateness p99 {}", millis_or_seconds(ms.p99))).unwrap_or_default();
        format!(
            "{}: {} started, {} dropped{late}",
            part.name,
            counted_part(arrivals.started, arrivals.planned, "arrival"),
            count(part.iterations.dropped)
        )
    });
    let endpoints = part.endpoints.iter().map(|(name, latency)| {
        format!(
            "{}: {name} p50 {}, p95 {}, {}, {} failed",
            part.name,
            latency.p50_ms.map(millis).unwrap_or_default(),
            latency.p95_ms.map(millis).unwrap_or_default(),
            counted(latency.requests, "request"),
            count(latency.failed)
        )
    });
    durations.into_iter().chain(arrivals).chain(endpoints).collect()
}

/// The percentile that an objective on latency limits. Old reports have only p95.
pub(super) fn judged_percentile(objective: &ObjectiveResult) -> Ratio {
    objective.goal.share_ppm().map_or(P95, Ratio::ppm)
}

/// The percentile of an objective on latency, over time. A full bar is over the threshold. The
/// lowest bar is below a seventh of it.
fn spark(report: &Report, objective: &ObjectiveResult) -> Option<String> {
    const WIDTH: usize = 12;
    const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let threshold = objective.goal.threshold_ms().filter(|_| objective.is_on_timeline())?;
    let slices = &report.run.timeline.slices;
    let width = WIDTH.min(slices.len());
    let mut worst: Vec<Option<f64>> = vec![None; width];
    for (at, slice) in slices.iter().enumerate() {
        let Some(counts) = slice.endpoints.get(&objective.subject) else { continue };
        let Some(measured) = counts.percentile(judged_percentile(objective)) else { continue };
        let share = measured.as_f64() / threshold;
        let column = &mut worst[at * width / slices.len()];
        *column = Some(column.map_or(share, |worst| worst.max(share)));
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and 7")]
    let bar = |share: f64| if share > 1.0 { BARS[7] } else { BARS[(share.max(0.0) * 7.0).min(6.9) as usize] };
    Some(worst.into_iter().map(|share| share.map_or(' ', bar)).collect())
}

#[cfg(test)]
mod tests;
