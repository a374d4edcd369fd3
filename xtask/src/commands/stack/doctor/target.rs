//! Finds the mapping of a target's own metrics.

use std::collections::BTreeSet;

use monitoring::backend_mapping::BackendMapping;
use monitoring::services;
use url::Url;

use super::{CheckResult, failed};
use crate::backend::mapping_fit::{self, MappingFit};
use crate::backend::target_metrics;

/// Finds the mapping that fits what the target exposes, and the line that names it. All known paths
/// are read: a service may have metrics of its process at one, and counts of requests at another.
pub(super) async fn mapping(target: &Url) -> CheckResult {
    let mut paths: Vec<_> = target_metrics::paths(None).into_iter().collect();
    paths.extend(BackendMapping::KNOWN.iter().map(|known| known.mapping.path).filter(|path| path.starts_with('/')));
    let mut tried = BTreeSet::new();
    paths.retain(|path| tried.insert(*path));
    let mut best: Option<(&str, MappingFit)> = None;
    let (mut without_count, mut why_not) = (Vec::new(), Vec::new());
    for path in paths {
        match target_metrics::read(target, path).await {
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
                "send some requests and ask again; if it stays so, see monitoring/BACKEND_METRICS.md",
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
mod tests {
    use test_support::fake_server;

    use super::*;

    /// The check of a target that responds to a path with this text, and else with 404.
    async fn check_mapping(metrics: &'static [(&'static str, &'static str)]) -> CheckResult {
        let url = fake_server::respond(move |request| {
            let path = request.split(' ').nth(1).unwrap_or_default();
            match metrics.iter().find(|(known, _)| *known == path) {
                Some((_, "401")) => ("401 Unauthorized", String::new()),
                Some((_, text)) => ("200 OK", (*text).to_owned()),
                None => ("404 Not Found", String::new()),
            }
        });
        mapping(&Url::parse(&url).unwrap()).await
    }

    #[tokio::test]
    async fn the_best_mapping_of_all_known_paths_is_named() {
        const BY_ROUTE: &str = "http_server_requests_seconds_count{uri=\"/a\",method=\"GET\",status=\"200\"} 1\n";
        const TOTAL: &str = "http_requests_total{code=\"200\",method=\"get\"} 1\n";
        const PROCESS: &str = "process_start_time_seconds 1\n";
        for other in [PROCESS, TOTAL] {
            let both = [("/metrics", other), ("/actuator/prometheus", BY_ROUTE)];
            let (found, remedy) = check_mapping(both.to_vec().leak()).await.unwrap_err();
            assert_eq!(found, "Micrometer at /actuator/prometheus, by route, without durations");
            assert!(remedy.contains("mapping: BackendMapping::MICROMETER, or"), "{remedy}");
        }
        let swapped = check_mapping(&[("/metrics", BY_ROUTE), ("/actuator/prometheus", TOTAL)]).await.unwrap_err().1;
        assert!(swapped.contains("MICROMETER.at(\"/metrics\")"), "{swapped}");
    }

    #[tokio::test]
    async fn a_target_without_a_fitting_mapping_is_described() {
        let problem = async |metrics| check_mapping(metrics).await.unwrap_err().0;
        let none = problem(&[("/metrics", "a 1\n"), ("/stats/prometheus", "b 1\n")]).await;
        assert_eq!(none, "none: no count of requests at /metrics, /stats/prometheus");
        let login = problem(&[("/actuator/prometheus", "401")]).await;
        assert!(login.starts_with("none: /actuator/prometheus needs authentication (401"), "{login}");
        let absent = problem(&[]).await;
        assert!(absent.starts_with("none: /metrics responded with 404 Not Found"), "{absent}");
    }
}
