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

/// The paths at which the metrics of a target may be: of one mapping, or of those of all services.
pub(crate) fn paths(mapping: Option<BackendMapping>) -> BTreeSet<&'static str> {
    match mapping {
        Some(mapping) => [mapping.path].into(),
        None => services::ALL.iter().map(|catalogue| catalogue.mapping.path).collect(),
    }
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
fn login_remedy(target: &Url, path: &str) -> &'static str {
    if target.join(path).is_ok_and(|url| url.origin() != target.origin()) {
        "user and password of the target's URL go to the target's own origin only: let this machine read it without"
    } else if target.username().is_empty() {
        "name user and password in the target's URL (http://USER:PASSWORD@HOST), or let this machine read it without"
    } else {
        "it does not accept user and password of the target's URL"
    }
}

/// Reads the samples at a path of the target, with user and password of the target's URL, or at a
/// URL of another origin, without them.
///
/// # Errors
/// Why there are none, and what to do.
pub(crate) async fn read(target: &Url, path: &str) -> Result<Vec<ExpositionSample>, NoMetrics> {
    const PATIENCE: Duration = Duration::from_secs(5);
    const ELSEWHERE: &str = "serve metrics there, or name their path in the service's `mapping`, such as \
                             .at(\"/actuator/prometheus\") of Spring Boot with Micrometer";
    let response = tokio::time::timeout(PATIENCE, http::exposition(target, path)).await;
    let response = response.map_err(|_| NoMetrics::new(format!("{path} did not respond within {PATIENCE:?}")))?;
    let unreadable = |error: anyhow::Error| format!("cannot read {path} of {}: {error:#}", shown_url(target));
    let response = response.map_err(|error| NoMetrics::new(unreadable(error)))?;
    let status = response.status;
    if matches!(status.as_u16(), 401 | 403 | 407) {
        let why = NoMetrics::new(format!("{path} needs authentication ({status})")).with(login_remedy(target, path));
        return Err(NoMetrics { needs_login: true, ..why });
    }
    if !status.is_success() {
        return Err(NoMetrics::new(format!("{path} responded with {status}")).with(ELSEWHERE));
    }
    let samples = response.text().map_err(|why| why.to_string()).and_then(|text| {
        let samples = exposition::parse(&text).map_err(|error| error.to_string())?;
        if samples.is_empty() { Err("it has no samples".to_owned()) } else { Ok(samples) }
    });
    samples.map_err(|why| NoMetrics::new(format!("{path} is not Prometheus' text format ({why})")).with(ELSEWHERE))
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use test_support::fake_server;

    use super::*;

    #[tokio::test]
    async fn metrics_behind_a_login_are_read_with_the_targets_credentials() {
        // me:secret in Base64.
        let text = fake_server::respond(|request| {
            match request.to_ascii_lowercase().contains("authorization: basic bwu6c2vjcmv0") {
                true => ("200 OK", "a_total 1\n".to_owned()),
                false => ("401 Unauthorized", String::new()),
            }
        });
        let without = Url::parse(&text).unwrap();
        let error = read(&without, "/metrics").await.unwrap_err();
        assert!(error.needs_login && error.to_string().contains("http://USER:PASSWORD@HOST"), "{error}");
        let mut with = without.clone();
        with.set_username("me").unwrap();
        with.set_password(Some("wrong")).unwrap();
        let error = read(&with, "/metrics").await.unwrap_err().to_string();
        assert!(error.ends_with("it does not accept user and password of the target's URL"), "{error}");
        with.set_password(Some("secret")).unwrap();
        assert_eq!(read(&with, "/metrics").await.unwrap().len(), 1);
    }

    #[tokio::test]
    async fn another_origin_does_not_get_the_targets_credentials() {
        let (own, other) = ["me", "other"]
            .map(|name| {
                let heads = Arc::<Mutex<Vec<String>>>::default();
                let recorded = heads.clone();
                let url = fake_server::respond(move |request| {
                    recorded.lock().unwrap().push(request.to_ascii_lowercase());
                    (if name == "me" { "200 OK" } else { "401 Unauthorized" }, "a_total 1\n".to_owned())
                });
                (url, heads)
            })
            .into();
        let target = Url::parse(&own.0.replace("http://", "http://me:secret@")).unwrap();
        let error = read(&target, &format!("{}/metrics", other.0)).await.unwrap_err().to_string();
        assert!(error.contains("go to the target's own origin only"), "{error}");
        assert!(!other.1.lock().unwrap()[0].contains("authorization"), "{other:?}");
        read(&target, &format!("{}/metrics", own.0)).await.unwrap();
        assert!(own.1.lock().unwrap()[0].contains("authorization: basic bwu6c2vjcmv0"), "{own:?}");
    }

    #[tokio::test]
    #[cfg(unix)]
    async fn metrics_at_a_unix_socket_are_read() {
        let router = axum::Router::new().route("/metrics", axum::routing::get(|| async { "a_total 1\n" }));
        let path = std::env::temp_dir().join(format!("perf-metrics-{}.sock", std::process::id()));
        let target = perf_settings::parse_target(&format!("unix:{}:/base", path.display())).unwrap();
        test_support::fake_server::serve_at_socket(router, &path, Default::default());
        assert_eq!(read(&target, "/metrics").await.unwrap().len(), 1);
        assert!(read(&target, "/other").await.unwrap_err().to_string().starts_with("/other responded with 404"));
        std::fs::remove_file(&path).unwrap();
        let error = format!("{:#}", read(&target, "/metrics").await.unwrap_err());
        let expected = format!("cannot read /metrics of unix:{}:/base: ", path.display());
        assert!(error.starts_with(&expected) && error.contains("No such file"), "{error}");
    }

    #[tokio::test]
    async fn metrics_that_are_not_there_are_described_with_other_paths() {
        let target = Url::parse(&fake_server::respond(|_| ("404 Not Found", "{}".to_owned()))).unwrap();
        let error = read(&target, "/metrics").await.unwrap_err().to_string();
        let expected = "/metrics responded with 404 Not Found: serve metrics there, or name their path in the service's \
                        `mapping`, such as .at(\"/actuator/prometheus\") of Spring Boot with Micrometer";
        assert_eq!(error, expected);
    }
}
