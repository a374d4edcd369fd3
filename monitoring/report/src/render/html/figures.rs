//! Charts, and tables with the same values.

use std::collections::BTreeSet;

use maud::{Markup, html};
use monitoring::phase::Phase;
use monitoring::ratio::Ratio;

use super::chart::{Axis, Band, Chart, Level, Line, NARROW, WIDE, clock};
use super::heads;
use crate::evidence::{EndpointSlice, Slice};
use crate::format::{count, counted, counted_part, millis, percent};
use crate::judgement::{EndpointResult, ObjectiveResult};
use crate::{Millis, Report};

/// Share of two counts in percent.
pub(super) fn share(part: u64, whole: u64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "only displayed")]
    let share = part as f64 / whole.max(1) as f64;
    percent(share)
}

#[expect(clippy::cast_precision_loss, reason = "a place on a chart")]
fn seconds(ms: u64) -> f64 {
    ms as f64 / 1e3
}

fn middle(slice: &Slice) -> f64 {
    seconds(slice.from_ms + slice.to_ms) / 2.0
}

/// A level for each objective on the latency of an endpoint.
fn slo(report: &Report, endpoint: &EndpointResult) -> Vec<Level> {
    let is_wanted = |objective: &&ObjectiveResult| objective.goal.is_latency() && objective.subject == endpoint.name;
    let level = |objective: &ObjectiveResult| {
        Some(Level { name: objective.objective.clone(), class: "slo", at: objective.goal.threshold_ms()? })
    };
    report.objectives.iter().filter(is_wanted).filter_map(level).collect()
}

/// Times in which the load was not steady.
fn spans(slices: &[Slice]) -> Vec<Band> {
    let mut spans: Vec<Band> = Vec::new();
    for slice in slices {
        let class = match slice.phase {
            Some(Phase::WarmUp) => "warmup",
            Some(Phase::Ramp) => "ramp",
            Some(Phase::Steady) | None => continue,
        };
        let (from, to) = (seconds(slice.from_ms), seconds(slice.to_ms));
        match spans.last_mut().filter(|last| last.class == class && last.to >= from) {
            Some(last) => last.to = to,
            None => spans.push(Band { from, to, class }),
        }
    }
    spans
}

fn end(report: &Report) -> f64 {
    report.run.timeline.slices.last().map_or(1.0, |slice| seconds(slice.to_ms))
}

/// A line with a value for each section.
fn line(report: &Report, name: &str, class: &'static str, value: impl Fn(&Slice) -> Option<f64>) -> Line {
    let points = report.run.timeline.slices.iter().map(|slice| (middle(slice), value(slice))).collect();
    Line { name: name.to_owned(), class, points }
}

fn tips(report: &Report, text: impl Fn(&Slice) -> String) -> Vec<(f64, f64, String)> {
    let tip = |slice: &Slice| {
        let (from, to) = (seconds(slice.from_ms), seconds(slice.to_ms));
        (from, to, format!("{} – {}\n{}", clock(from), clock(to), text(slice)))
    };
    report.run.timeline.slices.iter().map(tip).collect()
}

/// The percentiles of an endpoint that are drawn over time, each with its CSS class: p50, p95, and
/// others that an objective limits.
fn drawn_percentiles(report: &Report, endpoint: &EndpointResult) -> Vec<(Ratio, &'static str)> {
    let [p50, p95] = [50, 95].map(Ratio::percent);
    let slices = report.run.timeline.slices.iter().filter_map(|slice| slice.endpoints.get(&endpoint.name));
    let judged: BTreeSet<_> = slices.flat_map(|counts| &counts.further).map(|point| Ratio::ppm(point.ppm)).collect();
    let further = judged.into_iter().zip(["p99", "further"].into_iter().cycle());
    [(p50, "p50"), (p95, "p95")].into_iter().chain(further).collect()
}

fn shown(counts: &EndpointSlice, q: Ratio) -> String {
    counts.percentile(q).map(millis).unwrap_or_default()
}

