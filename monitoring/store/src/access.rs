//! The credentials, headers and certificates of a store. They go to that store and to no other host.

use std::fmt;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use url::Url;

/// Credentials and headers for a store, sent to where metrics are pushed to and to no other host.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct StoreAccess {
    origin: Option<String>,
    headers: Vec<(String, String)>,
    /// The user. [`StoreAccess::bind`] writes it and the password into the URLs.
    #[serde(skip)]
    pub username: Option<String>,
    /// The user's password.
    #[serde(skip)]
    pub password: Option<String>,
    /// The file of the client's certificate.
    pub certificate: Option<PathBuf>,
    /// The file of that certificate's key.
    pub key: Option<PathBuf>,
    /// Take any certificate.
    pub insecure_skip_tls_verify: bool,
    /// A file of certificates to trust, besides the system's.
    pub ca_certificate: Option<PathBuf>,
    /// Speak TLS 1.3 or nothing; else 1.2 will do.
    pub tls_1_3: bool,
}

/// Without the values of headers, which are secrets.
impl fmt::Debug for StoreAccess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.headers.iter().map(|(name, _)| name).collect();
        f.debug_struct("StoreAccess").field("origin", &self.origin).field("headers", &names).finish_non_exhaustive()
    }
}

impl StoreAccess {
    /// Binds it to the host that metrics are pushed to, and puts user and password into the URLs of that host.
    pub fn bind(&mut self, push: &mut Option<Url>, query: &mut Option<Url>) {
        self.origin = push.as_ref().map(origin);
        let (Some(user), password) = (self.username.take(), self.password.take()) else { return };
        for url in [push, query].into_iter().flatten().filter(|url| Some(origin(url)) == self.origin) {
            // Both fail only for URLs without a host, and each has one.
            let _ = url.set_username(&user);
            let _ = url.set_password(password.as_deref());
        }
    }

    /// The files of the certificate that a request to that URL is made with, and of its key: none if it is another host's.
    pub fn client_certificate_for(&self, url: &Url) -> Option<(&PathBuf, &PathBuf)> {
        self.certificate.as_ref().zip(self.key.as_ref()).filter(|_| self.origin == Some(origin(url)))
    }

    /// Names and values of headers for a request to that URL: none if it is another host's.
    pub fn headers_for(&self, url: &Url) -> &[(String, String)] {
        if self.origin == Some(origin(url)) { &self.headers } else { &[] }
    }

    /// Adds headers, each as "name:value"; a value may hold a colon.
    ///
    /// # Errors
    /// The first that is not a header, or has a name that the protocol uses itself.
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

    /// Adds a header, whose name must be in lower case.
    ///
    /// # Errors
    /// If the value has characters that a header cannot have.
    pub fn add_header(&mut self, name: &str, value: &str) -> Result<(), HeaderError> {
        if !is_header_value(value) {
            return Err(HeaderError);
        }
        self.headers.push((name.to_owned(), value.to_owned()));
        Ok(())
    }
}

/// A header for a store cannot be sent. The message does not repeat it: it may be a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it is not a header that can be sent to a store")]
pub struct HeaderError;

/// Whether a text can be the value of a header: printable ASCII, and not blank.
pub fn is_header_value(text: &str) -> bool {
    !text.trim().is_empty() && text.bytes().all(|byte| (0x20..0x7f).contains(&byte))
}

/// What tells hosts apart: scheme, name and port.
fn origin(url: &Url) -> String {
    url.origin().ascii_serialization()
}

/// What the protocol says of itself is not for users to say.
const RESERVED: [&str; 5] =
    ["content-encoding", "content-type", "content-length", "x-prometheus-remote-write-version", "host"];
