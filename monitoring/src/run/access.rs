//! How a store is told who pushes and asks, in k6's variables:
//! <https://grafana.com/docs/k6/latest/results-output/real-time/prometheus-remote-write/>.

use std::fmt;

use url::{Origin, Url};

use super::{
    RW_BEARER_TOKEN, RW_HTTP_HEADERS, RW_INSECURE_SKIP_TLS_VERIFY, RW_PASSWORD, RW_SIGV4, RW_USERNAME, SettingsError,
    http,
};

/// Credentials and headers for a store, sent to where metrics are pushed to and to no other host.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct StoreAccess {
    origin: Option<Origin>,
    headers: Vec<(String, String)>,
    /// Take any certificate.
    pub insecure_skip_tls_verify: bool,
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
        Ok(Self { origin, headers, insecure_skip_tls_verify: http::switch(get, RW_INSECURE_SKIP_TLS_VERIFY) })
    }

    /// Names and values of headers for a request to that URL: none if it is another host's.
    pub fn headers_for(&self, url: &Url) -> &[(String, String)] {
        if self.origin.as_ref() == Some(&url.origin()) { &self.headers } else { &[] }
    }
}

/// "name:value,name:value"; a value may hold a colon, and no comma.
fn parse_headers(text: &str) -> Result<Vec<(String, String)>, SettingsError> {
    let header = |pair: &str| {
        let (name, text) = pair.split_once(':').ok_or_else(|| refused(RW_HTTP_HEADERS))?;
        let name = name.trim().to_ascii_lowercase();
        let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
        if name.is_empty() || !name.bytes().all(is_token) {
            return Err(refused(RW_HTTP_HEADERS));
        }
        Ok((name, value(RW_HTTP_HEADERS, text.trim())?))
    };
    text.split(',').filter(|pair| !pair.trim().is_empty()).map(header).collect()
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
    use crate::run::{PROMETHEUS, REMOTE_WRITE, Settings};

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
            [STORE, (RW_BEARER_TOKEN, "secret\n"), ("", "")],
            [STORE, (RW_BEARER_TOKEN, "secret"), (RW_USERNAME, "me")],
            [STORE, (RW_SIGV4[0], "eu-1"), ("", "")],
        ] {
            let message = settings(&pairs).unwrap_err().to_string();
            assert!(message.contains("K6_PROMETHEUS_RW_") && !message.contains("secret"), "{message}");
        }
    }
}
