//! The cookies of one virtual user, by RFC 6265bis
//! (<https://datatracker.ietf.org/doc/html/draft-ietf-httpbis-rfc6265bis>).
//!
//! Each request of a scenario counts as same-site, because it comes from no other site's page.

use std::net::IpAddr;
use std::time::SystemTime;

use tokio::time::Instant;

use set_cookie::{SameSite, SetCookie};

mod set_cookie;
#[cfg(test)]
mod tests;

/// Maximum cookies of one domain, as in Chromium.
const MAX_COOKIES: usize = 180;

/// Maximum bytes of all names and values of one domain. No common server accepts a longer head.
const MAX_BYTES: usize = 64 << 10;

/// The host and path of a request, which decide about its cookies.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CookieUrl<'a> {
    /// A name in lower case or an address, without brackets.
    pub(crate) host: &'a str,
    pub(crate) tls: bool,
    /// The path, perhaps with a query.
    pub(crate) path: &'a str,
}

impl<'a> CookieUrl<'a> {
    fn path(&self) -> &'a str {
        self.path.split('?').next().unwrap_or("/")
    }

    /// Whether cookies with `Secure` are accepted and sent. As in browsers, they are on this
    /// machine even without TLS.
    pub(crate) fn is_secure(&self) -> bool {
        let is_loopback = |address: IpAddr| address.is_loopback();
        self.tls || is_within(self.host, "localhost") || self.host.parse().is_ok_and(is_loopback)
    }

    /// The directory of the path (section 5.1.4).
    fn default_path(&self) -> &'a str {
        match self.path().rfind('/') {
            Some(last) if last > 0 && self.path.starts_with('/') => &self.path[..last],
            _ => "/",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum CookieError {
    #[error("its name or value is not valid in a cookie")]
    Malformed,
    #[error("its domain is not the host's")]
    Domain,
    #[error("Secure needs https")]
    SecureWithoutTls,
    #[error("SameSite=None needs Secure")]
    SameSiteWithoutSecure,
    #[error("its prefix __Secure- or __Host- needs https")]
    Prefix,
    #[error("a Secure cookie has this name")]
    HidesSecure,
}

/// A stored cookie. Name and value are as they were sent.
#[derive(Debug, Clone)]
struct Cookie {
    name: Vec<u8>,
    value: Vec<u8>,
    domain: String,
    is_host_only: bool,
    path: String,
    is_secure: bool,
    /// `None`: it has no end.
    expires: Option<Instant>,
    /// The number of the event that created it.
    created: u64,
    /// The number of the event that last stored or sent it.
    used: u64,
}

impl Cookie {
    fn is_expired(&self, now: Instant) -> bool {
        self.expires.is_some_and(|expires| expires <= now)
    }

    fn bytes(&self) -> usize {
        self.name.len() + self.value.len()
    }

    fn belongs_to_host(&self, host: &str) -> bool {
        if self.is_host_only { self.domain == host } else { is_within(host, &self.domain) }
    }

    fn is_sent_to(&self, url: CookieUrl<'_>, now: Instant) -> bool {
        self.belongs_to_host(url.host)
            && path_matches(url.path(), &self.path)
            && (url.is_secure() || !self.is_secure)
            && !self.is_expired(now)
    }
}

#[derive(Debug, Default)]
pub(crate) struct CookieJar {
    /// The longest paths first, then the earliest: the order in which they are sent.
    cookies: Vec<Cookie>,
    /// Number of stored cookies and of requests.
    events: u64,
    /// The header `cookie` of the current request.
    header: Vec<u8>,
}

impl CookieJar {
    /// Stores a cookie. `line` is the value of a `set-cookie` header.
    pub(crate) fn store(
        &mut self,
        line: &[u8],
        url: CookieUrl<'_>,
        now: Instant,
        wall: SystemTime,
    ) -> Result<(), CookieError> {
        let set = SetCookie::parse(line).ok_or(CookieError::Malformed)?;
        let (domain, is_host_only) = scope(set.domain, url.host).ok_or(CookieError::Domain)?;
        let path = set.path.unwrap_or_else(|| url.default_path());
        if set.is_secure && !url.is_secure() {
            return Err(CookieError::SecureWithoutTls);
        }
        if set.same_site == Some(SameSite::None) && !set.is_secure {
            return Err(CookieError::SameSiteWithoutSecure);
        }
        if set.prefix_forbids(is_host_only, path) {
            return Err(CookieError::Prefix);
        }
        if !url.is_secure() && self.hides_secure(&set, &domain, path) {
            return Err(CookieError::HidesSecure);
        }
        let expires = set.expires(now, wall);
        let known = self.cookies.iter().position(|known| {
            (&*known.name, &known.domain, known.is_host_only, &*known.path) == (set.name, &domain, is_host_only, path)
        });
        let created = known.map(|at| self.cookies.remove(at).created);
        if expires.is_some_and(|expires| expires <= now) {
            return Ok(());
        }
        self.events += 1;
        let (created, used) = (created.unwrap_or(self.events), self.events);
        let (name, value, is_secure) = (set.name.to_vec(), set.value.to_vec(), set.is_secure);
        let path = path.to_owned();
        let cookie = Cookie { name, value, domain, is_host_only, path, is_secure, expires, created, used };
        self.make_room(&cookie, now);
        let order = |cookie: &Cookie| (std::cmp::Reverse(cookie.path.len()), cookie.created);
        let at = self.cookies.partition_point(|known| order(known) < order(&cookie));
        self.cookies.insert(at, cookie);
        Ok(())
    }

    /// Whether a cookie without `Secure` would hide one that has it (section 5.7, step 16).
    fn hides_secure(&self, set: &SetCookie<'_>, domain: &str, path: &str) -> bool {
        self.cookies.iter().any(|known| {
            let is_same_host = is_within(&known.domain, domain) || is_within(domain, &known.domain);
            known.is_secure && known.name == set.name && is_same_host && path_matches(path, &known.path)
        })
    }

    /// Removes cookies of a new cookie's domain until that one fits: expired ones, then those
    /// without `Secure`, then the least recently used (section 5.7). Of those that the
    /// same request used, the newest goes first, so that a session outlives later cookies.
    fn make_room(&mut self, new: &Cookie, now: Instant) {
        let of_domain = |cookie: &&Cookie| cookie.domain == new.domain;
        let is_full = |cookies: &[Cookie]| {
            let (count, bytes) = cookies
                .iter()
                .filter(of_domain)
                .fold((0, new.bytes()), |(count, bytes), cookie| (count + 1, bytes + cookie.bytes()));
            count >= MAX_COOKIES || bytes > MAX_BYTES
        };
        if is_full(&self.cookies) {
            self.cookies.retain(|cookie| !cookie.is_expired(now));
        }
        while is_full(&self.cookies) {
            let places = self.cookies.iter().enumerate().filter(|(_, cookie)| of_domain(cookie));
            let order = |cookie: &Cookie| (cookie.is_secure, cookie.used, std::cmp::Reverse(cookie.created));
            let Some((first, _)) = places.min_by_key(|(_, cookie)| order(cookie)) else { return };
            self.cookies.remove(first);
        }
    }

    /// The header `cookie` of a request; empty if no cookie belongs to it.
    pub(crate) fn header(&mut self, url: CookieUrl<'_>, now: Instant) -> &[u8] {
        self.header.clear();
        self.events += 1;
        for cookie in self.cookies.iter_mut().filter(|cookie| cookie.is_sent_to(url, now)) {
            cookie.used = self.events;
            if !self.header.is_empty() {
                self.header.extend_from_slice(b"; ");
            }
            self.header.extend_from_slice(&cookie.name);
            if !cookie.name.is_empty() {
                self.header.push(b'=');
            }
            self.header.extend_from_slice(&cookie.value);
        }
        &self.header
    }

    /// The value of a host's cookie that has not expired, whatever its path.
    pub(crate) fn get(&self, host: &str, name: &str, now: Instant) -> Option<&[u8]> {
        let mut named = self.cookies.iter().filter(|cookie| cookie.name == name.as_bytes());
        named.find(|cookie| cookie.belongs_to_host(host) && !cookie.is_expired(now)).map(|cookie| &*cookie.value)
    }

    pub(crate) fn remove(&mut self, host: &str, name: &str) {
        self.cookies.retain(|cookie| cookie.name != name.as_bytes() || !cookie.belongs_to_host(host));
    }

    pub(crate) fn clear(&mut self) {
        self.cookies.clear();
    }
}

/// The domain of a cookie, and whether it is for this host only. `None` if the cookie is refused. A
/// host sets cookies for itself and for the domains that it is in, but not for a public suffix.
fn scope(attribute: Option<&str>, host: &str) -> Option<(String, bool)> {
    let Some(attribute) = attribute else { return Some((host.to_owned(), true)) };
    let domain = match url::Host::parse(attribute).ok()? {
        url::Host::Domain(domain) => domain,
        url::Host::Ipv4(address) => address.to_string(),
        url::Host::Ipv6(address) => address.to_string(),
    };
    let is_public_suffix = psl::suffix_str(&domain).is_some_and(|suffix| suffix == domain);
    match (domain == host, is_public_suffix) {
        (true, true) => Some((domain, true)),
        (false, true) => None,
        _ => is_within(host, &domain).then_some((domain, false)),
    }
}

/// Whether a host is this domain or in it (section 5.1.3).
fn is_within(host: &str, domain: &str) -> bool {
    host == domain
        || host.strip_suffix(domain).is_some_and(|rest| rest.ends_with('.')) && host.parse::<IpAddr>().is_err()
}

/// Whether a cookie of `cookie_path` belongs to a request of `path` (section 5.1.4).
fn path_matches(path: &str, cookie_path: &str) -> bool {
    path.strip_prefix(cookie_path)
        .is_some_and(|rest| rest.is_empty() || cookie_path.ends_with('/') || rest.starts_with('/'))
}
