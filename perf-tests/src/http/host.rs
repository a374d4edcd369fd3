//! One host that load goes to: its target, its addresses and its TLS.

use std::sync::Arc;

use monitoring::metric::Part;
use perf_settings::HttpSettings;
use rustls::ClientConfig;
use tokio::time::Instant;
use url::Url;

use super::addresses::Resolver;
use super::connect::{Route, Stream, connect};
use super::exchange::ExchangeError;
use super::target::Target;
use super::tls::{self, TlsError};
use crate::clock;
use crate::measure::DurationParts;

/// One host. All virtual users share it, and it does not change.
#[derive(Debug)]
pub(crate) struct HostConfig {
    /// The name that endpoints use; `None` for the main target, and for origins that only redirects
    /// lead to.
    pub(crate) name: Option<String>,
    pub(crate) target: Target,
    resolver: Resolver,
    tls: Option<Arc<ClientConfig>>,
}

impl HostConfig {
    pub(super) fn new(name: Option<&str>, url: &Url, settings: &HttpSettings) -> Result<Self, TlsError> {
        let target = Target::new(url, &settings.allowed);
        let certificates = settings.ca_certificate.get(name).map(AsRef::as_ref);
        let tls = target
            .tls
            .then(|| tls::config(settings.insecure_skip_tls_verify, certificates, settings.http2))
            .transpose()?;
        let fixed = settings.resolve.iter().flat_map(|it| it.addresses_of(&target.host, target.port)).collect();
        let resolver = Resolver::new(&target, fixed, settings.dns_ttl);
        Ok(Self { name: name.map(str::to_owned), target, resolver, tls })
    }

    /// Makes a connection and measures the parts of that.
    pub(super) async fn connect(
        &self,
        route: &Route,
        (started, parts): (Instant, &mut DurationParts),
    ) -> Result<Stream, ExchangeError> {
        parts.set(Part::Blocked, clock::now().duration_since(started));
        connect((&self.target, &self.resolver), self.tls.as_ref(), route, parts).await
    }
}
