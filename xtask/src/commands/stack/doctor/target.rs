//! Finds the mapping of a target's own metrics.

use monitoring::backend_mapping::BackendMapping;
use monitoring::services;
use url::Url;

use super::{CheckResult, failed};
use crate::{mapping_fit, target_metrics};

/// Which mapping fits what the target exposes, and the line that names it.
pub(super) async fn mapping(target: &Url) -> CheckResult {
    let known = BackendMapping::KNOWN.iter().map(|(_, _, mapping)| mapping.path);
    let (mut found, mut why_not) = (None, None);
    for path in target_metrics::paths(None).into_iter().chain(known) {
        match target_metrics::read(target, path).await {
            Ok(samples) => {
                found = Some((path, samples));
                break;
            }
            Err(error) => drop(why_not.get_or_insert(format!("{error:#}"))),
        }
    }
    let Some((path, samples)) = found else {
        return failed(format!("none: {}", why_not.unwrap_or_default()), "see monitoring/BACKEND_METRICS.md");
    };
    let Some(fit) = mapping_fit::fit(&samples, path) else {
        return failed(
            format!("none: {path} has no count of requests"),
            "send some requests and ask again; if it stays so, see monitoring/BACKEND_METRICS.md",
        );
    };
    let durations = if fit.has_durations() { "with durations" } else { "without durations" };
    let routes = if fit.is_by_route() { "by route" } else { "not by route" };
    let found = format!("{} at {path}, {routes}, {durations}", fit.make);
    let is_named = mapping_fit::parse(&fit.to_string())
        .is_ok_and(|mapping| services::ALL.iter().any(|catalogue| catalogue.mapping == mapping));
    if is_named {
        return Ok(format!("{found}, as a definition says"));
    }
    failed(found, format!("in the service's definition: mapping: {fit}, or for one run: --backend-metrics '{fit}'"))
}
