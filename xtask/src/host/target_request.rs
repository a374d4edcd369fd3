//! Requests to a path of a target, made as the load is: to the same addresses and names, and with
//! the same certificates. They do not go through a proxy.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Context as _, ensure};
use perf_settings::{HttpSettings, UnixTarget};
use prometheus_store::{ClientOptions, TargetAccess};
use reqwest::header::HOST;
use tokio::net::lookup_host;
use url::Url;

/// A request to a path of a target.
#[derive(Debug)]
pub(crate) struct TargetRequest {
    pub(crate) url: Url,
    client: reqwest::Client,
    /// The header `host`, if it is not that of the URL.
    host: Option<String>,
}

impl TargetRequest {
    /// The request to a path, which replaces the target's base path. A path may be a URL of another
    /// origin. Header, server name and client certificate are for the target's own origin only.
    ///
    /// # Errors
    /// If the URL, a file of certificates or the target's name cannot be used, or if the request
    /// would go to the server of `--sni`.
    pub(crate) async fn new(
        target: &Url,
        path: &str,
        settings: Option<&HttpSettings>,
        options: ClientOptions,
    ) -> anyhow::Result<Self> {
        let host = settings.and_then(|settings| settings.host_header.get_own(None)).cloned();
        #[cfg(unix)]
        if let Some(UnixTarget { socket, .. }) = UnixTarget::from_url(target) {
            let url = Url::parse("http://localhost").and_then(|url| url.join(path)).context("failed to make a URL")?;
            return Ok(Self { url, client: prometheus_store::socket_client(&socket, options)?, host });
        }
        let url = target_url(target, path)?;
        match settings {
            Some(settings) => Self::with_settings(target, url, settings, options).await,
            None => Ok(Self { client: prometheus_store::client(&url, options)?, url, host: None }),
        }
    }

    async fn with_settings(
        target: &Url,
        mut url: Url,
        settings: &HttpSettings,
        options: ClientOptions,
    ) -> anyhow::Result<Self> {
        let is_own = url.origin() == target.origin();
        let sni = settings.sni.get_own(None).filter(|_| is_own && url.scheme() == "https");
        let mut host = settings.host_header.get_own(None).filter(|_| is_own).cloned();
        let addresses = addresses(&url, settings).await;
        if let Some(sni) = sni {
            // The client takes the server name from the URL, and would look up its address.
            let name = url.host_str().unwrap_or_default().to_owned();
            ensure!(!addresses.is_empty(), "{name} has no address");
            host = host.or_else(|| Some(authority(&url)));
            url.set_host(Some(sni)).context("failed to make a URL")?;
            // It connects to an address in a URL whatever the addresses of the name.
            let is_own_server = url.domain().is_some() || url.host_str() == Some(&name);
            ensure!(is_own_server, "requests with the address {sni} in --sni would go to that server");
        }
        let client_certificate = settings.client_certificate.get_own(None).filter(|_| is_own);
        let key = settings.client_key.get_own(None).or(client_certificate);
        let identity = client_certificate.cloned().zip(key.cloned());
        let access = TargetAccess {
            insecure_skip_tls_verify: settings.insecure_skip_tls_verify,
            ca_certificate: settings.ca_certificate.get(None).cloned(),
            same_origin: host.is_some() || identity.is_some(),
            identity,
            resolve: url.host_str().map(str::to_owned).zip(Some(addresses).filter(|addresses| !addresses.is_empty())),
        };
        let client = access.client(url.scheme(), options)?;
        Ok(Self { url, client, host })
    }

    pub(crate) fn get(self) -> reqwest::RequestBuilder {
        let request = self.client.get(self.url);
        self.host.into_iter().fold(request, |request, host| request.header(HOST, host))
    }
}

/// The addresses of a URL's host, each request with another one first: the load goes to all of
/// them in turn, too, and each may be another process. Empty if there are none. The client then
/// looks up the URL's host itself, and reports why that fails.
async fn addresses(url: &Url, settings: &HttpSettings) -> Vec<SocketAddr> {
    static REQUESTS: AtomicUsize = AtomicUsize::new(0);
    let mut addresses = fixed_addresses(url, settings);
    if addresses.is_empty() {
        let name = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
        let found = lookup_host((name, url.port_or_known_default().unwrap_or(443))).await;
        addresses = found.map(Vec::from_iter).unwrap_or_default();
    }
    let first = REQUESTS.fetch_add(1, Ordering::Relaxed) % addresses.len().max(1);
    addresses.rotate_left(first);
    addresses
}

/// The addresses that replace the look-up of a URL's host.
pub(crate) fn fixed_addresses(url: &Url, settings: &HttpSettings) -> Vec<SocketAddr> {
    let Some((host, port)) = url.host_str().zip(url.port_or_known_default()) else { return Vec::new() };
    settings.resolve.iter().flat_map(|resolve| resolve.find_addresses(host, port)).collect()
}

fn authority(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

/// The URL of a path of a target, or a complete URL. It has user and password of the target's URL
/// only at the target's own origin.
pub(crate) fn target_url(target: &Url, path: &str) -> anyhow::Result<Url> {
    let mut url = target.join(path).context("failed to make a URL")?;
    if url.origin() == target.origin() && !has_login(&url) {
        // Both fail only for URLs without a host; those have no user either.
        let _ = url.set_username(target.username());
        let _ = url.set_password(target.password());
    }
    Ok(url)
}

/// Whether a URL has a user or a password.
pub(crate) fn has_login(url: &Url) -> bool {
    !url.username().is_empty() || url.password().is_some()
}
