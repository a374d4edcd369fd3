//! Metrics that a target serves, at the path that a mapping names.

use std::collections::BTreeSet;
use std::fmt;

use monitoring::backend_mapping::BackendMapping;
use monitoring::services;
use perf_settings::{HttpSettings, UnixTarget};
use prometheus_store::exposition::{self, ExpositionSample};
use prometheus_store::{BodyError, certificate_error, shown_url};
use reqwest::StatusCode;
use url::Url;

use crate::host::http::{self, NotText};
use crate::host::target_request::{fixed_addresses, target_url};

/// The mappings that the metrics of a target may have: one, or those of all services.
pub(crate) fn mappings(mapping: Option<BackendMapping>) -> Vec<BackendMapping> {
    mapping.map_or_else(|| services::ALL.iter().map(|catalogue| catalogue.mapping).collect(), |mapping| vec![mapping])
}

/// The paths at which the metrics of a target may be: of one mapping, or of those of all services.
pub(crate) fn paths(mapping: Option<BackendMapping>) -> BTreeSet<&'static str> {
    mappings(mapping).iter().map(|mapping| mapping.path).collect()
}

/// A target whose metrics are read.
#[derive(Clone, Copy)]
pub(crate) struct MetricsSource<'a> {
    pub(crate) target: &'a Url,
    /// Bearer token, which is sent to the target's own origin only.
    pub(crate) token: Option<&'a str>,
    /// The options of the load on the target, such as its addresses and certificates.
    pub(crate) options: Option<&'a HttpSettings>,
}

impl<'a> From<&'a Url> for MetricsSource<'a> {
    fn from(target: &'a Url) -> Self {
        Self { target, token: None, options: None }
    }
}

