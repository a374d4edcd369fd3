//! Panels that show the health of the service at a glance.

use monitoring::backend_metrics;
use monitoring::catalogue::Catalogue;
use monitoring::label::TESTID;
use monitoring::metric::Metric;
use monitoring::objective_counters::{self, ObjectiveCounters};
use monitoring::prometheus::alerts::TOO_MANY_ERRORS;
use monitoring::promql::{Expr, Selector, Window};
use monitoring::ratio::Ratio;
use monitoring::slo::{Sli, Slo};

use super::{restrict_to_selection, selected};
use crate::grafana::Panel;
use crate::layout::COLUMNS;
use crate::panel::{self, Unit, time_series};
use crate::query::Query;

/// A gauge for each success objective, the error rate, the backend's own request rate, and all
/// objectives over time.
pub(super) fn panels(catalogue: &Catalogue) -> Vec<(u32, Panel)> {
    let successes = catalogue.slos.iter().filter(|slo| matches!(slo.sli, Sli::Success { .. }));
    let mut panels: Vec<_> = successes.map(|slo| (5, success(slo))).collect();
    panels.extend([(5, error_rate(catalogue)), (5, backend_rate(catalogue))]);
    let taken: u32 = panels.iter().map(|(width, _)| width).sum();
    panels.push((COLUMNS.saturating_sub(taken).max(8), compliance(catalogue)));
    panels
}

fn sum_selected(selector: Selector) -> Expr {
    restrict_to_selection(selector).last(Window::Range).sum()
}

fn success(slo: &Slo) -> Panel {
    let title = slo.endpoint().map_or(slo.subject(), |endpoint| endpoint.title);
    let scope = slo.describe_scope();
    let ObjectiveCounters { good, total } = objective_counters::counters(slo, &sum_selected);
    let description = format!(
        "Share of requests to {} that succeeded in the time range. Objective: {}. Yellow: met, but \
         more than a fifth of the error budget is used. Red: missed; check the errors by status in \
         the report, and the backend log.",
        slo.subject(),
        slo.describe()
    );
    // A fifth of the error budget, in integers.
    let green = Ratio::ppm(slo.objective.rest().as_ppm() / 5).rest();
    let bands = panel::high_is_good(slo.objective.as_f64(), green.as_f64());
    let query = Query::new("success", good.divided_by(total)).about_endpoints(slo.endpoint());
    panel::gauge(&format!("{title} success{scope}"), &description, query, bands)
}

/// Share of failed requests above which the objective is missed, and share above which the alert
/// fires.
pub(super) fn too_many(catalogue: &Catalogue) -> (Ratio, Ratio) {
    let objective = catalogue
        .slos
        .iter()
        .find(|slo| matches!(slo.sli, Sli::NoError) && slo.part.is_none() && slo.segment.is_none());
    let fifth = Ratio::ppm(TOO_MANY_ERRORS.as_ppm() / 5);
    (objective.map_or(fifth, |slo| slo.objective.rest()), TOO_MANY_ERRORS)
}

fn error_rate(catalogue: &Catalogue) -> Panel {
    let (yellow, red) = too_many(catalogue);
    let bands = panel::low_is_good(yellow.as_f64(), red.as_f64());
    let all = |metric: Metric| selected(metric.name).last(Window::Range).sum();
    let query = Query::new("failed", all(Metric::api_errors()).divided_by(all(Metric::http_reqs())));
    panel::stat(
        "HTTP error rate",
        "Share of requests that failed in the time range; a request without a response has failed. \
         Yellow: above the objective. Red: above the alert threshold; without responses, check \
         whether the backend is up and has free connections; for status 5xx, read its log.",
        query,
        bands,
    )
}

fn backend_rate(catalogue: &Catalogue) -> Panel {
    let rate = backend_metrics::scraped(catalogue.mapping.requests).rate(Window::RateInterval);
    let query = match catalogue.mapping.status {
        Some(status) => Query::new("", rate.sum_by(&[status])).by(&[status]),
        None => Query::new("requests", rate.sum()),
    };
    time_series(
        "Backend request rate",
        "Requests a second by status, from all clients, counted by the backend. If it is lower \
         than the load, something in between responds, or requests are lost. If it is higher, \
         other clients use the backend, too.",
        Unit::RequestsPerSecond,
        vec![query],
    )
}

fn compliance(catalogue: &Catalogue) -> Panel {
    let query = |slo: &Slo| {
        let met = objective_counters::is_met(slo, Window::RateInterval, &restrict_to_selection, &[TESTID]).min_by(&[]);
        // Rows have little room. The endpoints' own panels show the complete objective.
        let subject = slo.endpoint().map_or(slo.subject(), |endpoint| endpoint.title);
        let text = if catalogue.is_main(slo) { slo.describe_kind() } else { slo.describe() };
        Query::new(format!("{subject} {text}"), met).about_objective(catalogue, slo)
    };
    panel::states(
        "Objectives over time",
        "Whether the latest requests meet each objective, judged as the verdict is; all selected \
         runs must meet it. Warm-up is not judged unless the objective includes it. Red: missed; \
         look at the endpoint's own panel.",
        "met",
        "missed",
        catalogue.slos.iter().map(query).chain(catalogue.backend_slos.iter().map(super::backend::is_met)).collect(),
    )
}
