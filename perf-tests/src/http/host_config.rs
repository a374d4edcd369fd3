//! One host that load goes to: its target, its addresses and its TLS.

use std::sync::OnceLock;

use perf_settings::{HttpSettings, UnixTarget};
use url::Url;

use super::addresses::Resolver;
use super::connect::{Dialer, Route, Stream, connect};
use super::exchange::{ExchangeError, Measured};
use super::protocol::Protocol;
use super::target::Target;
use super::tls::{HostTls, TlsError};
use super::tunnel::Tunnel;
use crate::measure::DurationParts;

/// One host. All virtual users share it. Only its protocol is set later, before the load.
#[derive(Debug)]
pub(crate) struct HostConfig {
    /// The name that endpoints use; `None` for the main target, and for origins that only redirects
    /// lead to.
    pub(crate) name: Option<String>,
    pub(crate) target: Target,
    dialer: Dialer,
    tls: Option<HostTls>,
    /// Set by a setting, or by asking the host before the load.
    protocol: OnceLock<Protocol>,
}

impl HostConfig {
    pub(super) fn new(name: Option<&str>, url: &Url, settings: &HttpSettings) -> Result<Self, TlsError> {
        let header = settings.host_header.get_own(name);
        let mut target = match UnixTarget::from_url(url) {
            Some(socket) => Target::at_socket(socket, header.map_or("localhost", String::as_str)),
            None => Target::new(url, &settings.allowed),
        };
        header.into_iter().for_each(|header| target.host_header.clone_from(header));
        settings.sni.get_own(name).into_iter().for_each(|sni| target.server_name.clone_from(sni));
        let tls = target.tls.then(|| HostTls::for_target(name, settings)).transpose()?;
        Ok(Self::with_tls(name, target, tls, settings))
    }

    /// An origin that only redirects lead to. The settings of header and server name do not apply
    /// to it, and it gets no client certificate.
    pub(super) fn for_other_origin(url: &Url, settings: &HttpSettings) -> Result<Self, TlsError> {
        let target = Target::new(url, &settings.allowed);
        let tls = target.tls.then(|| HostTls::for_other_origin(settings)).transpose()?;
        Ok(Self::with_tls(None, target, tls, settings))
    }

    fn with_tls(name: Option<&str>, target: Target, tls: Option<HostTls>, settings: &HttpSettings) -> Self {
        let fixed = settings.resolve.iter().flat_map(|it| it.find_addresses(&target.host, target.port)).collect();
        let resolver = Resolver::new(&target, fixed, settings.dns_ttl);
        let tunnel = settings.proxy.as_ref().map(|proxy| Box::new(Tunnel::new(proxy, settings)));
        let dialer = Dialer { resolver, tunnel };
        let protocol = match (settings.http1, settings.http2) {
            (_, true) => Protocol::Http2.into(),
            (true, false) => Protocol::Http1.into(),
            (false, false) => OnceLock::new(),
        };
        Self { name: name.map(str::to_owned), target, dialer, tls, protocol }
    }

    /// Why the host's name has no address, if its look-up failed.
    pub(crate) fn lookup_failure(&self) -> Option<String> {
        self.dialer.resolver.failure()
    }

    /// The protocol of all its connections. It is HTTP/1.1 if the host was not asked, such as an
    /// origin that only a redirect leads to.
    pub(crate) fn protocol(&self) -> Protocol {
        self.protocol.get().copied().unwrap_or(Protocol::Http1)
    }

    /// Asks the host which protocol to use (ALPN), over a connection of its own, and measures the
    /// parts of making it. A setting can require one. Without TLS, this does nothing.
    pub(crate) async fn agree_on_protocol(&self, parts: &mut DurationParts) -> Result<(), ExchangeError> {
        let Some(tls) = &self.tls else { return Ok(()) };
        let offered = self.protocol.get().map_or(&tls.any, |protocol| tls.only(*protocol));
        let stream = connect(&self.target, &self.dialer, Some(offered), &Route::default(), parts).await?;
        self.protocol.get_or_init(|| stream.protocol());
        Ok(())
    }

    /// Makes a connection, and measures its look-up, its connect and its handshake.
    pub(super) async fn connect(&self, route: &Route, measured: &mut Measured) -> Result<Stream, ExchangeError> {
        measured.was_blocked();
        let tls = self.tls.as_ref().map(|tls| tls.only(self.protocol()));
        connect(&self.target, &self.dialer, tls, route, &mut measured.parts).await
    }
}

#[cfg(test)]
mod tests;
