//! A comparison as a person reads it: what was asked, a line per endpoint, and what it comes to.

use std::fmt::Write as _;

use comfy_table::{Attribute, Cell, CellAlignment, Color, ContentArrangement, Table, presets};

use super::{Change, Comparison, EndpointChange, Method};
use crate::gate::{Finding, Rule};
use crate::judgement::{Kind, Millis, Word};
use crate::table;

/// The table and the sentences below it. With `colour`, escape codes colour the findings; signs and words say the same without.
pub fn render(comparison: &Comparison, colour: bool) -> String {
    let Comparison { scenario, load, base, head, rule, pairs, .. } = comparison;
    let measured = match comparison.method {
        Method::Interleaved => format!("{pairs} pairs of rounds, turn by turn"),
        Method::Recorded => format!("{pairs} sections of two runs at different times: weaker than rounds turn by turn"),
    };
    let mut text = format!("{scenario}: {load}: {measured}\n  base  {base}\n  head  {head}\n");
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    if colour {
        table.enforce_styling()
    } else {
        table.force_no_tty()
    };
    let heading = |name: &str| if colour { Cell::new(name).add_attribute(Attribute::Dim) } else { Cell::new(name) };
    let columns = ["", "endpoint", "p95 before", "after", "change", "interval", "p50", "p99", "success", "req/s"];
    table.set_header(columns.map(heading));
    for endpoint in &comparison.endpoints {
        table.add_row(row(endpoint, colour));
    }
    for column in 2..columns.len() {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    let _ = writeln!(text, "\n{}", table.trim_fmt());
    let _ = writeln!(
        text,
        "regressed: p95 slower by more than {}, sure to {} for all endpoints together; no change seen: {} slower is ruled out\n\
         (p50, p99, success and req/s are changes that are shown and do not gate)",
        share(rule.margin, false),
        share(1.0 - comparison.alpha, false),
        share(rule.detect, false),
    );
    for sentence in sentences(comparison) {
        let _ = write!(text, "\n{sentence}");
    }
    text.trim_end().to_owned()
}

/// What was found that is not as before, each problem and each warning, a line each.
pub fn sentences(comparison: &Comparison) -> Vec<String> {
    let findings = comparison.endpoints.iter().filter_map(|endpoint| of_endpoint(comparison, endpoint));
    let objectives = comparison.objectives.iter().filter(|objective| {
        matches!(objective.verdict, Word::Missed | Word::Inconclusive) && objective.kind != Kind::Backend
    });
    let objectives = objectives.map(|objective| {
        let word = if objective.verdict == Word::Missed { "missed" } else { "inconclusive" };
        let why = objective.reason.as_ref().map(|why| format!(": {why}")).unwrap_or_default();
        format!(
            "{word}: {} promised {}; {} of the head's {} requests were good{why}",
            objective.subject, objective.promise, objective.good, objective.total
        )
    });
    let problems = comparison.problems.iter().map(|problem| format!("problem: {}", problem.message));
    let warnings = comparison.warnings.iter().map(|warning| format!("warning: {warning}"));
    let too_few = too_few_pairs(comparison).into_iter();
    findings.chain(too_few).chain(objectives).chain(problems).chain(warnings).collect()
}

/// Endpoints of which nothing can be said, for want of pairs.
fn too_few_pairs(comparison: &Comparison) -> Option<String> {
    let endpoints = &comparison.endpoints;
    let without = endpoints.iter().filter(|it| it.finding == Finding::TooLittleData && it.p95.interval.is_none());
    let names: Vec<_> = without.map(|endpoint| endpoint.name.as_str()).collect();
    let needed = Rule::fewest_pairs(comparison.alpha, endpoints.len());
    (!names.is_empty()).then(|| {
        format!(
            "{}: {}: {} endpoints judged together take {needed} pairs of rounds at least, each with requests enough on both sides",
            Finding::TooLittleData.words(),
            names.join(", "),
            endpoints.len()
        )
    })
}

fn of_endpoint(comparison: &Comparison, endpoint: &EndpointChange) -> Option<String> {
    let word = endpoint.finding.words();
    let EndpointChange { name, p95, .. } = endpoint;
    let interval = p95.interval.map(|interval| format!(", between {}", between(interval))).unwrap_or_default();
    match endpoint.finding {
        Finding::NoChangeSeen => None,
        Finding::Regressed | Finding::Improved => Some(format!(
            "{word}: {name}: p95 {} before, {} after: {}{interval}",
            before(endpoint),
            after(endpoint),
            p95.change.map(|change| share(change, true)).unwrap_or_default(),
        )),
        Finding::TooLittleData => {
            let interval = p95.interval?;
            Some(format!(
                "{word}: {name}: the change of its p95 lies between {}; neither more than {} slower is shown, nor {} ruled out: more \
                 rounds, or a quieter machine",
                between(interval),
                share(comparison.rule.margin, false),
                share(comparison.rule.detect, false),
            ))
        }
    }
}

fn row(endpoint: &EndpointChange, colour: bool) -> Vec<Cell> {
    let (sign, shade) = match endpoint.finding {
        Finding::Regressed => ("✗", Color::Red),
        Finding::Improved => ("✓", Color::Green),
        Finding::NoChangeSeen => ("✓", Color::Green),
        Finding::TooLittleData => ("?", Color::Yellow),
    };
    let word = Cell::new(format!("{sign} {}", endpoint.finding.words()));
    let changed = |change: &Change| change.change.map(|change| share(change, true)).unwrap_or_default();
    let [before, after, change, interval] = cells(endpoint);
    let points = endpoint.success.change.map(|change| format!("{:+.1} pp", change * 100.0)).unwrap_or_default();
    vec![
        if colour { word.fg(shade) } else { word },
        Cell::new(&endpoint.name),
        Cell::new(before),
        Cell::new(after),
        Cell::new(change),
        Cell::new(interval),
        Cell::new(changed(&endpoint.p50)),
        Cell::new(changed(&endpoint.p99)),
        Cell::new(points),
        Cell::new(changed(&endpoint.throughput)),
    ]
}

/// A side's p95: the median of its rounds, or what most of them have in its place.
fn millis(value: Option<f64>, rounds: impl Iterator<Item = Option<Millis>>) -> String {
    match value {
        Some(ms) => table::millis(Millis::Finite(ms)),
        None if rounds.flatten().any(|ms| ms == Millis::INFINITE) => table::millis(Millis::INFINITE),
        None => String::new(),
    }
}

/// An endpoint's p95 before and after, the change, and its interval.
pub(crate) fn cells(endpoint: &EndpointChange) -> [String; 4] {
    let p95 = &endpoint.p95;
    let interval = p95.interval.map(|(low, high)| format!("{} to {}", share(low, true), share(high, true)));
    let change = p95.change.map(|change| share(change, true));
    [before(endpoint), after(endpoint), change.unwrap_or_default(), interval.unwrap_or_default()]
}

fn before(endpoint: &EndpointChange) -> String {
    millis(endpoint.p95.before, endpoint.rounds_p95_ms.iter().map(|(base, _)| *base))
}

fn after(endpoint: &EndpointChange) -> String {
    millis(endpoint.p95.after, endpoint.rounds_p95_ms.iter().map(|(_, head)| *head))
}

/// "-1.2 % and +3.4 %".
fn between((low, high): (f64, f64)) -> String {
    format!("{} and {}", share(low, true), share(high, true))
}

/// Per cent with one decimal; with its sign, if it is a change.
fn share(share: f64, signed: bool) -> String {
    let percent = share * 100.0;
    // Minus nought is nought.
    let percent = if percent.abs() < 0.05 { 0.0 } else { percent };
    let digits = usize::from(percent.abs() < 100.0 && (signed || percent.fract().abs() > 1e-9));
    if signed { format!("{percent:+.digits$} %") } else { format!("{percent:.digits$} %") }
}