impl MetricsSource<'_> {
    /// The flag of the load without which the metrics at a path are of another service or machine,
    /// and which Prometheus does not have for its scrapes.
    pub(crate) fn unscraped_option(self, path: &str) -> Option<&'static str> {
        let options = self.options?;
        let url = target_url(self.target, path).ok()?;
        let (is_own, has_tls) = (url.origin() == self.target.origin(), url.scheme() == "https");
        let flags = [
            (is_own && options.host_header.get_own(None).is_some(), "--host-header"),
            (is_own && has_tls && options.sni.get_own(None).is_some(), "--sni"),
            // Prometheus would verify the address in place of the name.
            (has_tls && !fixed_addresses(&url, options).is_empty(), "--resolve"),
        ];
        flags.into_iter().find_map(|(is_needed, flag)| is_needed.then_some(flag))
    }

    /// The flag of the load without which scrapes of a path may fail: Prometheus trusts only what
    /// its system trusts, and has no client certificate.
    pub(crate) fn certificate_option(self, path: &str) -> Option<&'static str> {
        let options = self.options?;
        let url = target_url(self.target, path).ok().filter(|url| url.scheme() == "https")?;
        let is_own = url.origin() == self.target.origin();
        let flags = [
            (options.insecure_skip_tls_verify, "--insecure-skip-tls-verify"),
            (options.ca_certificate.get(None).is_some(), "--ca-certificate"),
            (is_own && options.client_certificate.get_own(None).is_some(), "--client-certificate"),
        ];
        flags.into_iter().find_map(|(is_set, flag)| is_set.then_some(flag))
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
    /// Whether the metrics are there, for clients that send fewer requests.
    pub(crate) is_limited: bool,
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
fn login_remedy(MetricsSource { target, token, .. }: MetricsSource<'_>, path: &str, wants_token: bool) -> &'static str {
    if target.join(path).is_ok_and(|url| url.origin() != target.origin()) && UnixTarget::from_url(target).is_none() {
        "user and password of the target's URL, and PERF_METRICS_TOKEN, go to the target's own origin only: let this \
         machine read it without them"
    } else if token.is_some() {
        "it does not accept the token of PERF_METRICS_TOKEN"
    } else if wants_token {
        "it wants a bearer token: set PERF_METRICS_TOKEN"
    } else if target.username().is_empty() {
        "name user and password in the target's URL (http://USER:PASSWORD@HOST), or a bearer token in PERF_METRICS_TOKEN"
    } else {
        "it does not accept user and password of the target's URL"
    }
}

/// The remedy for metrics that are at another path, if anywhere.
const ELSEWHERE: &str = "serve metrics there, or name their path in the service's `mapping`, such as \
                         .at(\"/actuator/prometheus\") of Spring Boot with Micrometer";

/// The remedy for a service that responds with an error of its own.
const ITS_LOG: &str = "the service's log says why; Prometheus cannot scrape it then, either";
/// The remedy for a text that is too long.
const FEWER: &str = "expose fewer series, for example without labels for users or whole paths";
/// The remedy for a slow text.
const FASTER: &str = "expose fewer series, or serve them on a thread that the load does not block";
/// The remedy for a body that cannot be decompressed.
const UNCOMPRESSED: &str = "let the service, or the proxy before it, send metrics uncompressed";

/// The remedy for a certificate that is not trusted.
const TRUST: &str = "trust its authority with --ca-certificate FILE, which is for the load, too";

/// Why a response could not be read to its end.
fn unreadable(target: &Url, path: &str, error: &anyhow::Error) -> NoMetrics {
    if error.chain().filter_map(|cause| cause.downcast_ref()).any(reqwest::Error::is_timeout) {
        return NoMetrics::new(format!("{path} did not respond within {:?}", http::PATIENCE)).with(FASTER);
    }
    if let Some(BodyError::TooLong(limit)) = error.downcast_ref() {
        return NoMetrics::new(format!("{path} is longer than {} MiB", limit >> 20)).with(FEWER);
    }
    let why = NoMetrics::new(format!("cannot read {path} of {}: {error:#}", shown_url(target)));
    let has_refused = error.chain().filter_map(|cause| cause.downcast_ref()).find_map(certificate_error).is_some();
    if has_refused { why.with(TRUST) } else { why }
}

/// Reads the samples at a path of the target, with the token, or with user and password of the
/// target's URL. A URL of another origin is read without them. There may be none: many libraries
/// expose a series only after its first count.
///
/// # Errors
/// If there are no metrics. The error says why, and what to do.
pub(crate) async fn read<'a>(
    source: impl Into<MetricsSource<'a>>,
    path: &str,
) -> Result<Vec<ExpositionSample>, NoMetrics> {
    let source @ MetricsSource { target, token, options } = source.into();
    let response = http::exposition(target, path, token, options).await;
    let response = response.map_err(|error| unreadable(target, path, &error))?;
    let status = response.status;
    if matches!(status.as_u16(), 401 | 403 | 407) {
        let remedy = login_remedy(source, path, response.wants_token);
        let why = NoMetrics::new(format!("{path} needs authentication ({status})")).with(remedy);
        return Err(NoMetrics { needs_login: true, ..why });
    }
    if !status.is_success() {
        let is_its_own = status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS;
        let remedy = if is_its_own { ITS_LOG } else { ELSEWHERE };
        let why = NoMetrics::new(format!("{path} responded with {status}")).with(remedy);
        return Err(NoMetrics { is_limited: status == StatusCode::TOO_MANY_REQUESTS, ..why });
    }
    let is_not = |why: &dyn fmt::Display, remedy| {
        NoMetrics::new(format!("{path} is not Prometheus' text format ({why})")).with(remedy)
    };
    let text = response.text().map_err(|why| match why {
        NotText::TooLong => is_not(&why, FEWER),
        NotText::Compression => is_not(&why, UNCOMPRESSED),
        NotText::Encoding => is_not(&why, ELSEWHERE),
    })?;
    if text.trim_start().starts_with('<') {
        return Err(is_not(&"it is an HTML page", ELSEWHERE));
    }
    exposition::parse(&text).map_err(|error| is_not(&error, ELSEWHERE))
}

#[cfg(test)]
mod tests;
