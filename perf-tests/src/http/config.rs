//! The HTTP configuration that all virtual users share.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use perf_settings::HttpSettings;
use url::Url;

use super::h1::ResponseLimits;
use super::host::HostConfig;
use super::tls::TlsError;

/// The hosts of a run and the options of requests, which all virtual users share. During a run,
/// only other origins are added, when redirects lead to them.
#[derive(Debug)]
pub(crate) struct HttpConfig {
    pub(crate) settings: HttpSettings,
    pub(super) limits: ResponseLimits,
    /// The main target, then the service's other hosts, sorted by name.
    hosts: Vec<Arc<HostConfig>>,
    /// Other origins that redirects led to, in the order in which they were found.
    others: Mutex<Vec<Arc<HostConfig>>>,
}

/// Index of the main target.
pub(crate) const MAIN: usize = 0;
/// Limit on the other origins of a run.
const MAX_OTHERS: usize = 100;
/// Limit on response bodies of all virtual users together, in bytes, and the minimum limit of each.
const ALL_BODIES: u64 = 4 << 30;
const MIN_BODY: usize = 4 << 20;

impl HttpConfig {
    /// The configuration for a main target and other hosts by name. Reads their certificates, once.
    pub(crate) fn new(main: &Url, others: &BTreeMap<String, Url>, settings: HttpSettings) -> Result<Self, TlsError> {
        let named = others.iter().map(|(name, url)| (Some(name.as_str()), url));
        let hosts = [(None, main)].into_iter().chain(named);
        let hosts = hosts.map(|(name, url)| Ok(Arc::new(HostConfig::new(name, url, &settings)?)));
        let hosts = hosts.collect::<Result<_, TlsError>>()?;
        let mut limits = ResponseLimits::default();
        if let Some(max) = settings.max_head {
            limits = limits.with_head(usize::try_from(max).unwrap_or(usize::MAX));
        }
        limits.body = settings.max_body.map_or(limits.body, |max| usize::try_from(max).unwrap_or(usize::MAX));
        Ok(Self { hosts, settings, limits, others: Mutex::default() })
    }

    /// Divides the memory for response bodies among this many virtual users, unless the run sets a
    /// limit. So a target that sends endless responses does not fill the machine's memory.
    pub(crate) fn for_vus(mut self, vus: u32) -> Self {
        if self.settings.max_body.is_some() {
            return self;
        }
        let share = usize::try_from(ALL_BODIES / u64::from(vus.max(1))).unwrap_or(usize::MAX);
        self.limits.body = share.clamp(MIN_BODY, self.limits.body);
        self
    }

    /// Maximum bytes of a response body that is kept, before and after decoding.
    pub(crate) const fn max_body(&self) -> usize {
        self.limits.body
    }

    /// The main target and the service's other hosts.
    pub(crate) fn hosts(&self) -> &[Arc<HostConfig>] {
        &self.hosts
    }

    /// The index of a host that an endpoint names. `None` if it has no URL.
    pub(crate) fn host_index(&self, name: &str) -> Option<usize> {
        self.hosts.iter().position(|host| host.name.as_deref() == Some(name))
    }

