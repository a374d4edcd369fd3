//! Everything about a request but its body.

use std::borrow::Cow;

use monitoring::endpoint::Method;
use monitoring::statuses::Statuses;

use super::Response;
use super::redirect::Redirects;
use super::unsendable::UnsendableError;
use crate::http::{FileInBody, MAIN};

/// Everything about a request but the bytes of its body, which are in the virtual user's buffer.
pub(in crate::engine::vu) struct RequestSpec {
    /// Index of the host that the next hop goes to.
    pub(super) host: usize,
    pub(super) redirects: Redirects,
    /// Index in the catalogue; `None` for a request that is not judged.
    pub(super) endpoint: Option<usize>,
    pub(super) name: &'static str,
    pub(super) method: Method,
    pub(super) path: Cow<'static, str>,
    pub(super) query: String,
    pub(super) headers: Vec<(String, String)>,
    pub(super) content_type: Option<Cow<'static, str>>,
    pub(super) files: Vec<FileInBody>,
    pub(super) expects_continue: bool,
    pub(super) discards_body: bool,
    /// An error in the request, found before it is sent.
    pub(super) error: Option<Box<UnsendableError>>,
    /// Statuses of a successful response.
    pub(super) expected: Cow<'static, [Statuses]>,
    pub(super) checks: Vec<Check>,
}

impl RequestSpec {
    pub(in crate::engine::vu) const fn host(&self) -> usize {
        self.host
    }

    /// Drops what it has, except empty buffers.
    pub(super) fn clear(&mut self) {
        let Self { query, headers, files, checks, .. } = self;
        query.clear();
        headers.clear();
        files.clear();
        checks.clear();
        self.redirects = Redirects::default();
        (self.path, self.content_type, self.error) = (Cow::Borrowed(""), None, None);
        self.expected = Cow::Borrowed(&[Statuses::SUCCESS]);
        (self.host, self.expects_continue, self.discards_body) = (MAIN, false, false);
    }
}

impl Default for RequestSpec {
    fn default() -> Self {
        Self {
            host: MAIN,
            redirects: Redirects::default(),
            endpoint: None,
            name: "",
            method: Method::Get,
            path: Cow::Borrowed(""),
            query: String::new(),
            headers: Vec::new(),
            content_type: None,
            files: Vec::new(),
            expects_continue: false,
            discards_body: false,
            error: None,
            expected: Cow::Borrowed(&[Statuses::SUCCESS]),
            checks: Vec::new(),
        }
    }
}

pub(super) struct Check {
    pub(super) name: &'static str,
    pub(super) passes: Box<dyn Fn(&Response) -> bool>,
}
