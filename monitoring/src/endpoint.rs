//! Endpoints of a service and their HTTP methods.

use crate::statuses::Statuses;

/// A host of the service beside the main target, such as a login server. `--target NAME=URL` gives
/// its address.
///
/// ```
/// # use monitoring::endpoint::{Endpoint, Host, Method};
/// const AUTH: Host = Host::new("auth", "Login server");
/// const LOG_IN: Endpoint = Endpoint::new("log_in", "Log in", Method::Post, "/token").on(AUTH);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Host {
    /// Lower-case letters, digits and underscores, a letter first: the name in `--target NAME=URL`.
    pub name: &'static str,
    /// Name in messages, such as "Login server".
    pub title: &'static str,
}

impl Host {
    /// A host with the name of its flag and its title.
    ///
    /// ```
    /// # use monitoring::endpoint::Host;
    /// let auth = Host::new("auth", "Login server");
    /// assert_eq!(auth.name, "auth", "its address is given by --target auth=URL");
    /// ```
    pub const fn new(name: &'static str, title: &'static str) -> Self {
        Self { name, title }
    }
}

/// An HTTP endpoint of the service under test. Its metrics, rules and panels are named after it.
///
/// ```
/// # use monitoring::endpoint::{Endpoint, Method};
/// const ADD_ITEM: Endpoint = Endpoint::new("add_item", "Add item", Method::Post, "/carts/{cart}");
/// assert_eq!(ADD_ITEM.method.as_str(), "POST");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Endpoint {
    /// Value of the label `name`, and beginning of metric names: `add_item` gives
    /// `add_item_latency`.
    pub name: &'static str,
    /// Name on panels, such as "Add item".
    pub title: &'static str,
    /// HTTP method.
    pub method: Method,
    /// Path template, perhaps with a query. The scenario replaces placeholders such as `{code}`.
    pub path: &'static str,
    /// Statuses of successful responses.
    pub expected: &'static [Statuses],
    /// The host that serves it; `None` for the main target.
    pub host: Option<Host>,
    handler: Option<&'static str>,
}

impl Endpoint {
    /// An endpoint whose `handler` label on the backend is its path template.
    ///
    /// ```
    /// # use monitoring::endpoint::{Endpoint, Method};
    /// let offers = Endpoint::new("offers", "Offers", Method::Get, "/offers?page=1");
    /// assert_eq!(offers.handler(), "/offers");
    /// ```
    pub const fn new(name: &'static str, title: &'static str, method: Method, path: &'static str) -> Self {
        Self { name, title, method, path, expected: &[Statuses::SUCCESS], host: None, handler: None }
    }

    /// Sets the backend's `handler` label where it differs from the path template.
    ///
    /// ```
    /// # use monitoring::endpoint::{Endpoint, Method};
    /// let offers = Endpoint::new("offers", "Offers", Method::Get, "/shop/offers");
    /// let offers = offers.handled_by("/offers");
    /// assert_eq!(offers.handler(), "/offers");
    /// ```
    #[must_use]
    pub const fn handled_by(mut self, handler: &'static str) -> Self {
        self.handler = Some(handler);
        self
    }

    /// Sets the host that serves it, in place of the main target. The backend's own metrics are
    /// read from the main target only.
    ///
    /// ```
    /// # use monitoring::endpoint::{Endpoint, Host, Method};
    /// const AUTH: Host = Host::new("auth", "Login server");
    /// let log_in = Endpoint::new("log_in", "Log in", Method::Post, "/token").on(AUTH);
    /// assert_eq!(log_in.host, Some(AUTH));
    /// ```
    #[must_use]
    pub const fn on(mut self, host: Host) -> Self {
        self.host = Some(host);
        self
    }

    /// Sets the statuses of successful responses, in place of 200-299. A response with one of them
    /// has succeeded, and any other has failed.
    ///
    /// ```
    /// # use monitoring::endpoint::{Endpoint, Method};
    /// # use monitoring::statuses::Statuses;
    /// const EXPECTED: &[Statuses] = &[Statuses::SUCCESS, Statuses::only(409)];
    /// let join = Endpoint::new("join", "Join", Method::Post, "/join").expecting(EXPECTED);
    /// assert!(join.expected.iter().any(|statuses| statuses.contains(409)));
    /// ```
    #[must_use]
    pub const fn expecting(mut self, statuses: &'static [Statuses]) -> Self {
        self.expected = statuses;
        self
    }

    /// Value of the label `handler` on the backend's own metrics. It is the path template without a
    /// query, unless [`Endpoint::handled_by`] sets another.
    pub fn handler(&self) -> &'static str {
        self.handler.unwrap_or_else(|| self.path.split('?').next().unwrap_or(self.path))
    }
}

/// HTTP method of an endpoint.
///
/// ```
/// # use monitoring::endpoint::Method;
/// assert_eq!(Method::Get.as_str(), "GET");
/// assert!(Method::Custom("PURGE").is_valid());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[expect(missing_docs, reason = "each variant is the method of that name")]
pub enum Method {
    Get,
    Post,
    Put,
    Patch,
    Delete,
    Head,
    Options,
    /// Any other method, such as "PURGE". It counts as not idempotent. A name that is not a token,
    /// and CONNECT, are refused.
    Custom(&'static str),
}

impl Method {
    /// Upper-case name, as in a request line and in the label `method`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
            Self::Head => "HEAD",
            Self::Options => "OPTIONS",
            Self::Custom(name) => name,
        }
    }

    /// Whether a request can have this method: its name is a token (RFC 9110, 9.1). CONNECT makes a
    /// tunnel, and no endpoint has it.
    pub fn is_valid(self) -> bool {
        let token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
        let name = self.as_str();
        !name.is_empty() && name != "CONNECT" && name.bytes().all(token)
    }
}
