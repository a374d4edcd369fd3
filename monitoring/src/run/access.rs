//! How a store is told who pushes and asks, in k6's variables:
//! <https://grafana.com/docs/k6/latest/results-output/real-time/prometheus-remote-write/>.

use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;

use url::{Origin, Url};

use super::{
    RW_BEARER_TOKEN, RW_CA_CERTIFICATE, RW_CLIENT_CERTIFICATE, RW_CLIENT_CERTIFICATE_KEY, RW_HEADERS, RW_HTTP_HEADERS,
    RW_INSECURE_SKIP_TLS_VERIFY, RW_PASSWORD, RW_SIGV4, RW_STALE_MARKERS, RW_TLS_MIN_VERSION, RW_TREND_STATS,
    RW_USERNAME, SettingsError, http,
};

/// Credentials and headers for a store, sent to where metrics are pushed to and to no other host.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct StoreAccess {
    origin: Option<Origin>,
    headers: Vec<(String, String)>,
    client_certificate: Option<(PathBuf, PathBuf)>,
    /// Take any certificate.
    pub insecure_skip_tls_verify: bool,
    /// A file of certificates to trust, besides the system's.
    pub ca_certificate: Option<PathBuf>,
    /// Speak TLS 1.3 or nothing; else 1.2 will do.
    pub tls_1_3: bool,
}

/// What k6 has variables for and is not needed here: a sentence for each that is set.
pub(super) fn ignored(get: &dyn Fn(&str) -> Option<String>) -> Vec<&'static str> {
    let trend = "K6_PROMETHEUS_RW_TREND_STATS changes nothing: histograms are pushed, which give every quantile";
    let stale = "K6_PROMETHEUS_RW_STALE_MARKERS changes nothing: series are always marked as ended";
    let off = || get(RW_STALE_MARKERS).is_some() && !http::switch(get, RW_STALE_MARKERS);
    let all = [(get(RW_TREND_STATS).is_some(), trend), (off(), stale)];
    all.into_iter().filter(|(is_set, _)| *is_set).map(|(_, sentence)| sentence).collect()
}

/// Without the values of headers, which are secrets.
impl fmt::Debug for StoreAccess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.headers.iter().map(|(name, _)| name).collect();
        f.debug_struct("StoreAccess").field("origin", &self.origin).field("headers", &names).finish_non_exhaustive()
    }
}

impl StoreAccess {
    /// What the variables say. User and password become part of the URL, as if they had been written there.
    pub(super) fn from_lookup(
        get: &dyn Fn(&str) -> Option<String>,
        push: &mut Option<Url>,
        query: &mut Option<Url>,
    ) -> Result<Self, SettingsError> {
        if RW_SIGV4.iter().any(|name| get(name).is_some()) {
            return Err(SettingsError::Contradiction(
                "signing pushes for AWS (K6_PROMETHEUS_RW_SIGV4_…) is not supported: put a signing proxy in between",
            ));
        }
        let origin = push.as_ref().map(Url::origin);
        let mut headers = get(RW_HTTP_HEADERS).map_or_else(|| Ok(Vec::new()), |text| parse_headers(&text))?;
        let each = get(RW_HEADERS).unwrap_or_default();
        headers.extend(each.lines().map(|pair| header(RW_HEADERS, pair)).collect::<Result<Vec<_>, _>>()?);
        if let Some(token) = get(RW_BEARER_TOKEN) {
            if get(RW_USERNAME).is_some() {
                return Err(SettingsError::Contradiction(
                    "K6_PROMETHEUS_RW_BEARER_TOKEN and K6_PROMETHEUS_RW_USERNAME exclude each other",
                ));
            }
            headers.push(("authorization".to_owned(), value(RW_BEARER_TOKEN, &format!("Bearer {token}"))?));
        }
        if let Some(user) = get(RW_USERNAME) {
            let password = get(RW_PASSWORD);
            for url in [push, query].into_iter().flatten().filter(|url| Some(url.origin()) == origin) {
                // Both fail only for URLs without a host, and each has one.
                let _ = url.set_username(&user);
                let _ = url.set_password(password.as_deref());
            }
        }
        let client_certificate = match (get(RW_CLIENT_CERTIFICATE), get(RW_CLIENT_CERTIFICATE_KEY)) {
            (None, None) => None,
            (Some(certificate), Some(key)) => Some((certificate.into(), key.into())),
            _ => {
                return Err(SettingsError::Contradiction(
                    "K6_PROMETHEUS_RW_CLIENT_CERTIFICATE and K6_PROMETHEUS_RW_CLIENT_CERTIFICATE_KEY go together",
                ));
            }
        };
        Ok(Self {
            origin,
            headers,
            client_certificate,
            insecure_skip_tls_verify: http::switch(get, RW_INSECURE_SKIP_TLS_VERIFY),
            ca_certificate: get(RW_CA_CERTIFICATE).map(PathBuf::from),
            tls_1_3: tls_1_3(get)?,
        })
    }

