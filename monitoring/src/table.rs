//! The result of a run as a person reads it: one table, then what went wrong in whole sentences.

use std::fmt::Write as _;

use comfy_table::{Attribute, Cell, CellAlignment, Color, ColumnConstraint, ContentArrangement, Table, presets};

use crate::interpretation;
use crate::judgement::{Kind, Millis, ObjectiveResult, PartResult, Report, Word};
use crate::slo::Severity;

/// The column of response times.
const FROM_DUE: usize = 7;

/// The column of sparklines.
const OVER_TIME: usize = 8;

/// The table and the sentences below it. With `colour`, escape codes colour the verdicts; the words and signs say the
/// same without.
pub fn render(report: &Report, colour: bool) -> String {
    let mut text = format!("{}\n", headline(report));
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    if colour {
        table.enforce_styling()
    } else {
        table.force_no_tty()
    };
    let heading = |name: &str| if colour { Cell::new(name).add_attribute(Attribute::Dim) } else { Cell::new(name) };
    let columns = ["", "endpoint", "promised", "seen", "95 % interval", "good", "of", "from due", "over time", ""];
    table.set_header(columns.map(heading));
    for objective in &report.objectives {
        table.add_row(row(report, objective, colour));
    }
    for column in [3, 4, 5, 6, FROM_DUE] {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    if report.timeline.slices.is_empty()
        && let Some(column) = table.column_mut(OVER_TIME)
    {
        column.set_constraint(ColumnConstraint::Hidden);
    }
    // A closed load has no response times, and an empty column would only make people wonder.
    if report.objectives.iter().all(|objective| objective.response_ms.is_none())
        && let Some(column) = table.column_mut(FROM_DUE)
    {
        column.set_constraint(ColumnConstraint::Hidden);
    }
    let _ = writeln!(text, "\n{}", table.trim_fmt());
    for line in report.plan.parts.iter().map(of_part) {
        let _ = writeln!(text, "{line}");
    }
    for reading in interpretation::of(report) {
        let _ = writeln!(text, "{reading}");
    }
    for sentence in sentences(report) {
        let _ = write!(text, "\n{sentence}");
    }
    text.trim_end().to_owned()
}

/// What a failed test says: each objective that was not met, and each problem, a line each.
pub fn sentences(report: &Report) -> Vec<String> {
    let objectives = report.objectives.iter().filter_map(sentence);
    let problems = report.problems.iter().map(|problem| format!("problem: {}", problem.message));
    let warnings = report.warnings.iter().map(|warning| format!("warning: {warning}"));
    objectives.chain(problems).chain(warnings).collect()
}

fn headline(report: &Report) -> String {
    let Report { scenario, load, requests, iterations, .. } = report;
    let mut text = format!(
        "{scenario}: {load}: {} requests ({} failed), {} iterations",
        requests.sent, requests.failed, iterations.completed
    );
    let ends =
        [(iterations.failed, "failed"), (iterations.interrupted, "interrupted"), (iterations.dropped, "never begun")];
    for (count, what) in ends {
        if count > 0 {
            let _ = write!(text, ", {count} {what}");
        }
    }
    text
}

/// How a load went, in a line: how long iterations took, whether arrivals were in time, and what its kind hides.
fn of_part(part: &PartResult) -> String {
    let took = part
        .iteration_ms
        .map(|ms| format!("iterations took p50 {}, p95 {}, at most {}", long(ms.p50), long(ms.p95), long(ms.max)));
    let arrivals = part.arrivals.as_ref().map(|arrivals| {
        let late = arrivals.lateness_ms.map(|ms| format!(", lateness p99 {}", long(ms.p99))).unwrap_or_default();
        format!(
            "{} of {} arrivals begun, {} dropped{late}",
            arrivals.started, arrivals.planned, part.iterations.dropped
        )
    });
    let model = Some(part.model.clone()).filter(|model| !model.is_empty());
    let lines: Vec<_> = [took, arrivals, model].into_iter().flatten().collect();
    format!("{}: {}", part.name, lines.join("\n  "))
}

fn long(ms: f64) -> String {
    if ms < 10_000.0 { millis(Millis::Finite(ms)) } else { format!("{:.1} s", ms / 1e3) }
}

fn row(report: &Report, objective: &ObjectiveResult, colour: bool) -> Vec<Cell> {
    let (word, shade) = match (objective.verdict, objective.severity) {
        (Word::Met, _) => ("✓ met", Color::Green),
        (Word::Missed, Severity::Error) => ("✗ missed", Color::Red),
        (Word::Missed, Severity::Warn) => ("! missed", Color::Yellow),
        (Word::Inconclusive, _) => ("? inconclusive", Color::Yellow),
        (Word::NotInScenario, _) => ("- not in this scenario", Color::DarkGrey),
    };
    let cell = |text: String| Cell::new(text);
    let has_no_counts = objective.verdict == Word::NotInScenario || objective.kind == Kind::Backend;
    let counts = |count: u64| if has_no_counts { String::new() } else { count.to_string() };
    let verdict = if colour { cell(word.to_owned()).fg(shade) } else { cell(word.to_owned()) };
    vec![
        verdict,
        cell(objective.subject.clone()),
        cell(objective.promise.clone()),
        cell(seen(objective).unwrap_or_default()),
        cell(objective.interval_ms.map(|(low, high)| interval(low, high)).unwrap_or_default()),
        cell(counts(objective.good)),
        cell(counts(objective.total)),
        cell(objective.response_ms.map(millis).unwrap_or_default()),
        cell(spark(report, objective).unwrap_or_default()),
        cell(if objective.severity == Severity::Warn { "warns only".to_owned() } else { String::new() }),
    ]
}

/// A latency's p95 over time, against what is promised: an eighth of it is the lowest bar, and beyond it is the full one.
fn spark(report: &Report, objective: &ObjectiveResult) -> Option<String> {
    const WIDTH: usize = 12;
    const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let threshold = objective.threshold_ms.filter(|_| objective.kind == Kind::Latency)?;
    let slices = &report.timeline.slices;
    let width = WIDTH.min(slices.len());
    let mut worst: Vec<Option<f64>> = vec![None; width];
    for (at, slice) in slices.iter().enumerate() {
        let Some(of) = slice.endpoints.get(&objective.subject) else { continue };
        let share = match of.p95_ms {
            Millis::Finite(ms) => ms / threshold,
            Millis::Infinite(_) => f64::INFINITY,
        };
        let column = &mut worst[at * width / slices.len()];
        *column = Some(column.map_or(share, |worst| worst.max(share)));
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and 7")]
    let bar = |share: f64| if share > 1.0 { BARS[7] } else { BARS[(share.max(0.0) * 7.0).min(6.9) as usize] };
    Some(worst.into_iter().map(|share| share.map_or(' ', bar)).collect())
}

/// What was seen, in the promise's own terms: a quantile, a share of successes or a share of errors.
pub(crate) fn seen(objective: &ObjectiveResult) -> Option<String> {
    if let Some(measured) = &objective.measured {
        return Some(measured.measure.in_words(measured.value));
    }
    if objective.total == 0 {
        return None;
    }
    if let Some(quantile) = objective.quantile_ms {
        return Some(millis(quantile));
    }
    let bad = objective.total - objective.good.min(objective.total);
    let share = if objective.kind == Kind::Errors { bad } else { objective.good };
    Some(percent(share, objective.total))
}

pub(crate) fn sentence(objective: &ObjectiveResult) -> Option<String> {
    let ObjectiveResult { subject, promise, good, total, .. } = objective;
    let word = match (objective.verdict, objective.severity) {
        (Word::Missed, Severity::Error) => "missed",
        (Word::Missed, Severity::Warn) => "missed (warns only)",
        (Word::Inconclusive, _) => {
            let reason = objective.reason.as_deref().unwrap_or("no reason given");
            return Some(format!("inconclusive: {subject} promised {promise}: {reason}"));
        }
        (Word::Met | Word::NotInScenario, _) => return None,
    };
    let seen = seen(objective).unwrap_or_default();
    if objective.kind == Kind::Backend {
        return Some(format!("{word}: {subject} promised {promise}; seen: {seen}"));
    }
    let mut text =
        format!("{word}: {subject} promised {promise}; seen: {seen} over {total} requests, {good} of them good");
    if objective.quantile_ms == Some(Millis::INFINITE) {
        text.push_str(" (a failed request counts as infinitely slow)");
    }
    Some(text)
}

pub(crate) fn interval(low: Millis, high: Millis) -> String {
    match (low, high) {
        (Millis::Finite(low), Millis::Finite(high)) => format!("{} – {}", number(low), millis(Millis::Finite(high))),
        (Millis::Finite(low), Millis::Infinite(_)) => format!("≥ {}", millis(Millis::Finite(low))),
        _ => "∞".to_owned(),
    }
}

/// Milliseconds with three significant digits or so, since the interval is never narrower than that.
pub fn millis(value: Millis) -> String {
    match value {
        Millis::Finite(ms) => format!("{} ms", number(ms)),
        Millis::Infinite(_) => "∞".to_owned(),
    }
}

fn number(ms: f64) -> String {
    match ms {
        ms if ms < 9.995 => format!("{ms:.2}"),
        ms if ms < 999.95 => format!("{ms:.1}"),
        ms => format!("{ms:.0}"),
    }
}

/// A share in per cent with two decimals, cut off rather than rounded, so that 94.999 % does not read as 95 %.
fn percent(part: u64, whole: u64) -> String {
    let hundredths = u128::from(part) * 10_000 / u128::from(whole.max(1));
    format!("{}.{:02} %", hundredths / 100, hundredths % 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_cut_off_and_not_rounded_up() {
        assert_eq!(percent(94_999, 100_000), "94.99 %");
        assert_eq!(percent(1, 1), "100.00 %");
    }

    #[test]
    fn a_full_bar_is_a_broken_promise() {
        let mut report: Report = serde_json::from_str(include_str!("../tests/course.json")).unwrap();
        let objective = report.objectives[0].clone();
        let calm = spark(&report, &objective).unwrap();
        assert!(calm.chars().count() == 12 && !calm.contains('█'), "{calm}");
        for (ms, is_full) in [(300.0, false), (300.1, true), (f64::INFINITY, true)] {
            let last = report.timeline.slices.last_mut().unwrap();
            let p95 = if ms.is_finite() { Millis::Finite(ms) } else { Millis::INFINITE };
            last.endpoints.get_mut(&objective.subject).unwrap().p95_ms = p95;
            assert_eq!(spark(&report, &objective).unwrap().ends_with('█'), is_full, "{ms} of 300 ms");
        }
        assert_eq!(spark(&report, &report.objectives[7]), None, "a share of successes has no p95");
    }

    #[test]
    fn a_measured_value_keeps_about_three_digits() {
        assert_eq!(millis(Millis::Finite(1.234)), "1.23 ms");
        assert_eq!(millis(Millis::Finite(299.95)), "299.9 ms");
        assert_eq!(millis(Millis::Finite(1234.5)), "1234 ms");
        assert_eq!(millis(Millis::INFINITE), "∞");
    }
}