    /// The origins outside the targets that redirects led to.
    pub(crate) fn other_origins(&self) -> Vec<Arc<HostConfig>> {
        self.others.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The host with this index: a target, or another origin that a redirect led to.
    pub(super) fn host(&self, at: usize) -> Option<Arc<HostConfig>> {
        let other = |at| self.other_origins().get(at).cloned();
        self.hosts.get(at).cloned().or_else(|| other(at - self.hosts.len()))
    }

    /// The index of the host that serves a URL, for a redirect from the host `from`.
    ///
    /// # Errors
    /// Why load may not go there, and what to do.
    pub(crate) fn find_host(&self, url: &Url, from: usize) -> Result<usize, RedirectError> {
        let origin = url.origin();
        if self.hosts.get(from).is_some_and(|host| host.target.serves(url)) {
            return Ok(from);
        }
        // The name of a socket's host means that socket only to the service that listens on it.
        let serves = |host: &Arc<HostConfig>| host.target.socket.is_none() && host.target.serves(url);
        if let Some(at) = self.hosts.iter().position(serves) {
            return Ok(at);
        }
        let shown = origin.ascii_serialization();
        let Some(name) = url.host_str().filter(|_| matches!(url.scheme(), "http" | "https")) else {
            return Err(RedirectError::Scheme(url.scheme().to_owned()));
        };
        let bare = name.trim_start_matches('[').trim_end_matches(']');
        if !self.settings.allowed.iter().any(|allowed| allowed.eq_ignore_ascii_case(bare)) {
            return Err(RedirectError::NotAllowed { host: bare.to_owned(), origin: shown });
        }
        let mut others = self.others.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(at) = others.iter().position(|host| host.target.serves(url)) {
            return Ok(self.hosts.len() + at);
        }
        if others.len() == MAX_OTHERS {
            return Err(RedirectError::TooManyOrigins);
        }
        let url = Url::parse(&shown).map_err(|error| RedirectError::Origin { origin: shown, error })?;
        let host = HostConfig::for_other_origin(&url, &self.settings)?;
        others.push(Arc::new(host));
        Ok(self.hosts.len() + others.len() - 1)
    }
}

/// Why load may not follow a redirect.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RedirectError {
    #[error("it leads to a URL of scheme {0:?}, which is not HTTP")]
    Scheme(String),
    #[error("it leads to {origin}, which is not a target: if you may load it, pass --allow-target {host}")]
    NotAllowed { origin: String, host: String },
    #[error("redirects have led to {MAX_OTHERS} other origins, which is the limit")]
    TooManyOrigins,
    #[error("it leads to {origin}: {error}")]
    Origin { origin: String, error: url::ParseError },
    #[error(transparent)]
    Tls(#[from] TlsError),
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(settings: HttpSettings) -> HttpConfig {
        let url = |text: &str| Url::parse(text).unwrap();
        let others = BTreeMap::from([("auth".to_owned(), url("http://127.0.0.2:1"))]);
        HttpConfig::new(&url("http://127.0.0.1:1/base"), &others, settings).unwrap()
    }

    #[test]
    fn many_virtual_users_have_a_smaller_body_limit_each() {
        let body = |vus| config(HttpSettings::default()).for_vus(vus).limits.body;
        assert_eq!([1, 64, 128, 10_000].map(body), [64 << 20, 64 << 20, 32 << 20, 4 << 20]);
        let given = HttpSettings { max_body: Some(70 << 20), ..HttpSettings::default() };
        assert_eq!(config(given).for_vus(10_000).limits.body, 70 << 20);
    }

    #[test]
    #[cfg(unix)]
    fn the_name_of_a_sockets_host_is_known_only_to_its_service() {
        let url = |text: &str| Url::parse(text).unwrap();
        let others = BTreeMap::from([("auth".to_owned(), url("http://127.0.0.1:1"))]);
        let config = |settings| HttpConfig::new(&url("unix:/run/app.sock:/base"), &others, settings).unwrap();
        let of = |config: &HttpConfig, location: &str, from| {
            config.find_host(&url(location), from).map_err(|error| error.to_string())
        };
        let plain = config(HttpSettings::default());
        assert_eq!(plain.hosts()[MAIN].target.resolve("/base/a", "b").unwrap().as_str(), "http://localhost/base/b");
        assert_eq!(of(&plain, "http://localhost/x", MAIN), Ok(MAIN));
        assert_eq!(of(&plain, "http://127.0.0.1:1/x", MAIN), Ok(1));
        assert!(of(&plain, "http://localhost/x", 1).unwrap_err().contains("--allow-target localhost"));
        let host_header = "shop.test:81".to_owned().into();
        let named = config(HttpSettings { host_header, ..HttpSettings::default() });
        assert_eq!(of(&named, "http://shop.test:81/x", MAIN), Ok(MAIN));
        assert!(of(&named, "http://localhost/x", MAIN).is_err());
    }

    #[test]
    fn redirects_go_to_targets_and_to_allowed_origins() {
        let config = config(HttpSettings { allowed: vec!["::1".to_owned()], ..HttpSettings::default() });
        let of = |url: &str| config.find_host(&Url::parse(url).unwrap(), MAIN).map_err(|error| error.to_string());
        assert_eq!([of("http://127.0.0.1:1/x"), of("http://127.0.0.2:1/")], [Ok(0), Ok(1)]);
        let refused = of("http://127.0.0.1:2/").unwrap_err();
        assert!(refused.contains("http://127.0.0.1:2,") && refused.contains("--allow-target 127.0.0.1"), "{refused}");
        assert!(of("https://127.0.0.1:1/").is_err() && of("ftp://[::1]/").is_err());
        assert_eq!([of("http://[::1]:3/a"), of("http://[::1]:4/"), of("http://[::1]:3/b")], [Ok(2), Ok(3), Ok(2)]);
        assert_eq!(config.other_origins().len(), 2);
    }
}
