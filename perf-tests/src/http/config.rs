//! The HTTP configuration that all virtual users share.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use perf_settings::{HttpSettings, LEAST_MAX_BODY};
use url::Url;

use super::h1::ResponseLimits;
use super::host_config::HostConfig;
use super::target::without_brackets;
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
/// Limit on response bodies of all virtual users together, in bytes.
const ALL_BODIES: u64 = 4 << 30;

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
        self.limits.body = share.clamp(LEAST_MAX_BODY, self.limits.body);
        self
    }

    /// Maximum bytes of a response body that is kept, before and after decoding.
    pub(crate) const fn max_body(&self) -> usize {
        self.limits.body
    }

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

    pub(super) fn host(&self, at: usize) -> Option<Arc<HostConfig>> {
        let other = |at| self.other_origins().get(at).cloned();
        self.hosts.get(at).cloned().or_else(|| other(at - self.hosts.len()))
    }

    /// The index of the host that serves a URL, for a redirect from the host `from`.
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
        let host = without_brackets(name);
        if !self.settings.allowed.iter().any(|allowed| allowed.eq_ignore_ascii_case(host)) {
            return Err(RedirectError::NotAllowed { host: host.to_owned(), origin: shown });
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
mod tests;
