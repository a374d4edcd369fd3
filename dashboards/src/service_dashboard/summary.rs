//! The summary table: figures of every endpoint and run.

use std::time::Duration;

use monitoring::catalogue::Catalogue;
use monitoring::endpoint::Endpoint;
use monitoring::label::{LE, Label, NAME, TESTID};
use monitoring::metric::Metric;
use monitoring::objective_counters;
use monitoring::promql::{Expr, Selector, Window};
use monitoring::ratio::{Ratio, millis};
use monitoring::slo::Slo;

use super::health::too_many;
use super::load::every;
use super::{restrict_to_selection, selected};
use crate::grafana::{Panel, SortBy};
use crate::panel::{self, Cell, Column, Unit};
use crate::query::Query;

/// Labels of a row: endpoint and run.
const ROWS: [Label; 2] = [NAME, TESTID];

fn last(selector: Selector) -> Expr {
    selector.last(Window::Range).sum_by(&ROWS)
}

/// As [`last`], for a selector without the dashboard's variables.
fn last_selected(selector: Selector) -> Expr {
    last(restrict_to_selection(selector))
}

/// Joins one expression for each item by `or`.
fn each<T>(items: impl Iterator<Item = T>, expr: impl FnMut(T) -> Expr) -> Expr {
    items.map(expr).reduce(Expr::or).unwrap_or(Expr::Integer(0))
}

fn quantile(histogram: Selector, q: Ratio) -> Expr {
    histogram.last(Window::Range).sum_by(&[NAME, TESTID, LE]).quantile(q)
}

/// Duration of each run within the time range, in seconds.
fn seconds() -> Expr {
    let at = || {
        let step = monitoring::intervals::PUSH_INTERVAL;
        Expr::Subquery(Box::new(selected(Metric::vus().name).now().timestamp()), Window::Range, step)
    };
    let latest = Expr::Call("max_over_time", vec![at()]);
    latest.minus(Expr::Call("min_over_time", vec![at()])).max_by(&[TESTID])
}

pub(super) fn table(catalogue: &Catalogue) -> Panel {
    let histograms = || catalogue.endpoints.iter().map(|endpoint| Metric::latency(endpoint).name);
    let buckets = || every("bucket", histograms());
    let with_slo =
        || catalogue.endpoints.iter().filter_map(|endpoint| Some((endpoint, catalogue.latency_slo(endpoint)?)));
    let requests = || last(selected(Metric::http_reqs().name));
    // Growth in the time range, which may show only a part of the run.
    let grown = selected(Metric::http_reqs().name).growth(Window::Range).sum_by(&ROWS);
    let failed = last(selected(Metric::api_errors().name));
    let p95 = Ratio::percent(95);
    let share_of_threshold = each(with_slo(), |(endpoint, slo)| share_of_threshold(endpoint, slo));
    let budget = each(with_slo(), |(_, slo)| objective_counters::budget_left(slo, &last_selected));
    let column = |title, (unit, decimals, width), query| Column { title, unit, decimals, width, bands: None, query };
    let of_run = |expr| Query::new("", expr);
    let of_all = |expr| of_run(expr).about_endpoints(catalogue.endpoints);
    let of_limited = |expr| of_run(expr).about_endpoints(with_slo().map(|(endpoint, _)| endpoint));
    let milliseconds = (Unit::Milliseconds, 0, 75);
    let banded = |column: Column, bands, cell| Column { bands: Some((bands, cell)), ..column };
    let (yellow, red) = too_many(catalogue);
    let success_bands = panel::high_is_good(red.rest().as_f64(), yellow.rest().as_f64());
    let columns = vec![
        column("Requests", (Unit::ExactCount, 0, 85), of_run(requests())),
        column(
            "Rate",
            (Unit::RequestsPerSecond, 1, 90),
            of_run(grown.divided_by_each(&[TESTID], seconds().above_zero())),
        ),
        column("p50", milliseconds, of_all(quantile(buckets(), Ratio::percent(50)))),
        column("p95", milliseconds, of_all(quantile(buckets(), p95))),
        banded(
            column("p95 / objective", (Unit::Share, 0, 120), of_limited(share_of_threshold)),
            panel::low_is_good(0.8, 1.0),
            Cell::Bar,
        ),
        banded(
            column("Success", (Unit::Share, 2, 80), of_run(Expr::Integer(1).minus(failed.divided_by(requests())))),
            success_bands,
            Cell::Text,
        ),
        banded(
            column("Budget left", (Unit::Share, 0, 95), of_limited(budget)),
            panel::high_is_good(0.0, 0.2),
            Cell::Text,
        ),
    ];
    panel::table(
        "Summary",
        "Each endpoint in each selected run, over the time range. p95 / objective: p95 of the judged \
         requests as a share of the objective, yellow from 80 % on. Budget left: unused share of \
         the requests that may be slow or fail; if negative, the objective is missed. Click on a \
         heading to sort.",
        &[("name", "Endpoint"), ("testid", "Run")],
        columns,
        SortBy { display_name: "p95 / objective", desc: true },
    )
}

fn share_of_threshold(endpoint: &Endpoint, slo: &Slo) -> Expr {
    let threshold = slo.threshold().unwrap_or(Duration::ZERO);
    // Only judged requests, as in the column "Budget left".
    let judged = slo.phases.select(selected(Metric::latency(endpoint).bucket()));
    let value = quantile(judged, slo.objective);
    value.divided_by(Expr::Decimal(millis(threshold)))
}
