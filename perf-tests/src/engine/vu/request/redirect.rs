//! Redirects to the hosts of the service, and to other origins that the user allows.

use std::borrow::Cow;

use monitoring::endpoint::Method;
use perf_report::format::counted;
use url::Url;

use super::{Request, Response};

/// The redirects that a request has followed. Without any, it allocates nothing.
#[derive(Debug, Default)]
pub(super) struct Redirects {
    followed: u32,
    /// Host and path of each hop before the present one.
    visited: Vec<(usize, String)>,
    /// The host of the first hop, to which the scenario's credentials belong.
    first_host: usize,
}

#[derive(Debug)]
pub(super) enum Redirect {
    /// It is not a redirect, or none is followed.
    None,
    Follow(Hop),
    /// The reason why it is not followed.
    Refuse(String),
}

#[derive(Debug)]
pub(super) struct Hop {
    host: usize,
    /// Path and query.
    path: String,
    /// The method, if it changes. Then the body is dropped.
    method: Option<Method>,
}

impl Redirects {
    pub(super) const fn begin(&mut self, host: usize) {
        self.first_host = host;
    }

    pub(super) const fn is_redirected(&self) -> bool {
        self.followed > 0
    }

    /// Whether this host is not the one that the scenario addressed, or another host led back to
    /// it.
    pub(super) fn is_foreign(&self, host: usize) -> bool {
        let before = self.visited.iter().map(|(host, _)| *host);
        before.chain([host]).any(|host| host != self.first_host)
    }
}

/// The method of the next request, if it changes (RFC 9110, sections 15.4.2 to 15.4.9). `None` if
/// the status is not a redirect's.
fn next_method(status: u16, method: Method) -> Option<Option<Method>> {
    match status {
        // POST becomes GET for historical reasons, in every client.
        301 | 302 => Some((method.as_str() == "POST").then_some(Method::Get)),
        303 => Some((!matches!(method.as_str(), "GET" | "HEAD")).then_some(Method::Get)),
        307 | 308 => Some(None),
        _ => None,
    }
}

pub(super) fn path_and_query(url: &Url) -> String {
    let query = url.query().map(|query| format!("?{query}")).unwrap_or_default();
    format!("{}{query}", url.path())
}

impl Request<'_> {
    /// Whether to follow a response with a status that is not expected.
    pub(super) fn redirect(&mut self, response: &Response) -> Redirect {
        let limit = self.vu.http.config().settings.max_redirects;
        let location = response.header("location").and_then(|location| std::str::from_utf8(location).ok());
        let (Some(method), Some(location), 1..) =
            (next_method(response.status(), self.vu.spec.method), location, limit)
        else {
            return Redirect::None;
        };
        let target = self.vu.http.target(self.vu.spec.host);
        // The path of a redirect includes the target's base path already.
        let base = if self.vu.spec.redirects.is_redirected() { "" } else { &target.base };
        let Some(url) = target.resolve(&format!("{base}{}", self.vu.spec.path), location) else {
            return Redirect::Refuse("its header location is not a URL".to_owned());
        };
        let host = match self.vu.http.find_host(&url, self.vu.spec.host) {
            Ok(host) => host,
            Err(error) => return Redirect::Refuse(error.to_string()),
        };
        let hop = Hop { host, path: path_and_query(&url), method };
        if self.vu.spec.redirects.followed < limit {
            return Redirect::Follow(hop);
        }
        let is_loop = self.vu.spec.redirects.visited.iter().any(|(host, path)| *host == hop.host && *path == hop.path);
        let hint = if is_loop { "they form a loop" } else { "raise it, or find out why the redirects do not end" };
        let followed = counted(limit.into(), "redirect");
        Redirect::Refuse(format!("it has followed {followed}, the limit of --max-redirects: {hint}"))
    }

    pub(super) fn go_to(&mut self, hop: Hop) {
        let before = std::mem::replace(&mut self.vu.spec.path, Cow::Owned(hop.path));
        self.vu.spec.redirects.visited.push((self.vu.spec.host, before.into_owned()));
        self.vu.spec.redirects.followed += 1;
        self.vu.spec.host = hop.host;
        self.vu.spec.query.clear();
        if let Some(method) = hop.method {
            (self.vu.spec.method, self.vu.spec.content_type, self.vu.spec.expects_continue) = (method, None, false);
            self.clear_body();
            // Headers about the body go with it (RFC 9110, section 15.4).
            let is_of_body = |name: &str| name.get(..8).is_some_and(|start| start.eq_ignore_ascii_case("content-"));
            self.vu.spec.headers.retain(|(name, _)| !is_of_body(name));
        }
    }
}

#[cfg(test)]
mod tests;
