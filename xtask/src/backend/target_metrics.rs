//! Metrics that a target serves, at the path that a mapping names.

use std::collections::BTreeSet;
use std::fmt;
use std::time::Duration;

use monitoring::backend_mapping::BackendMapping;
use monitoring::services;
use prometheus_store::exposition::{self, ExpositionSample};
use prometheus_store::shown_url;
use url::Url;

use crate::host::http;

/// The mappings that the metrics of a target may have: one, or those of all services.
pub(crate) fn mappings(mapping: Option<BackendMapping>) -> Vec<BackendMapping> {
    mapping.map_or_else(|| services::ALL.iter().map(|catalogue| catalogue.mapping).collect(), |mapping| vec![mapping])
}

/// The paths at which the metrics of a target may be: of one mapping, or of those of all services.
pub(crate) fn paths(mapping: Option<BackendMapping>) -> BTreeSet<&'static str> {
    mappings(mapping).iter().map(|mapping| mapping.path).collect()
}

/// Why there are no metrics at a path of a target, and what to do.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct NoMetrics {
    /// The reason, with the path: "/metrics responded with 404 Not Found".
    pub(crate) why: String,
    pub(crate) remedy: Option<&'static str>,
    /// Whether the metrics are there, for clients that log in.
    pub(crate) needs_login: bool,
}

impl NoMetrics {
    pub(crate) fn new(why: impl Into<String>) -> Self {
        Self { why: why.into(), ..Self::default() }
    }

    /// There are no samples at a path, not even after the load.
    pub(crate) fn no_samples(path: &str) -> Self {
        Self::new(format!("{path} has no metrics")).with(ELSEWHERE)
    }

    fn with(self, remedy: &'static str) -> Self {
        Self { remedy: Some(remedy), ..self }
    }
}

impl fmt::Display for NoMetrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.why)?;
        self.remedy.iter().try_for_each(|remedy| write!(f, ": {remedy}"))
    }
}

impl std::error::Error for NoMetrics {}

/// The remedy for metrics that need a login.
fn login_remedy(target: &Url, path: &str, wants_token: bool) -> &'static str {
    if wants_token {
        "it wants a bearer token, and neither this program nor Prometheus has one: let this machine read it without a token"
    } else if target.join(path).is_ok_and(|url| url.origin() != target.origin()) {
        "user and password of the target's URL go to the target's own origin only: let this machine read it without them"
    } else if target.username().is_empty() {
        "name user and password in the target's URL (http://USER:PASSWORD@HOST), or let this machine read it without them"
    } else {
        "it does not accept user and password of the target's URL"
    }
}

/// The remedy for metrics that are at another path, if anywhere.
const ELSEWHERE: &str = "serve metrics there, or name their path in the service's `mapping`, such as \
                         .at(\"/actuator/prometheus\") of Spring Boot with Micrometer";

/// Reads the samples at a path of the target, with user and password of the target's URL, or at a
/// URL of another origin, without them. There may be none: many libraries expose a series only
/// after its first count.
///
/// # Errors
/// If there are no metrics. The error says why, and what to do.
pub(crate) async fn read(target: &Url, path: &str) -> Result<Vec<ExpositionSample>, NoMetrics> {
    const PATIENCE: Duration = Duration::from_secs(5);
    let response = tokio::time::timeout(PATIENCE, http::exposition(target, path)).await;
    let response = response.map_err(|_| NoMetrics::new(format!("{path} did not respond within {PATIENCE:?}")))?;
    let unreadable = |error: anyhow::Error| format!("cannot read {path} of {}: {error:#}", shown_url(target));
    let response = response.map_err(|error| NoMetrics::new(unreadable(error)))?;
    let status = response.status;
    if matches!(status.as_u16(), 401 | 403 | 407) {
        let remedy = login_remedy(target, path, response.wants_token);
        let why = NoMetrics::new(format!("{path} needs authentication ({status})")).with(remedy);
        return Err(NoMetrics { needs_login: true, ..why });
    }
    if !status.is_success() {
        return Err(NoMetrics::new(format!("{path} responded with {status}")).with(ELSEWHERE));
    }
    let text = response.text().map_err(|why| why.to_string());
    let samples = text.and_then(|text| exposition::parse(&text).map_err(|error| error.to_string()));
    samples.map_err(|why| NoMetrics::new(format!("{path} is not Prometheus' text format ({why})")).with(ELSEWHERE))
}

#[cfg(test)]
mod tests;
