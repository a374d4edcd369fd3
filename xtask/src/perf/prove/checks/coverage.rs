//! The check of coverage: routes of the backend without an objective.

use std::collections::BTreeSet;

use monitoring::backend_mapping::BackendMapping;
use monitoring::catalogue::Catalogue;
use monitoring::endpoint::Endpoint;
use perf_report::format::{counted_part, first_items};
use prometheus_store::openapi::ApiRoute;

use super::proof_check::ProofCheck;
use crate::perf::prove::backend::exposed_metrics::{ExposedMetrics, has_method};

/// Limit on the routes that the check names. A backend may count each value of a path by itself.
const SHOWN_ROUTES: usize = 20;

/// Whether a route is an endpoint's.
fn has_route(mapping: &BackendMapping, endpoint: &Endpoint, route: &ApiRoute) -> bool {
    let is_path = |known: &str| without_names(known) == without_names(&route.path);
    has_method(route, endpoint) && (is_path(endpoint.handler()) || is_path(&mapping.route(endpoint)))
}

/// A path with `{}` for each value. A service and its catalogue may give values other names.
fn without_names(path: &str) -> String {
    path.split('/').map(|part| if part.starts_with('{') { "{}" } else { part }).collect::<Vec<_>>().join("/")
}

/// Lists the backend's routes that have no objective. They do not fail the proof.
pub(crate) fn check(catalogue: &Catalogue, exposed: &ExposedMetrics, served: Option<BTreeSet<ApiRoute>>) -> ProofCheck {
    const CHECK: &str = "coverage";
    let requested = exposed.routes();
    let (routes, noun, source) = match &served {
        Some(routes) => (routes, "route", " of the backend's OpenAPI document"),
        None => (&requested, "requested route", ""),
    };
    if routes.is_empty() {
        return ProofCheck::without(CHECK, "routes", "the backend's routes are unknown");
    }
    let has_objective = |route: &&ApiRoute| {
        catalogue
            .slos
            .iter()
            .filter_map(|slo| slo.endpoint())
            .any(|endpoint| has_route(&catalogue.mapping, endpoint, route))
    };
    let (with, without): (Vec<_>, Vec<_>) = routes.iter().partition(has_objective);
    let named = if without.is_empty() {
        String::new()
    } else {
        format!("; without an objective: {}", first_items(without, SHOWN_ROUTES, ", ", " "))
    };
    let routes = counted_part(with.len() as u64, routes.len() as u64, noun);
    let figures = format!("objectives on {routes}{source}{named}");
    ProofCheck::new(CHECK, figures, Vec::new())
}

#[cfg(test)]
mod tests;