/// Latency of an endpoint over time, with its objectives.
pub(super) fn latency(report: &Report, endpoint: &EndpointResult) -> Chart {
    let drawn = drawn_percentiles(report, endpoint);
    let lines: Vec<_> = drawn
        .iter()
        .map(|&(q, class)| {
            let value = |slice: &Slice| slice.endpoints.get(&endpoint.name)?.percentile(q);
            line(report, &q.as_quantile(), class, |slice| value(slice).map(Millis::as_f64))
        })
        .collect();
    let levels = slo(report, endpoint);
    let values = lines.iter().flat_map(|line| line.points.iter().filter_map(|(_, value)| *value));
    let y = Axis::from_zero(values.chain(levels.iter().map(|level| level.at)), |value| format!("{value} ms"));
    let text = |slice: &Slice| match slice.endpoints.get(&endpoint.name) {
        Some(counts) => format!(
            "{}\n{}, {} failed",
            drawn
                .iter()
                .map(|(q, _)| format!("{} {}", q.as_quantile(), shown(counts, *q)))
                .collect::<Vec<_>>()
                .join(", "),
            counted(counts.requests, "request"),
            count(counts.failed)
        ),
        None => "no requests".to_owned(),
    };
    let label = format!(
        "{}: {} latency over time; p95 of the whole run: {}",
        endpoint.name,
        lines.iter().map(|line| &*line.name).collect::<Vec<_>>().join(" and "),
        endpoint.p95_ms.map_or_else(|| "unknown".to_owned(), millis)
    );
    let spans = spans(&report.run.timeline.slices);
    Chart { label, size: NARROW, x: Axis::time(end(report)), y, lines, levels, spans, tips: tips(report, text) }
}

pub(super) fn latency_table(report: &Report, endpoint: &EndpointResult) -> Markup {
    let drawn = drawn_percentiles(report, endpoint);
    html! {
        details {
            summary { "values" }
            div { table {
                thead { tr {
                    th { "time" }
                    @for (q, _) in &drawn { th class="n" { (q.as_quantile()) } }
                    (heads(&[], &["requests", "failed"]))
                } }
                tbody {
                    @for slice in &report.run.timeline.slices {
                        @if let Some(counts) = slice.endpoints.get(&endpoint.name) {
                            tr {
                                th scope="row" { (clock(seconds(slice.from_ms))) }
                                @for (q, _) in &drawn { td class="n" { (shown(counts, *q)) } }
                                td class="n" { (count(counts.requests)) } td class="n" { (count(counts.failed)) }
                            }
                        }
                    }
                }
            } }
        }
    }
}

/// Position of a percentile on the x axis. Each additional nine takes the same space.
fn nines(ppm: u32) -> f64 {
    -(1.0 - Ratio::ppm(ppm).as_f64()).log10()
}

pub(super) fn percentiles(report: &Report, endpoint: &EndpointResult) -> Chart {
    let points: Vec<_> = endpoint.curve.iter().map(|point| (nines(point.ppm), Some(point.ms.as_f64()))).collect();
    let levels = slo(report, endpoint);
    let values = points.iter().filter_map(|(_, value)| *value);
    let y = Axis::from_zero(values.chain(levels.iter().map(|level| level.at)), |value| format!("{value} ms"));
    let to = points.last().map_or(1.0, |(x, _)| *x).max(1.0);
    let ticks = [500_000, 900_000, 990_000, 999_000, 999_900, 999_990];
    let ticks = ticks.into_iter().map(|ppm| (nines(ppm), Ratio::ppm(ppm).as_quantile()));
    let x =
        Axis { from: 0.0, to, ticks: ticks.filter(|(at, _)| *at <= to).collect(), format: |value| value.to_string() };
    let edges: Vec<f64> = points.iter().map(|(x, _)| *x).collect();
    let tip = |at: usize| {
        let from = if at == 0 { 0.0 } else { (edges[at - 1] + edges[at]) / 2.0 };
        let upper = edges.get(at + 1).map_or(to, |next| (edges[at] + next) / 2.0);
        let point = endpoint.curve[at];
        (from, upper, format!("{} {}", Ratio::ppm(point.ppm).as_quantile(), millis(point.ms)))
    };
    let tips = (0..edges.len()).map(tip).collect();
    let label = format!("{}: latency by percentile", endpoint.name);
    let line = Line { name: "latency by percentile".to_owned(), class: "p95", points };
    Chart { label, size: NARROW, x, y, lines: vec![line], levels, spans: Vec::new(), tips }
}

pub(super) fn percentile_table(endpoint: &EndpointResult) -> Markup {
    html! {
        details {
            summary { "values" }
            div { table {
                thead { tr { th { "percentile" } th class="n" { "latency" } } }
                tbody { @for point in &endpoint.curve {
                    tr { th scope="row" { (Ratio::ppm(point.ppm).as_quantile()) } td class="n" { (millis(point.ms)) } }
                } }
            } }
        }
    }
}

