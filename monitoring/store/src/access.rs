//! Credentials, headers and certificates for a store.

use std::fmt;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use url::Url;

use crate::proxy::ProxySettings;

/// Credentials, headers and certificates for a store. They are sent only to the host that metrics
/// are pushed to.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct StoreAccess {
    origin: Option<String>,
    headers: Vec<(String, String)>,
    /// User name. [`StoreAccess::bind`] moves it and the password into the URLs.
    #[serde(skip)]
    pub username: Option<String>,
    /// Password of the user.
    #[serde(skip)]
    pub password: Option<String>,
    /// PEM file of the client certificate.
    pub certificate: Option<PathBuf>,
    /// PEM file of the client certificate's key.
    pub key: Option<PathBuf>,
    /// Accept any server certificate.
    pub insecure_skip_tls_verify: bool,
    /// PEM file of CA certificates to trust, in addition to the system's.
    pub ca_certificate: Option<PathBuf>,
    /// Proxies by the scheme of a store.
    pub proxies: ProxySettings,
    /// Require TLS 1.3. By default TLS 1.2 is accepted, too.
    pub tls_1_3: bool,
}

/// Omits the values of headers, because they may be secrets.
impl fmt::Debug for StoreAccess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.headers.iter().map(|(name, _)| name).collect();
        f.debug_struct("StoreAccess").field("origin", &self.origin).field("headers", &names).finish_non_exhaustive()
    }
}

impl StoreAccess {
    /// Binds the credentials to the host of `push`, and writes user and password into the URLs of
    /// that host.
    pub fn bind(&mut self, push: &mut Option<Url>, query: &mut Option<Url>) {
        self.origin = push.as_ref().map(origin);
        let (Some(user), password) = (self.username.take(), self.password.take()) else { return };
        for url in [push, query].into_iter().flatten().filter(|url| Some(origin(url)) == self.origin) {
            // Both fail only for URLs without a host. Each of these has one.
            let _ = url.set_username(&user);
            let _ = url.set_password(password.as_deref());
        }
    }

    /// Files of the client certificate and its key for a request to `url`. `None` for another host.
    pub fn client_certificate_for(&self, url: &Url) -> Option<(&PathBuf, &PathBuf)> {
        self.certificate.as_ref().zip(self.key.as_ref()).filter(|_| self.origin == Some(origin(url)))
    }

    /// Names and values of headers for a request to `url`. Empty for another host.
    pub fn headers_for(&self, url: &Url) -> &[(String, String)] {
        if self.origin == Some(origin(url)) { &self.headers } else { &[] }
    }

    /// Adds headers, each given as "name:value". A value may contain colons.
    ///
    /// # Errors
    /// If a text is not a header, or its name is reserved by the protocol.
    pub fn add_headers<'a>(&mut self, pairs: impl Iterator<Item = &'a str>) -> Result<(), HeaderError> {
        pairs.filter(|pair| !pair.trim().is_empty()).try_for_each(|pair| {
            let (name, value) = pair.split_once(':').ok_or(HeaderError)?;
            let name = name.trim().to_ascii_lowercase();
            let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
            if name.is_empty() || !name.bytes().all(is_token) || RESERVED.contains(&name.as_str()) {
                return Err(HeaderError);
            }
            self.add_header(&name, value.trim())
        })
    }

    /// Adds a header. Its name must be in lower case.
    ///
    /// # Errors
    /// If the value is blank or has characters other than printable ASCII.
    pub fn add_header(&mut self, name: &str, value: &str) -> Result<(), HeaderError> {
        if !is_header_value(value) {
            return Err(HeaderError);
        }
        self.headers.push((name.to_owned(), value.to_owned()));
        Ok(())
    }
}

/// A header for a store cannot be sent. The message omits the header, because it may be a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("cannot be sent as a header to a store: use printable ASCII, and not a name that remote write sets itself")]
pub struct HeaderError;

/// Whether a text can be a header value: printable ASCII, and not blank.
pub fn is_header_value(text: &str) -> bool {
    !text.trim().is_empty() && text.bytes().all(|byte| (0x20..0x7f).contains(&byte))
}

fn origin(url: &Url) -> String {
    url.origin().ascii_serialization()
}

/// Headers that the remote-write protocol and HTTP set themselves.
const RESERVED: [&str; 5] =
    ["content-encoding", "content-type", "content-length", "x-prometheus-remote-write-version", "host"];
