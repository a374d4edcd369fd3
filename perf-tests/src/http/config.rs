//! The HTTP configuration that all virtual users share.

use std::sync::Arc;

use monitoring::metric::Part;
use perf_settings::HttpSettings;
use rustls::ClientConfig;
use tokio::time::Instant;
use url::Url;

use super::addresses::Resolver;
use super::connect::{Route, Stream, connect};
use super::exchange::ExchangeError;
use super::h1::ResponseLimits;
use super::target::Target;
use super::tls::{self, TlsError};
use crate::clock;
use crate::measure::DurationParts;

/// The target and the options of requests. All virtual users share it, and it does not change.
#[derive(Debug)]
pub(crate) struct HttpConfig {
    pub(crate) target: Target,
    pub(crate) settings: HttpSettings,
    pub(super) limits: ResponseLimits,
    resolver: Resolver,
    tls: Option<Arc<ClientConfig>>,
}

/// Limit on response bodies of all virtual users together, in bytes, and the minimum limit of each.
const ALL_BODIES: u64 = 4 << 30;
const MIN_BODY: usize = 4 << 20;

impl HttpConfig {
    /// The configuration for a target. Reads its certificates, once.
    pub(crate) fn new(target: &Url, settings: HttpSettings) -> Result<Self, TlsError> {
        let target = Target::new(target, &settings.allowed);
        let tls = target
            .tls
            .then(|| tls::config(settings.insecure_skip_tls_verify, settings.ca_certificate.as_deref(), settings.http2))
            .transpose()?;
        let fixed = settings.resolve.iter().flat_map(|it| it.addresses_of(&target.host, target.port)).collect();
        let resolver = Resolver::new(&target, fixed, settings.dns_ttl);
        Ok(Self { target, settings, limits: ResponseLimits::default(), resolver, tls })
    }

    /// Divides the memory for response bodies among this many virtual users. A target that sends
    /// endless responses to all of them does not fill the machine's memory.
    pub(crate) fn for_vus(mut self, vus: u32) -> Self {
        let share = usize::try_from(ALL_BODIES / u64::from(vus.max(1))).unwrap_or(usize::MAX);
        self.limits.body = share.clamp(MIN_BODY, self.limits.body);
        self
    }

    /// Maximum bytes of a response body, after decoding.
    pub(crate) const fn max_body(&self) -> usize {
        self.limits.body
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_virtual_users_have_a_smaller_body_limit_each() {
        let target = Url::parse("http://127.0.0.1:1").unwrap();
        let body = |vus| HttpConfig::new(&target, HttpSettings::default()).unwrap().for_vus(vus).limits.body;
        assert_eq!([1, 64, 128, 10_000].map(body), [64 << 20, 64 << 20, 32 << 20, 4 << 20]);
    }
}
