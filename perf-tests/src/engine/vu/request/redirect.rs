//! Redirects that stay on the target.

use std::borrow::Cow;

use monitoring::endpoint::Method;

use super::{Request, Response};

impl Request<'_> {
    /// The new path of a redirect on the same target, and whether the method stays the same (RFC
    /// 9110, section 15.4).
    pub(super) fn redirect(&self, response: &Response, absolute: bool) -> Option<(String, bool)> {
        let same_method = match response.status() {
            301..=303 => false,
            307 | 308 => true,
            _ => return None,
        };
        let location = std::str::from_utf8(response.header("location")?).ok()?;
        let target = &self.vu.http.config().target;
        // The path of a redirect includes the target's base path already.
        let base = if absolute { "" } else { &target.base };
        target.resolve(&format!("{base}{}", self.path), location).map(|path| (path, same_method))
    }

    pub(super) fn go_to(&mut self, path: String, same_method: bool) {
        self.path = Cow::Owned(path);
        self.query.clear();
        if !same_method {
            // The response to HEAD has no body, wherever it comes from.
            if self.method != Method::Head {
                self.method = Method::Get;
            }
            self.content_type = None;
            self.vu.body.clear();
        }
    }
}
