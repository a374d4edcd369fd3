//! The proxy that load goes through.

use std::fmt;

use prometheus_store::shown_url;
use serde::{Deserialize, Serialize};
use url::Url;

use super::{ValueError, parse_url};

/// The URL of an HTTP proxy. It may contain user and password, which are never shown.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProxyUrl(Url);

impl ProxyUrl {
    /// Parses a URL with the scheme http, a host, and no path.
    pub fn parse(text: &str) -> Result<Self, ValueError> {
        let url = parse_url(text)?;
        let is_bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
        if url.scheme() == "http" && is_bare {
            Ok(Self(url))
        } else {
            Err(ValueError::Refused("not an HTTP proxy such as http://proxy.example:3128, without path and query"))
        }
    }

    /// The URL, with user and password.
    pub const fn url(&self) -> &Url {
        &self.0
    }
}

/// Without user and password.
impl fmt::Display for ProxyUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&shown_url(&self.0))
    }
}

impl fmt::Debug for ProxyUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests;
