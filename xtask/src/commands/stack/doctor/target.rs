//! Finds the mapping of a target's own metrics.

use std::collections::BTreeSet;

use monitoring::backend_mapping::BackendMapping;
use monitoring::services;

use super::{CheckResult, failed};
use crate::backend::mapping_fit::{self, MappingFit};
use crate::backend::target_metrics::{self, MetricsSource};

/// Finds the mapping that fits what the target exposes, and the line that names it. All known paths
/// are read: a service may have metrics of its process at one, and counts of requests at another.
pub(super) async fn mapping(source: impl Into<MetricsSource<'_>>) -> CheckResult {
    let source = source.into();
    let mut paths: Vec<_> = target_metrics::paths(None).into_iter().collect();
    paths.extend(BackendMapping::KNOWN.iter().map(|known| known.mapping.path).filter(|path| path.starts_with('/')));
    let mut tried = BTreeSet::new();
    paths.retain(|path| tried.insert(*path));
    let mut best: Option<(&str, MappingFit)> = None;
    let (mut without_count, mut why_not) = (Vec::new(), Vec::new());
    for path in paths {
        match target_metrics::read(source, path).await {
            Ok(samples) => match mapping_fit::fit(&samples, path) {
                Some(fit) if best.as_ref().is_none_or(|(_, known)| fit.is_better_than(known)) => {
                    best = Some((path, fit))
                }
                Some(_) => {}
                None => without_count.push(path),
            },
            Err(error) => why_not.push(error),
        }
    }
    let Some((path, fit)) = best else {
        // Metrics that need a login are there, unlike those at the other paths.
        let login = why_not.iter().find(|error| error.needs_login);
        return match (without_count.as_slice(), login.or_else(|| why_not.first())) {
            ([], error) => {
                let error = error.map(ToString::to_string).unwrap_or_default();
                failed(format!("none: {error}"), "see monitoring/BACKEND_METRICS.md")
            }
            (paths, _) => failed(
                format!("none: no count of requests at {}", paths.join(", ")),
                "send some requests and repeat this command; if it finds no count again, see monitoring/BACKEND_METRICS.md",
            ),
        };
    };
    let durations = if fit.has_durations() { "with durations" } else { "without durations" };
    let routes = if fit.is_by_route() { "by route" } else { "not by route" };
    let found = format!("{} at {path}, {routes}, {durations}", fit.make);
    let mapping = fit.mapping();
    let fitting = services::ALL.iter().filter(|catalogue| catalogue.mapping == mapping);
    let fitting: Vec<_> = fitting.map(|catalogue| catalogue.service).collect();
    if !fitting.is_empty() {
        return Ok(format!("{found}, as in the definition of {}", fitting.join(", ")));
    }
    failed(found, format!("in the service's definition: mapping: {fit}, or for one run: --backend-metrics '{fit}'"))
}

#[cfg(test)]
mod tests;
