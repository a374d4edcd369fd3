//! The target of a run, in the parts that a request is made of.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::percent_decode_str;
use url::{Host, Url};

/// The target: the origin of all requests of a run.
#[derive(Clone)]
pub(crate) struct Target {
    /// A name or an address, without brackets.
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) tls: bool,
    /// Whether load is allowed even outside private networks.
    pub(crate) is_allowed: bool,
    /// The header `host`.
    pub(crate) authority: String,
    /// The base path, which precedes every path; no slash at its end.
    pub(crate) base: String,
    /// The header `authorization`, made from user and password of the URL.
    pub(crate) authorization: Option<String>,
}

/// Without credentials.
impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { tls, authority, base, .. } = self;
        f.debug_struct("Target")
            .field("tls", tls)
            .field("authority", authority)
            .field("base", base)
            .finish_non_exhaustive()
    }
}

impl Target {
    /// Builds the target from a URL with the scheme http or https and a host.
    pub(crate) fn new(url: &Url, allowed: &[String]) -> Self {
        let tls = url.scheme() == "https";
        let host = match url.host() {
            Some(Host::Ipv6(address)) => address.to_string(),
            Some(host) => host.to_string(),
            None => String::new(),
        };
        let name = url.host_str().unwrap_or_default();
        let authority = url.port().map_or_else(|| name.to_owned(), |port| format!("{name}:{port}"));
        let has_user = !url.username().is_empty() || url.password().is_some();
        let decoded = |text: &str| percent_decode_str(text).collect::<Vec<u8>>();
        let authorization = has_user.then(|| {
            let (user, password) = (decoded(url.username()), decoded(url.password().unwrap_or_default()));
            // RFC 7617, section 2.
            format!("Basic {}", STANDARD.encode([user, vec![b':'], password].concat()))
        });
        let port = url.port_or_known_default().unwrap_or(80);
        let is_allowed = allowed.iter().any(|allowed| allowed.eq_ignore_ascii_case(&host));
        let base = url.path().trim_end_matches('/').to_owned();
        Self { host, port, tls, is_allowed, authority, base, authorization }
    }

    /// Resolves a `location` header relative to a path. `None` if it leads away from this target.
    pub(crate) fn resolve(&self, from: &str, location: &str) -> Option<String> {
        let scheme = if self.tls { "https" } else { "http" };
        let here = Url::parse(&format!("{scheme}://{}{from}", self.authority)).ok()?;
        let there = here.join(location).ok()?;
        let query = there.query().map(|query| format!("?{query}")).unwrap_or_default();
        (there.origin() == here.origin()).then(|| format!("{}{query}", there.path()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(url: &str) -> Target {
        Target::new(&Url::parse(url).unwrap(), &[])
    }

    #[test]
    fn a_url_is_split_into_its_parts() {
        let plain = target("http://127.0.0.1:8000/api/");
        assert_eq!((plain.host.as_str(), plain.port, plain.tls), ("127.0.0.1", 8000, false));
        assert_eq!((plain.authority.as_str(), plain.base.as_str()), ("127.0.0.1:8000", "/api"));
        let six = target("https://[::1]/");
        assert_eq!((six.host.as_str(), six.port, six.tls, six.authority.as_str()), ("::1", 443, true, "[::1]"));
        // The example of RFC 7617.
        let user = target("http://Aladdin:open%20sesame@x/").authorization.unwrap();
        assert_eq!(user, "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
    }

    #[test]
    fn a_redirect_stays_on_the_target() {
        let target = target("http://127.0.0.1:8000/api");
        assert_eq!(target.resolve("/api/a", "/b?c=1").as_deref(), Some("/b?c=1"));
        assert_eq!(target.resolve("/api/a", "b").as_deref(), Some("/api/b"));
        assert_eq!(target.resolve("/api/a", "http://127.0.0.1:8000/x").as_deref(), Some("/x"));
        assert_eq!(target.resolve("/api/a", "http://127.0.0.1:8001/x"), None);
        assert_eq!(target.resolve("/api/a", "//elsewhere/x"), None);
    }
}
