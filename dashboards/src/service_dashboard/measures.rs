//! Panels of the scenarios' own measures.

use std::time::Duration;

use monitoring::catalogue::Catalogue;
use monitoring::label::TESTID;
use monitoring::measure::{Measure, MeasureKind};
use monitoring::metric::Metric;
use monitoring::prometheus::recording_rules::RECORDED;
use monitoring::promql::{self, Selector, Window};
use monitoring::slo::{Sli, Slo};

use super::health::share;
use super::selected;
use crate::grafana::Panel;
use crate::panel::{Query, Unit, time_series};

const NOT_RECORDED: &str = "not every scenario records this measure";

/// A panel for each measure.
pub(super) fn panels(catalogue: &Catalogue) -> Vec<Panel> {
    catalogue.measures.iter().map(|measure| panel(catalogue, measure)).collect()
}

fn panel(catalogue: &Catalogue, measure: &Measure) -> Panel {
    let slos: Vec<_> = catalogue.slos.iter().filter(|slo| slo.measure() == Some(measure)).collect();
    let series = || selected(Metric::measure(measure).name);
    let rate = |selector: Selector| selector.rate(Window::RateInterval).sum_by(&[TESTID]);
    let (what, unit, queries) = match measure.kind {
        MeasureKind::Trend => ("Percentiles of the values", Unit::Count, trend(measure, &slos)),
        MeasureKind::Counter => ("Growth a second", Unit::Count, vec![Query::new("{{testid}}", rate(series()))]),
        MeasureKind::Gauge => {
            ("The last value", Unit::Count, vec![Query::new("{{testid}}", series().now().sum_by(&[TESTID]))])
        }
        MeasureKind::Rate => {
            let passed = rate(selected(Metric::measure_passed(measure).name));
            let query = Query::new("{{testid}}", passed.over(rate(series())));
            ("Share of the values that are not zero", Unit::Share, vec![query])
        }
    };
    let limits: Vec<_> = slos.iter().map(|slo| slo.describe()).collect();
    let objective = if limits.is_empty() { String::new() } else { format!(" Objective: {}.", limits.join("; ")) };
    let description = format!("{what}, recorded by the scenario.{objective}");
    let of_objective = |query: Query| match slos.first() {
        Some(slo) => query.of_objective(catalogue, slo),
        None => query,
    };
    let queries = queries.into_iter().map(|query| of_objective(query.may_be_empty(NOT_RECORDED))).collect();
    let panel = time_series(measure.title, &description, unit, queries);
    match measure.kind {
        MeasureKind::Rate => slos.iter().fold(panel, |panel, slo| panel.lower_limit(share(slo.objective))),
        _ => panel.slo_lines(&slos.iter().filter_map(|slo| limit(slo)).collect::<Vec<_>>()),
    }
}

/// p50 and p95, and other quantiles that an objective limits.
fn trend(measure: &Measure, slos: &[&Slo]) -> Vec<Query> {
    let mut quantiles: Vec<_> = RECORDED.iter().map(|(_, q)| *q).chain(slos.iter().map(|slo| slo.objective)).collect();
    quantiles.sort_unstable();
    quantiles.dedup();
    let query = |q: monitoring::ratio::Ratio| {
        let buckets = selected(Metric::measure(measure).bucket());
        let expr = promql::quantile_over(buckets, q, &[TESTID], Window::RateInterval);
        Query::new(format!("{} {{{{testid}}}}", q.as_quantile()), expr)
    };
    quantiles.into_iter().map(query).collect()
}

fn limit(slo: &Slo) -> Option<Duration> {
    match slo.sli {
        Sli::Measure { at_most, .. } => at_most.map(monitoring::measure::as_duration),
        _ => None,
    }
}
