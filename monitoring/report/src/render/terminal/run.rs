//! The result of a run as a person reads it: one table, then what went wrong in whole sentences.

use std::fmt::Write as _;

use super::TextTable;
use crate::findings::{measured, run_findings};
use crate::format::{interval, millis};
use crate::mark::Mark;
use crate::readings::readings;
use crate::verdict::Tally;
use crate::{Millis, ObjectiveResult, PartResult, Report};

/// The column of response times.
const FROM_DUE: usize = 7;
/// The column of sparklines.
const OVER_TIME: usize = 8;

/// The table of a run, how its loads went, what it means, and its findings.
pub fn render_run(report: &Report, color: bool) -> String {
    let mut text = format!("{}\n", headline(report));
    let columns = ["", "endpoint", "promised", "seen", "95 % interval", "good", "of", "from due", "over time", ""];
    let mut table = TextTable::new(columns, color);
    for objective in &report.objectives {
        let mark = Mark::from(objective);
        table.row(mark, cells(report, objective, mark));
    }
    table.align_right([3, 4, 5, 6, FROM_DUE]);
    if report.timeline.slices.is_empty() {
        table.hide(OVER_TIME);
    }
    // A closed load has no response times, and an empty column would only make people wonder.
    if report.objectives.iter().all(|objective| objective.response_ms().is_none()) {
        table.hide(FROM_DUE);
    }
    let _ = writeln!(text, "\n{}", table.text());
    for line in report.plan.parts.iter().map(describe_part) {
        let _ = writeln!(text, "{line}");
    }
    for reading in readings(report) {
        let _ = writeln!(text, "{reading}");
    }
    for finding in run_findings(report) {
        let _ = write!(text, "\n{finding}");
    }
    text.trim_end().to_owned()
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
fn describe_part(part: &PartResult) -> String {
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

fn cells(report: &Report, objective: &ObjectiveResult, mark: Mark) -> [String; 9] {
    let counts = |count: fn(&Tally) -> u64| objective.tally().map(|tally| count(tally).to_string()).unwrap_or_default();
    [
        objective.subject.clone(),
        objective.objective.clone(),
        measured(objective).unwrap_or_default(),
        objective.interval_ms().map(|(low, high)| interval(low, high)).unwrap_or_default(),
        counts(|tally| tally.good),
        counts(|tally| tally.total),
        objective.response_ms().map(millis).unwrap_or_default(),
        spark(report, objective).unwrap_or_default(),
        mark.note.to_owned(),
    ]
}

/// A latency's p95 over time, against what is promised: an eighth of it is the lowest bar, and beyond it is the full one.
fn spark(report: &Report, objective: &ObjectiveResult) -> Option<String> {
    const WIDTH: usize = 12;
    const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let threshold = objective.goal.threshold_ms().filter(|_| objective.goal.is_latency())?;
    let slices = &report.timeline.slices;
    let width = WIDTH.min(slices.len());
    let mut worst: Vec<Option<f64>> = vec![None; width];
    for (at, slice) in slices.iter().enumerate() {
        let Some(of) = slice.endpoints.get(&objective.subject) else { continue };
        let share = of.p95_ms.as_f64() / threshold;
        let column = &mut worst[at * width / slices.len()];
        *column = Some(column.map_or(share, |worst| worst.max(share)));
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and 7")]
    let bar = |share: f64| if share > 1.0 { BARS[7] } else { BARS[(share.max(0.0) * 7.0).min(6.9) as usize] };
    Some(worst.into_iter().map(|share| share.map_or(' ', bar)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_bar_is_a_broken_promise() {
        let mut report = Report::sample_over_time();
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
}
