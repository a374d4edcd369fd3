//! Endpoints of a service and their HTTP methods.

use crate::statuses::Statuses;

/// An HTTP endpoint of the service under test. Its metrics, rules and panels are named after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Endpoint {
    /// Value of the label `name`, and beginning of metric names: `join_room` gives
    /// `join_room_latency`.
    pub name: &'static str,
    /// Name on panels, such as "Join room".
    pub title: &'static str,
    /// HTTP method.
    pub method: Method,
    /// Path template. The scenario replaces placeholders such as `{code}`.
    pub path: &'static str,
    /// Statuses of successful responses.
    pub expected: &'static [Statuses],
    handler: Option<&'static str>,
}

impl Endpoint {
    /// An endpoint whose `handler` label on the backend is its path template.
    pub const fn new(name: &'static str, title: &'static str, method: Method, path: &'static str) -> Self {
        Self { name, title, method, path, expected: &[Statuses::SUCCESS], handler: None }
    }

    /// Sets the backend's `handler` label where it differs from the path template.
    #[must_use]
    pub const fn handled_by(mut self, handler: &'static str) -> Self {
        self.handler = Some(handler);
        self
    }

    /// Sets the statuses of successful responses, in place of 200-299. A response with one of them
    /// has succeeded, and any other has failed.
    #[must_use]
    pub const fn expecting(mut self, statuses: &'static [Statuses]) -> Self {
        self.expected = statuses;
        self
    }

    /// Value of the label `handler` on the backend's own metrics.
    pub fn handler(&self) -> &'static str {
        self.handler.unwrap_or(self.path)
    }
}

/// HTTP method of an endpoint.
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
