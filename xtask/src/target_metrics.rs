//! Metrics that a target serves, at the path that a mapping names.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::Context as _;
use monitoring::backend_mapping::BackendMapping;
use monitoring::services;
use prometheus_store::exposition::{self, ExpositionSample};
use url::Url;

use crate::http;

/// The paths at which the metrics of a target may be: of one mapping, or of those of all services.
pub(crate) fn paths(mapping: Option<BackendMapping>) -> BTreeSet<&'static str> {
    match mapping {
        Some(mapping) => [mapping.path].into(),
        None => services::ALL.iter().map(|catalogue| catalogue.mapping.path).collect(),
    }
}

/// Reads the samples at a path of the target.
///
/// # Errors
/// Why there are none, and what to do.
pub(crate) async fn read(target: &Url, path: &str) -> anyhow::Result<Vec<ExpositionSample>> {
    const PATIENCE: Duration = Duration::from_secs(5);
    const ELSEWHERE: &str = "serve metrics there, or name their path in the service's `mapping`, such as \
                             .at(\"/actuator/prometheus\") of Spring Boot with Micrometer";
    let url = target.join(path).context("failed to make a URL")?;
    let response = tokio::time::timeout(PATIENCE, http::exposition(url)).await;
    let (status, text) = response.with_context(|| format!("{path} did not respond within {PATIENCE:?}"))??;
    if matches!(status.as_u16(), 401 | 403 | 407) {
        anyhow::bail!("{path} needs authentication ({status}): let this machine and Prometheus read it without");
    }
    anyhow::ensure!(status.is_success(), "{path} responded with {status}: {ELSEWHERE}");
    let samples = text.map_err(|why| why.to_string()).and_then(|text| {
        let samples = exposition::parse(&text).map_err(|error| error.to_string())?;
        if samples.is_empty() { Err("it has no samples".to_owned()) } else { Ok(samples) }
    });
    samples.map_err(|why| anyhow::anyhow!("{path} is not Prometheus' text format ({why}): {ELSEWHERE}"))
}
