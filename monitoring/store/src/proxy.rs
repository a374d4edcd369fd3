//! Proxies between this machine and a store, by the variables that curl and other programs read.
//! Load is not sent through them: it would measure the proxy.

use hyper_util::client::proxy::matcher::Matcher;
use serde::{Deserialize, Serialize};
use url::Url;

use crate::shown_url::shown_url;
use crate::this_machine::is_this_machine;

/// Values of `HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY`. A proxy may contain a
/// password.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ProxySettings {
    /// Proxy for stores at `http://`.
    pub http: Option<String>,
    /// Proxy for stores at `https://`.
    pub https: Option<String>,
    /// Proxy for stores that have no other proxy.
    pub all: Option<String>,
    /// Hosts that need no proxy, separated by commas: names with all their subdomains, addresses,
    /// networks such as 10.0.0.0/8, or `*` for every host.
    pub no_proxy: Option<String>,
}

/// A proxy that is not an HTTP proxy: its variable, and the store's host.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0} is not an http:// or https:// proxy: change it, or reach the store directly with NO_PROXY={1}")]
pub struct ProxyError(&'static str, String);

impl ProxySettings {
    /// The proxy for a request to `url`; `None` for a direct request. This machine is always
    /// reached directly.
    pub(crate) fn proxy_for(&self, url: &Url) -> Result<Option<Url>, ProxyError> {
        let (own, variable) = match url.scheme() {
            "https" => (&self.https, "HTTPS_PROXY"),
            _ => (&self.http, "HTTP_PROXY"),
        };
        let Some((text, variable)) =
            own.as_ref().map(|text| (text, variable)).or(self.all.as_ref().map(|text| (text, "ALL_PROXY")))
        else {
            return Ok(None);
        };
        if is_this_machine(url) || self.exempts(url) {
            return Ok(None);
        }
        let text = if text.contains("://") { text.clone() } else { format!("http://{text}") };
        let proxy =
            Url::parse(&text).ok().filter(|proxy| matches!(proxy.scheme(), "http" | "https") && proxy.has_host());
        let error = || ProxyError(variable, url.host_str().unwrap_or_default().to_owned());
        proxy.map(Some).ok_or_else(error)
    }

    /// The URL and its proxy, without secrets: "http://store:9090 through the proxy http://p:3128".
    /// `None` for a direct request.
    pub fn describe(&self, url: &Url) -> Option<String> {
        let proxy = self.proxy_for(url).ok().flatten()?;
        Some(format!("{} through the proxy {}", shown_url(url), shown_url(&proxy)))
    }

    /// Whether `NO_PROXY` names the host of `url`.
    fn exempts(&self, url: &Url) -> bool {
        let no_proxy = self.no_proxy.clone().unwrap_or_default();
        let matcher = Matcher::builder().all("http://proxy").no(no_proxy).build();
        url.as_str().parse().is_ok_and(|url| matcher.intercept(&url).is_none())
    }
}

#[cfg(test)]
mod tests;
