//! How requests are made, as far as a run can be told: k6's options, with k6's defaults unless said otherwise.

use std::path::PathBuf;
use std::time::Duration;

use super::{
    ALLOW_TARGET, CA_CERTIFICATE, HTTP2, INSECURE_SKIP_TLS_VERIFY, MAX_REDIRECTS, NO_CONNECTION_REUSE, REQUEST_TIMEOUT,
    RPS, SettingsError, USER_AGENT, parse_number, parse_within,
};

/// Options of every request of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpSettings {
    /// The most requests a second, of all virtual users together; a virtual user waits until it may.
    pub rps: Option<u64>,
    /// A new connection for every request.
    pub no_connection_reuse: bool,
    /// Take any certificate.
    pub insecure_skip_tls_verify: bool,
    /// The header `user-agent`; ours if none is named.
    pub user_agent: Option<String>,
    /// How many redirects are followed; each is a request of its own, to the same endpoint. k6 follows 10, we none:
    /// where a redirect leads is not what was promised.
    pub max_redirects: u32,
    /// How long a request may take in all, its connection included.
    pub request_timeout: Duration,
    /// Certificates, as PEM, that are trusted in place of the system's.
    pub ca_certificate: Option<PathBuf>,
    /// HTTP/2: by ALPN over TLS, by prior knowledge without.
    pub http2: bool,
    /// Hosts that load may go to wherever they are.
    pub allowed: Vec<String>,
}

impl Default for HttpSettings {
    fn default() -> Self {
        Self {
            rps: None,
            no_connection_reuse: false,
            insecure_skip_tls_verify: false,
            user_agent: None,
            max_redirects: 0,
            request_timeout: Duration::from_secs(60),
            ca_certificate: None,
            http2: false,
            allowed: Vec::new(),
        }
    }
}

impl HttpSettings {
    pub(super) fn from_lookup(get: &dyn Fn(&str) -> Option<String>) -> Result<Self, SettingsError> {
        let default = Self::default();
        Ok(Self {
            rps: get(RPS).map(|value| parse_number(RPS, &value, 1, 10_000_000)).transpose()?,
            no_connection_reuse: switch(get, NO_CONNECTION_REUSE),
            insecure_skip_tls_verify: switch(get, INSECURE_SKIP_TLS_VERIFY),
            user_agent: get(USER_AGENT).map(|value| parse_user_agent(USER_AGENT, &value)).transpose()?,
            max_redirects: get(MAX_REDIRECTS)
                .map_or(Ok(default.max_redirects), |value| parse_max_redirects(MAX_REDIRECTS, &value))?,
            request_timeout: get(REQUEST_TIMEOUT)
                .map_or(Ok(default.request_timeout), |value| parse_request_timeout(REQUEST_TIMEOUT, &value))?,
            ca_certificate: get(CA_CERTIFICATE).map(PathBuf::from),
            http2: switch(get, HTTP2),
            allowed: hosts(&get(ALLOW_TARGET).unwrap_or_default()),
        })
    }
}

fn hosts(text: &str) -> Vec<String> {
    text.split(',').map(|host| host.trim().to_owned()).filter(|host| !host.is_empty()).collect()
}

/// k6's switches are on for any of these.
pub(super) fn switch(get: &dyn Fn(&str) -> Option<String>, name: &str) -> bool {
    get(name).is_some_and(|value| !matches!(value.as_str(), "0" | "false" | "f" | "F" | "FALSE" | "False"))
}

/// How many redirects are followed.
///
/// # Errors
/// If it is no number from 0 to 100.
pub fn parse_max_redirects(name: &str, value: &str) -> Result<u32, SettingsError> {
    parse_number(name, value, 0, 100).map(|most| u32::try_from(most).unwrap_or(u32::MAX))
}

/// How long a request may take.
///
/// # Errors
/// If it is no duration from a millisecond to an hour.
pub fn parse_request_timeout(name: &str, value: &str) -> Result<Duration, SettingsError> {
    parse_within(name, value, &(Duration::from_millis(1)..=Duration::from_secs(3600)))
}

/// A header's value.
///
/// # Errors
/// If it has anything but printable ASCII.
pub fn parse_user_agent(name: &str, value: &str) -> Result<String, SettingsError> {
    let printable = !value.trim().is_empty() && value.bytes().all(|byte| (0x20..0x7f).contains(&byte));
    let error = || SettingsError::Header { name: name.to_owned(), value: value.to_owned() };
    if printable { Ok(value.trim().to_owned()) } else { Err(error()) }
}
