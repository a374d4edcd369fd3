//! Routes of a service, read from its OpenAPI document:
//! <https://spec.openapis.org/oas/v3.1.0#paths-object>. The document is not trusted, so its size is
//! limited.

use std::collections::BTreeSet;
use std::fmt;

use serde_json::Value;

/// Maximum number of routes; the rest is ignored.
const MAX_ROUTES: usize = 10_000;
const METHODS: [&str; 7] = ["get", "put", "post", "delete", "options", "head", "patch"];

/// A route of a service, such as "GET /api/news".
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ApiRoute {
    /// In upper case. `None` if it is unknown.
    pub method: Option<String>,
    /// Path, in which a name in braces stands for any value.
    pub path: String,
}

impl fmt::Display for ApiRoute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.method.iter().try_for_each(|method| write!(f, "{method} "))?;
        f.write_str(&self.path)
    }
}

/// All routes. `None` if it is not an OpenAPI document or has no routes.
pub fn routes(document: &Value) -> Option<BTreeSet<ApiRoute>> {
    let paths = document.get("paths")?.as_object()?;
    let routes_of_path = |(path, item): (&String, &Value)| {
        let methods = METHODS.into_iter().filter(|method| item.get(method).is_some());
        methods.map(|method| ApiRoute { method: Some(method.to_uppercase()), path: path.clone() }).collect::<Vec<_>>()
    };
    Some(paths.iter().flat_map(routes_of_path).take(MAX_ROUTES).collect::<BTreeSet<_>>())
        .filter(|routes| !routes.is_empty())
}

#[cfg(test)]
mod tests;
