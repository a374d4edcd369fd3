//! How a store is told who pushes and asks, in k6's variables:
//! <https://grafana.com/docs/k6/latest/results-output/real-time/prometheus-remote-write/>.

use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use url::Url;

use super::value::printable;
use super::{RW_HEADERS, ValueError};

/// Credentials and headers for a store, sent to where metrics are pushed to and to no other host.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct StoreAccess {
    origin: Option<String>,
    headers: Vec<(String, String)>,
    /// User and password become part of the URL, as if they had been written there.
    #[serde(skip)]
    pub(super) username: Option<String>,
    #[serde(skip)]
    pub(super) password: Option<String>,
    pub(super) certificate: Option<PathBuf>,
    pub(super) key: Option<PathBuf>,
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
    pub(super) fn bind(&mut self, push: &mut Option<Url>, query: &mut Option<Url>) {
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
    pub(super) fn add_headers<'a>(&mut self, pairs: impl Iterator<Item = &'a str>) -> Result<(), ValueError> {
        pairs.filter(|pair| !pair.trim().is_empty()).try_for_each(|pair| {
            let (name, value) = pair.split_once(':').ok_or_else(refused)?;
            let name = name.trim().to_ascii_lowercase();
            let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
            if name.is_empty() || !name.bytes().all(is_token) || RESERVED.contains(&name.as_str()) {
                return Err(refused());
            }
            self.add_header(&name, value.trim())
        })
    }

    pub(super) fn add_header(&mut self, name: &str, value: &str) -> Result<(), ValueError> {
        self.headers.push((name.to_owned(), printable(value).ok_or_else(refused)?.to_owned()));
        Ok(())
    }
}

/// What tells hosts apart: scheme, name and port.
fn origin(url: &Url) -> String {
    url.origin().ascii_serialization()
}

/// What stands for [`RW_HEADERS`]: of all variables, those of headers for the store, "name:value", one a line.
pub fn header_lines(variables: impl Iterator<Item = (OsString, OsString)>) -> String {
    let line = |(name, value): (OsString, OsString)| {
        Some(format!("{}:{}\n", name.to_str()?.strip_prefix(RW_HEADERS)?, value.to_str()?))
    };
    variables.filter_map(line).collect()
}

/// What the protocol says of itself is not for users to say.
const RESERVED: [&str; 5] =
    ["content-encoding", "content-type", "content-length", "x-prometheus-remote-write-version", "host"];

/// What is wrong with a header is not repeated: it may be a secret.
fn refused() -> ValueError {
    ValueError::Header("what it holds".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::*;

    fn settings(pairs: &[(&str, &str)]) -> Result<Settings, SettingsError> {
        let get = |name: &str| pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
        Settings::from_lookup(&get)
    }

    const STORE: (&str, &str) = (REMOTE_WRITE, "http://store:9009/api/v1/push");

    #[test]
    fn credentials_go_to_the_store_and_nowhere_else() {
        let bearer =
            settings(&[STORE, (RW_BEARER_TOKEN, "t0p"), (RW_HTTP_HEADERS, "X-Scope-OrgID: team:1, a: b")]).unwrap();
        let to = |url: &str| bearer.store_access.headers_for(&Url::parse(url).unwrap());
        let expected = [("x-scope-orgid", "team:1"), ("a", "b"), ("authorization", "Bearer t0p")];
        let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(to("http://store:9009/api/v1/query"), expected);
        assert_eq!(to("http://store:9010/api/v1/query"), []);
        assert_eq!(to("https://store:9009/"), []);
        let debug = format!("{bearer:?}");
        assert!(!debug.contains("t0p") && !debug.contains("team:1"), "{debug}");
    }

    #[test]
    fn each_of_k6s_variables_is_understood() {
        let files = [(RW_CLIENT_CERTIFICATE, "c.pem"), (RW_CLIENT_CERTIFICATE_KEY, "k.pem")];
        let rest = [
            STORE,
            (RW_HEADERS, "X-Scope-OrgID:team,1\na:b"),
            ("K6_PROMETHEUS_RW_TLS_MINIMUM_VERSION", "1.3"),
            ("K6_PROMETHEUS_RW_TREND_STATS", "p(95)"),
            ("K6_PROMETHEUS_RW_STALE_MARKERS", "false"),
            (NATIVE_HISTOGRAMS, "true"),
        ];
        let settings = settings(&[files.as_slice(), &rest].concat()).unwrap();
        let (own, other) = ("https://store:9009/", "http://store:9009/x");
        let access = &settings.store_access;
        assert_eq!(access.headers_for(&Url::parse(other).unwrap())[0], ("x-scope-orgid".into(), "team,1".into()));
        assert_eq!(access.client_certificate_for(&Url::parse(own).unwrap()), None, "another origin");
        let (certificate, key) = access.client_certificate_for(&Url::parse(other).unwrap()).unwrap();
        assert_eq!((certificate.to_str(), key.to_str()), (Some("c.pem"), Some("k.pem")));
        assert!(access.tls_1_3 && settings.native_histograms);
        assert_eq!(settings.ignored.len(), 2, "{:?}", settings.ignored);
    }

    #[test]
    fn user_and_password_are_those_of_the_url() {
        let basic = [STORE, (RW_USERNAME, "me"), (RW_PASSWORD, "p@ss"), (PROMETHEUS, "http://other:1/")];
        let settings = settings(&basic).unwrap();
        assert_eq!(settings.remote_write.unwrap().as_str(), "http://me:p%40ss@store:9009/api/v1/push");
        assert_eq!(settings.prometheus.unwrap().as_str(), "http://other:1/", "another host");
        let alone = super::super::Settings::from_lookup(&|name| {
            basic[..3].iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
        });
        assert_eq!(alone.unwrap().query_url().unwrap().as_str(), "http://me:p%40ss@store:9009/");
    }

    #[test]
    fn what_cannot_be_sent_is_refused_without_being_repeated() {
        for pairs in [
            [STORE, (RW_HTTP_HEADERS, "secret"), ("", "")],
            [STORE, (RW_HTTP_HEADERS, "a b:secret"), ("", "")],
            [STORE, (RW_HTTP_HEADERS, "a:secret\u{7}"), ("", "")],
            [STORE, (RW_HTTP_HEADERS, "Content-Encoding:secret"), ("", "")],
            [STORE, (RW_HEADERS, "X-Key:secret\nhost:secret"), ("", "")],
            [STORE, (RW_CLIENT_CERTIFICATE, "secret.pem"), ("", "")],
            [STORE, ("K6_PROMETHEUS_RW_TLS_MIN_VERSION", "secret"), ("", "")],
            [STORE, (RW_BEARER_TOKEN, "secret\n"), ("", "")],
            [STORE, (RW_BEARER_TOKEN, "secret"), (RW_USERNAME, "me")],
            [STORE, ("K6_PROMETHEUS_RW_SIGV4_REGION", "eu-1"), ("", "")],
        ] {
            let message = settings(&pairs).unwrap_err().to_string();
            assert!(message.contains("K6_PROMETHEUS_RW_") && !message.contains("secret"), "{message}");
        }
    }
}
