//! An endpoint of a service, and the HTTP methods that it may have.

/// An HTTP endpoint of the service under test. Its metrics, rules and panels are named after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Endpoint {
    /// The label value `name`, and the stem of metric names: `join_room` gives `join_room_latency`.
    pub name: &'static str,
    /// What people call it, on panels.
    pub title: &'static str,
    /// The request's method.
    pub method: Method,
    /// The path's template; `{code}` stands for a value filled in by the scenario.
    pub path: &'static str,
    handler: Option<&'static str>,
}

impl Endpoint {
    /// An endpoint by name, title, method and path template.
    pub const fn new(name: &'static str, title: &'static str, method: Method, path: &'static str) -> Self {
        Self { name, title, method, path, handler: None }
    }

    /// The backend's own name for it in the label `handler`, where that is not the path's template.
    #[must_use]
    pub const fn handled_by(mut self, handler: &'static str) -> Self {
        self.handler = Some(handler);
        self
    }

    /// The backend's own name for it, in the label `handler` of its metrics.
    pub fn handler(&self) -> &'static str {
        self.handler.unwrap_or(self.path)
    }
}

/// The HTTP methods an endpoint may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[expect(missing_docs, reason = "each variant is the method of that name")]
pub enum Method {
    Get,
    Post,
    Put,
    Patch,
    Delete,
}

impl Method {
    /// The method as it stands in a request line and in the label `method`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }
}
