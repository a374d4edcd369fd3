//! Panels of the scenarios' own measures.

use std::time::Duration;

use monitoring::catalogue::Catalogue;
use monitoring::excuse::Excuse;
use monitoring::label::{SCENARIO, TESTID};
use monitoring::measure::{Limit, Measure, MeasureKind, Reading};
use monitoring::metric::Metric;
use monitoring::prometheus::recording_rules::RECORDED;
use monitoring::promql::{self, Selector, Window};
use monitoring::slo::{Sli, Slo};

use super::selected;
use crate::grafana::Panel;
use crate::panel::{Unit, time_series};
use crate::query::Query;

/// A panel for each measure, and one for the sum of each counter whose sum an objective limits.
pub(super) fn panels(catalogue: &Catalogue) -> Vec<Panel> {
    let sums = catalogue.measures.iter().filter_map(|measure| sum(catalogue, measure));
    catalogue.measures.iter().map(|measure| panel(catalogue, measure)).chain(sums).collect()
}

/// Objectives on the sum of a counter.
fn slos_on_sum(catalogue: &Catalogue, measure: &Measure) -> Vec<&'static Slo> {
    let slos = catalogue.slos.iter().filter(|slo| slo.measure() == Some(measure));
    slos.filter(|slo| is_on_sum(slo)).collect()
}

/// Objectives on a measure, without those on the sum of a counter.
fn other_slos(catalogue: &Catalogue, measure: &Measure) -> Vec<&'static Slo> {
    let slos = catalogue.slos.iter().filter(|slo| slo.measure() == Some(measure));
    slos.filter(|slo| !is_on_sum(slo)).collect()
}

const fn is_on_sum(slo: &Slo) -> bool {
    matches!(slo.sli, Sli::Value { reading: Reading::Count, .. })
}

fn panel(catalogue: &Catalogue, measure: &Measure) -> Panel {
    let slos = other_slos(catalogue, measure);
    let series = || selected(Metric::measure(measure).name);
    let rate = |selector: Selector| selector.rate(Window::RateInterval).sum_by(&[TESTID]);
    let (what, unit, queries) = match measure.kind {
        MeasureKind::Trend => ("Percentiles of the values", Unit::Count, trend(measure, &slos)),
        MeasureKind::Counter => ("Growth a second", Unit::Count, vec![Query::new("", rate(series())).by(&[TESTID])]),
        MeasureKind::Gauge => ("The last value of each part", Unit::Count, last(measure)),
        MeasureKind::Rate => {
            let passed = rate(selected(Metric::measure_passed(measure).name));
            let query = Query::new("", passed.divided_by(rate(series()))).by(&[TESTID]);
            ("Share of the values that are not zero", Unit::Share, vec![query])
        }
    };
    let panel = time_series(measure.title, &describe(what, &slos), unit, about(catalogue, &slos, queries));
    match measure.kind {
        MeasureKind::Rate => slos.iter().fold(panel, |panel, slo| panel.limit(Limit::AtLeast(slo.objective.as_f64()))),
        _ => limited(panel.slo_lines(&slos.iter().filter_map(|slo| limit(slo)).collect::<Vec<_>>()), &slos),
    }
}

fn sum(catalogue: &Catalogue, measure: &Measure) -> Option<Panel> {
    let slos = slos_on_sum(catalogue, measure);
    let sum = selected(Metric::measure(measure).name).now().sum_by(&[TESTID]);
    let queries = vec![Query::new("", sum).by(&[TESTID])];
    let title = format!("{}: sum", measure.title);
    let description = describe("The sum of all values", &slos);
    let panel = || time_series(&title, &description, Unit::Count, about(catalogue, &slos, queries));
    (!slos.is_empty()).then(|| limited(panel(), &slos))
}

/// The description of a panel: the shown values and their objectives.
fn describe(what: &str, slos: &[&Slo]) -> String {
    let limits: Vec<_> = slos.iter().map(|slo| slo.describe()).collect();
    let objective = if limits.is_empty() { String::new() } else { format!(" Objective: {}.", limits.join("; ")) };
    format!("{what}, recorded by the scenario.{objective}")
}

/// The queries of a panel about the first of these objectives.
fn about(catalogue: &Catalogue, slos: &[&Slo], queries: Vec<Query>) -> Vec<Query> {
    let of_objective = |query: Query| match slos.first() {
        Some(slo) => query.about_objective(catalogue, slo),
        None => query,
    };
    queries.into_iter().map(|query| of_objective(query.excused(Excuse::OtherMeasures))).collect()
}

/// Draws the limits of objectives on values.
fn limited(panel: Panel, slos: &[&Slo]) -> Panel {
    #[expect(clippy::cast_precision_loss, reason = "only drawn")]
    let limits = slos.iter().filter_map(|slo| slo.limit()).map(|limit| limit.map(|value| value as f64));
    limits.fold(panel, Panel::limit)
}

/// The last value of a gauge in each part.
fn last(measure: &Measure) -> Vec<Query> {
    let values = selected(Metric::measure(measure).name).now().max_by(&[SCENARIO, TESTID]);
    vec![Query::new("", values).by(&[SCENARIO, TESTID])]
}

/// p50 and p95, and other quantiles that an objective limits.
fn trend(measure: &Measure, slos: &[&Slo]) -> Vec<Query> {
    let mut quantiles: Vec<_> = RECORDED.iter().map(|(_, q)| *q).chain(slos.iter().map(|slo| slo.objective)).collect();
    quantiles.sort_unstable();
    quantiles.dedup();
    let query = |q: monitoring::ratio::Ratio| {
        let buckets = selected(Metric::measure(measure).bucket());
        let expr = promql::quantile_over(buckets, q, &[TESTID], Window::RateInterval);
        Query::new(q.as_quantile(), expr).by(&[TESTID])
    };
    quantiles.into_iter().map(query).collect()
}

fn limit(slo: &Slo) -> Option<Duration> {
    match slo.sli {
        Sli::Measure { at_most, .. } => at_most.map(monitoring::measure::as_duration),
        _ => None,
    }
}