    /// The files of the certificate that a request to that URL is made with, and of its key: none if it is another host's.
    pub fn client_certificate_for(&self, url: &Url) -> Option<&(PathBuf, PathBuf)> {
        self.client_certificate.as_ref().filter(|_| self.origin.as_ref() == Some(&url.origin()))
    }

    /// Names and values of headers for a request to that URL: none if it is another host's.
    pub fn headers_for(&self, url: &Url) -> &[(String, String)] {
        if self.origin.as_ref() == Some(&url.origin()) { &self.headers } else { &[] }
    }
}

/// What stands for [`RW_HEADERS`]: of all variables, those of headers for the store, "name:value", one a line.
pub fn header_lines(variables: impl Iterator<Item = (OsString, OsString)>) -> String {
    let line = |(name, value): (OsString, OsString)| {
        Some(format!("{}:{}\n", name.to_str()?.strip_prefix(RW_HEADERS)?, value.to_str()?))
    };
    variables.filter_map(line).collect()
}

/// Whether TLS 1.3 is the least. What is older than 1.2 is not spoken in any case.
fn tls_1_3(get: &dyn Fn(&str) -> Option<String>) -> Result<bool, SettingsError> {
    match RW_TLS_MIN_VERSION.iter().find_map(|name| get(name)).as_deref() {
        None | Some("1.0" | "1.1" | "1.2") => Ok(false),
        Some("1.3") => Ok(true),
        Some(_) => {
            Err(SettingsError::Contradiction("K6_PROMETHEUS_RW_TLS_MIN_VERSION is one of 1.0, 1.1, 1.2 and 1.3"))
        }
    }
}

/// "name:value,name:value"; a value may hold a colon, and no comma.
fn parse_headers(text: &str) -> Result<Vec<(String, String)>, SettingsError> {
    text.split(',').filter(|pair| !pair.trim().is_empty()).map(|pair| header(RW_HTTP_HEADERS, pair)).collect()
}

/// What the protocol says of itself is not for users to say.
const RESERVED: [&str; 5] =
    ["content-encoding", "content-type", "content-length", "x-prometheus-remote-write-version", "host"];

fn header(variable: &str, pair: &str) -> Result<(String, String), SettingsError> {
    let (name, text) = pair.split_once(':').ok_or_else(|| refused(variable))?;
    let name = name.trim().to_ascii_lowercase();
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    if name.is_empty() || !name.bytes().all(is_token) || RESERVED.contains(&name.as_str()) {
        return Err(refused(variable));
    }
    Ok((name, value(variable, text.trim())?))
}

/// A header's value. What is wrong with one is not repeated: it may be a secret.
fn value(name: &str, text: &str) -> Result<String, SettingsError> {
    let is_visible = |byte: u8| (0x20..0x7f).contains(&byte);
    if !text.is_empty() && text.bytes().all(is_visible) { Ok(text.to_owned()) } else { Err(refused(name)) }
}

fn refused(name: &str) -> SettingsError {
    SettingsError::Header { name: name.to_owned(), value: "what it holds".to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::PROMETHEUS;
    use crate::run::{REMOTE_WRITE, Settings};

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
            (RW_TLS_MIN_VERSION[1], "1.3"),
            (RW_TREND_STATS, "p(95)"),
            (RW_STALE_MARKERS, "false"),
            (crate::run::NATIVE_HISTOGRAMS, "true"),
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
            [STORE, (RW_TLS_MIN_VERSION[0], "secret"), ("", "")],
            [STORE, (RW_BEARER_TOKEN, "secret\n"), ("", "")],
            [STORE, (RW_BEARER_TOKEN, "secret"), (RW_USERNAME, "me")],
            [STORE, (RW_SIGV4[0], "eu-1"), ("", "")],
        ] {
            let message = settings(&pairs).unwrap_err().to_string();
            assert!(message.contains("K6_PROMETHEUS_RW_") && !message.contains("secret"), "{message}");
        }
    }
}
