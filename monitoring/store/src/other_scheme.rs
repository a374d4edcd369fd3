//! Finds out that a server has TLS and its URL does not, or the other way round.

use std::time::Duration;

use rustls::Error::InvalidMessage;
use url::Url;

use crate::access::StoreAccess;
use crate::http_client::{ClientOptions, store_client, tls_error};
use crate::proxy::ProxySettings;
use crate::shown_url::shown_url;

const OPTIONS: ClientOptions = ClientOptions { user_agent: None, timeout: Duration::from_secs(3) };

/// A URL has `http://` and its server has TLS, or `https://` and it has none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{url} responds {}", if *.has_tls { "with TLS: use https://" } else { "without TLS: use http://" })]
pub struct OtherScheme {
    /// Without user and password.
    url: String,
    has_tls: bool,
}

impl OtherScheme {
    /// Finds it out for the server at `url`. `None` also if that is not possible.
    ///
    /// It sends a request without credentials over TLS, whatever the server's certificate. Call it
    /// once a request to the URL has failed.
    pub async fn find(url: &Url, proxies: &ProxySettings) -> Option<Self> {
        let mut probed = Url::parse(&format!("https://{}/", url.host_str()?)).ok()?;
        probed.set_port(url.port_or_known_default()).ok()?;
        let mut access = StoreAccess::default();
        (access.insecure_skip_tls_verify, access.proxies) = (true, proxies.clone());
        let probe = store_client(&probed, &access, OPTIONS).ok()?.head(probed).send().await;
        let has_tls = match &probe {
            Ok(_) => true,
            Err(error) => match tls_error(error) {
                Some(InvalidMessage(_)) => false,
                // A server that requires a client certificate ends TLS with an alert.
                Some(_) => true,
                None if error.is_connect() || error.is_timeout() => return None,
                // The handshake succeeded, and then the request failed.
                None => true,
            },
        };
        let is_other = (url.scheme() == "https") != has_tls;
        is_other.then(|| Self { url: proxies.describe(url).unwrap_or_else(|| shown_url(url)), has_tls })
    }
}

#[cfg(test)]
mod tests;
