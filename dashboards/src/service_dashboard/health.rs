//! Whether the service is well, at a glance.

use monitoring::backend_metrics::{self, REQUESTS};
use monitoring::catalogue::Catalogue;
use monitoring::label::{SCENARIO, STATUS, TESTID};
use monitoring::metric::Metric;
use monitoring::objective_counters;
use monitoring::prometheus::alerts::TOO_MANY_ERRORS;
use monitoring::promql::{Expr, Selector, Window};
use monitoring::ratio::Ratio;
use monitoring::slo::{Sli, Slo};

use super::chosen;
use crate::grafana::Panel;
use crate::layout::COLUMNS;
use crate::panel::{self, Query, Unit, time_series};

/// A dial for each promise of success, the error rate, the backend's own request rate, and each promise over time.
pub(super) fn panels(catalogue: &Catalogue) -> Vec<(u32, Panel)> {
    let successes = catalogue.slos.iter().filter(|slo| matches!(slo.sli, Sli::Success { .. }));
    let mut panels: Vec<_> = successes.map(|slo| (5, success(slo))).collect();
    panels.extend([(5, error_rate(catalogue)), (5, backend_rate())]);
    let taken: u32 = panels.iter().map(|(width, _)| width).sum();
    panels.push((COLUMNS.saturating_sub(taken).max(8), compliance(catalogue)));
    panels
}

/// A share as Grafana takes it.
pub(super) fn share(objective: Ratio) -> f64 {
    f64::from(objective.as_ppm()) / f64::from(Ratio::WHOLE)
}

fn all_of(selector: Selector) -> Expr {
    selector.with_variable(TESTID).with_variable(SCENARIO).last(Window::Range).sum()
}

fn success(slo: &Slo) -> Panel {
    let title = slo.endpoint().map_or(slo.subject(), |endpoint| endpoint.title);
    let (good, total) = objective_counters::good_and_total(slo, &all_of);
    let promised = share(slo.objective);
    let description = format!(
        "The share of requests to {} that succeeded, over the whole window. Promised: {}. Yellow: kept, with more than a \
         fifth of the error budget gone. Red: broken; see the errors by status in the report and the backend's log.",
        slo.subject(),
        slo.describe()
    );
    // A fifth of what may fail, in integers.
    let green = Ratio::ppm(slo.objective.rest().as_ppm() / 5).rest();
    let bands = panel::high_is_good(promised, share(green));
    panel::gauge(&format!("{title} success"), &description, Query::new("success", good.over(total)), bands)
}

/// The share of errors that is too much, by what is promised, and the share that an alert tells of.
pub(super) fn too_many(catalogue: &Catalogue) -> (Ratio, Ratio) {
    let promised = catalogue.slos.iter().find(|slo| matches!(slo.sli, Sli::NoError));
    let fifth = Ratio::ppm(TOO_MANY_ERRORS.as_ppm() / 5);
    (promised.map_or(fifth, |slo| slo.objective.rest()), TOO_MANY_ERRORS)
}

fn error_rate(catalogue: &Catalogue) -> Panel {
    let (yellow, red) = too_many(catalogue);
    let bands = panel::low_is_good(share(yellow), share(red));
    let all = |metric: Metric| chosen(metric.name).last(Window::Range).sum();
    let query = Query::new("failed", all(Metric::api_errors()).over(all(Metric::http_reqs())));
    panel::stat(
        "HTTP error rate",
        "The share of requests that failed, those without an answer included. Yellow: more than promised. Red: an alert \
         fires. No answers: is the backend up, does it run out of connections? 5xx: its log says why.",
        query,
        bands,
    )
}

fn backend_rate() -> Panel {
    let rate = backend_metrics::scraped(REQUESTS).rate(Window::RateInterval).sum_by(&[STATUS]);
    time_series(
        "Backend request rate",
        "Requests a second by the backend's own counters, whoever made them. Less than the load makes: something in \
         between answers, or requests get lost. More: somebody else uses the backend, and the run is not alone.",
        Unit::RequestsPerSecond,
        vec![Query::new("{{status}}", rate)],
    )
}

fn compliance(catalogue: &Catalogue) -> Panel {
    let grown = |selector: Selector| {
        selector.with_variable(TESTID).with_variable(SCENARIO).growth(Window::RateInterval).sum_by(&[TESTID])
    };
    let query = |slo: &Slo| {
        let kept = objective_counters::is_kept(slo, &grown, &[TESTID]).min_by(&[]);
        // Rows have little room: the promise in full stands in the panels of the endpoints.
        let subject = slo.endpoint().map_or(slo.subject(), |endpoint| endpoint.title);
        let query = Query::new(format!("{subject} {}", slo.describe_kind()), kept);
        match slo.sli {
            Sli::ResponseTime { .. } => query.may_be_empty("only open loads have response times"),
            Sli::Check { .. } => query.may_be_empty("not every scenario makes every check"),
            _ => query,
        }
    };
    panel::states(
        "SLO compliance",
        "Whether each objective was kept by the requests of the last moments, decided as the verdict is; if several runs \
         are chosen, whether all of them kept it. Warm-up is not judged, unless an objective says so.",
        "kept",
        "broken",
        catalogue.slos.iter().map(query).chain(catalogue.backend.iter().map(super::backend::is_kept)).collect(),
    )
}