/// Charts of the load with their titles: VUs, requests per second, and arrivals per second of an
/// open load.
pub(super) fn load(report: &Report) -> Vec<(&'static str, Chart)> {
    let slices = &report.run.timeline.slices;
    if slices.is_empty() {
        return Vec::new();
    }
    #[expect(clippy::cast_precision_loss, reason = "a rate")]
    let rate = |count: u64, slice: &Slice| count as f64 / seconds(slice.to_ms.saturating_sub(slice.from_ms)).max(1e-3);
    let chart = |label: &str, lines: Vec<Line>, tips: Vec<(f64, f64, String)>| {
        let values = lines.iter().flat_map(|line| line.points.iter().filter_map(|(_, value)| *value));
        let y = Axis::from_zero(values, |value| value.to_string());
        Chart {
            label: label.to_owned(),
            size: WIDE,
            x: Axis::time(end(report)),
            y,
            lines,
            levels: Vec::new(),
            spans: spans(slices),
            tips,
        }
    };
    let is_open = slices.iter().any(|slice| slice.due.is_some());
    let vus = vec![
        line(report, if is_open { "maximum" } else { "planned" }, "planned", |slice| {
            Some(f64::from(slice.planned_vus))
        }),
        line(report, "active", "actual", |slice| Some(f64::from(slice.vus))),
    ];
    let vus_tips = tips(report, |slice| counted_part(slice.vus.into(), slice.planned_vus.into(), "VU"));
    let mut rates = vec![line(report, "requests finished", "actual", |slice| Some(rate(slice.requests, slice)))];
    rates.push(line(report, "failed", "p99", |slice| Some(rate(slice.failed, slice))));
    let rate_tips = tips(report, |slice| {
        format!("{:.1} req/s, {:.1} failed", rate(slice.requests, slice), rate(slice.failed, slice))
    });
    let mut charts = vec![
        ("VUs", chart("VUs over time, planned and active", vus, vus_tips)),
        ("Requests per second", chart("requests per second over time", rates, rate_tips)),
    ];
    if is_open {
        let arrivals = vec![
            line(report, "due", "planned", |slice| slice.due.map(|due| rate(due, slice))),
            line(report, "started", "actual", |slice| slice.begun.map(|begun| rate(begun, slice))),
        ];
        let tips = tips(report, |slice| {
            format!("{} due, {} started", slice.due.unwrap_or_default(), slice.begun.unwrap_or_default())
        });
        charts.push(("Arrivals per second", chart("arrivals per second over time, due and started", arrivals, tips)));
    }
    charts
}

/// An SVG that needs no style sheet: the share of comparisons that detect a slow-down, by its size.
/// `points` is for a busy shared runner and `also` for a quiet machine, each as (slow-down, share),
/// from 0 to 1.
pub fn operating_characteristic(points: &[(f64, f64)], also: &[(f64, f64)], margin: f64, detect: f64) -> String {
    const STYLE: &str = "svg{background:#fff;font-family:system-ui,sans-serif}text{font-size:12px;fill:#5b6472}\
        .y{text-anchor:end}.x{text-anchor:middle}\
        .end{text-anchor:end}.grid{stroke:#e8ebf0}.mark{stroke:#5b6472}.line{fill:none;stroke-width:2.5}\
        .p95{stroke:#d9730d}.p50{stroke:#2f6fd0}\
        .level{stroke:#c0262d;stroke-dasharray:6 4}.ramp{fill:#0000000d}.tip{fill:none}";
    let most = points.last().map_or(0.2, |(change, _)| *change);
    let ticks = (0_u32..).map(|at| f64::from(at) * 0.05).take_while(|at| *at <= most + 1e-9);
    let x = Axis {
        from: 0.0,
        to: most,
        ticks: ticks
            .map(|at| (at, if at == 0.0 { "same code".to_owned() } else { format!("+{}", percent(at)) }))
            .collect(),
        format: percent,
    };
    let y = Axis { from: 0.0, to: 1.0, ticks: Vec::new(), format: percent };
    let line = |name: &str, class, points: &[(f64, f64)]| Line {
        name: name.to_owned(),
        class,
        points: points.iter().map(|(change, found)| (*change, Some(*found))).collect(),
    };
    let chart = Chart {
        label: format!(
            "share of comparisons that report an endpoint as regressed, by its slow-down: few up to the margin of {}, \
             nearly all from {} on",
            percent(margin),
            percent(detect)
        ),
        size: WIDE,
        x,
        y,
        lines: vec![line("busy shared runner", "p95", points), line("quiet machine", "p50", also)],
        levels: vec![Level { name: "95 %".to_owned(), class: "slo", at: 0.95 }],
        spans: vec![Band { from: 0.0, to: margin, class: "ramp" }],
        tips: Vec::new(),
    };
    chart.svg(STYLE) + "\n"
}
