//! The target of a run, in the parts that a request is made of.

use std::borrow::Cow;
use std::fmt;
use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::percent_decode_str;
use perf_settings::UnixTarget;
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
    /// Host and port as in the URL.
    pub(crate) authority: String,
    /// The header `host`: the authority, unless the user gave another.
    pub(crate) host_header: String,
    /// The server name of the TLS handshake: the host, unless the user gave another.
    pub(crate) server_name: String,
    /// The base path, which precedes every path; no slash at its end.
    pub(crate) base: String,
    /// The header `authorization`, made from user and password of the URL.
    pub(crate) authorization: Option<String>,
    /// The Unix socket that the target listens on, if it does not listen on a port. Host and port
    /// are then those of the header `host`, which cookies and redirects are about.
    pub(crate) socket: Option<PathBuf>,
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
    /// The path with the target's base path, which an absolute path includes already.
    pub(crate) fn whole_path<'a>(&self, path: &'a str, absolute: bool) -> Cow<'a, str> {
        match self.base.as_str() {
            base if !absolute && !base.is_empty() => Cow::Owned(format!("{base}{path}")),
            _ => Cow::Borrowed(path),
        }
    }

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
        let (host_header, server_name) = (authority.clone(), host.clone());
        let socket = None;
        Self { host, port, tls, is_allowed, authority, host_header, server_name, base, authorization, socket }
    }

    /// Builds the target of a Unix socket, with this header `host`.
    pub(super) fn at_socket(UnixTarget { socket, base }: UnixTarget, header: &str) -> Self {
        let with_port = header.rsplit_once(':').and_then(|(host, port)| Some((host, port.parse().ok()?)));
        let (host, port) = with_port.unwrap_or((header, 80));
        let host = without_brackets(host).to_owned();
        Self {
            server_name: host.clone(),
            host,
            port,
            tls: false,
            is_allowed: true,
            authority: header.to_owned(),
            host_header: header.to_owned(),
            base,
            authorization: None,
            socket: Some(socket),
        }
    }

    /// Whether requests for this URL, in a redirect from this target, go to this target: it has the
    /// same origin.
    pub(crate) fn serves(&self, url: &Url) -> bool {
        let scheme = if self.tls { "https" } else { "http" };
        let host = url.host_str().map(without_brackets);
        url.scheme() == scheme && host == Some(&*self.host) && url.port_or_known_default() == Some(self.port)
    }

    /// Scheme, host and port, without user and password.
    pub(crate) fn origin(&self) -> String {
        format!("{}://{}", if self.tls { "https" } else { "http" }, self.authority)
    }

    /// Resolves a `location` header relative to a path.
    pub(crate) fn resolve(&self, from: &str, location: &str) -> Option<Url> {
        Url::parse(&format!("{}{from}", self.origin())).ok()?.join(location).ok()
    }
}

/// A host without the brackets that an IPv6 address has in a URL.
pub(super) fn without_brackets(host: &str) -> &str {
    host.trim_start_matches('[').trim_end_matches(']')
}

#[cfg(test)]
mod tests;
