//! A request as a scenario's author writes it, and its answer.

use monitoring::catalogue::Method;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::client::{Broken, Exchange};
use crate::engine::vu::Vu;
use crate::measure::Failure;

/// What is escaped in a segment of a path: all but RFC 3986's unreserved characters.
const IN_A_SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// A request under construction. Nothing is measured before [`Request::send`].
#[must_use = "a request does nothing until it is sent"]
pub struct Request<'vu> {
    vu: &'vu mut Vu,
    /// Index in the catalogue; none for a request that no objective speaks of.
    endpoint: Option<usize>,
    name: &'static str,
    method: Method,
    path: String,
    /// What is wrong with a value of the path.
    wrong_path: Option<String>,
    query: Vec<(String, String)>,
    body: Option<Result<Vec<u8>, serde_json::Error>>,
}

/// An answer, read to its end.
#[derive(Debug, Clone)]
pub struct Response {
    name: &'static str,
    status: u16,
    body: Vec<u8>,
}

/// Why there is no answer to go on with.
#[derive(Debug, thiserror::Error)]
pub enum RequestError {
    /// The request failed. It has been counted, and ends the iteration if passed on by `?`.
    #[error("{name} failed: {message}")]
    Failed {
        /// The endpoint.
        name: &'static str,
        /// Whether it was a request to an endpoint of the catalogue.
        judged: bool,
        /// What happened.
        message: String,
    },
    /// The scenario asks for something that cannot be sent. Nothing was sent or counted.
    #[error("{name} cannot be sent: {message}")]
    Unsendable {
        /// The endpoint.
        name: &'static str,
        /// What is wrong with it.
        message: String,
    },
    /// The answer is not the JSON that was expected.
    #[error("the answer of {name} is not what was expected: {message}")]
    Unexpected {
        /// The endpoint.
        name: &'static str,
        /// What is wrong with it.
        message: String,
    },
}

impl<'vu> Request<'vu> {
    pub(crate) fn new(
        vu: &'vu mut Vu,
        endpoint: Option<usize>,
        name: &'static str,
        method: Method,
        path: &'static str,
    ) -> Self {
        Self { vu, endpoint, name, method, path: path.to_owned(), wrong_path: None, query: Vec::new(), body: None }
    }

    /// Fills in `{name}` in the path's template, percent-encoded. A value that would change the path's shape (nothing,
    /// `.` or `..`) and a name that the template does not have are found when the request is sent.
    pub fn path(mut self, name: &str, value: impl ToString) -> Self {
        let (placeholder, value) = (format!("{{{name}}}"), value.to_string());
        if !self.path.contains(&placeholder) {
            self.wrong_path = Some(format!("its path has no {placeholder}"));
        } else if matches!(value.as_str(), "" | "." | "..") {
            self.wrong_path = Some(format!("{value:?} cannot stand for {placeholder} in its path"));
        }
        let encoded = utf8_percent_encode(&value, IN_A_SEGMENT).to_string();
        self.path = self.path.replace(&placeholder, &encoded);
        self
    }

    /// Adds `name=value` to the query.
    pub fn query(mut self, name: &str, value: impl ToString) -> Self {
        self.query.push((name.to_owned(), value.to_string()));
        self
    }

    /// Sends a JSON body.
    pub fn json(mut self, body: &impl Serialize) -> Self {
        self.body = Some(serde_json::to_vec(body));
        self
    }

    /// Sends the request, reads the whole answer, and counts both.
    ///
    /// # Errors
    /// If no answer came, or one with a status outside 200-299; both are counted as failed. A redirect is among them: it
    /// is not followed, and where it leads nobody has measured. Or if the request makes no sense: then nothing was sent.
    pub async fn send(self) -> Result<Response, RequestError> {
        let (name, endpoint) = (self.name, self.endpoint);
        let (vu, request) = self.build()?;
        let stopwatch = vu.start(endpoint);
        let result = vu.http().exchange(request).await;
        let connecting = vu.http().take_connecting();
        let (status, failure) = match &result {
            Ok(Exchange { status: status @ 200..=299, .. }) => (Some(*status), None),
            Ok(Exchange { status, .. }) => (Some(*status), Some(Failure::Status)),
            Err(broken) => (None, Some(broken.failure)),
        };
        stopwatch.stop(status, failure, connecting);
        match (result, failure) {
            (Ok(Exchange { status, body }), None) => Ok(Response { name, status, body }),
            (Ok(Exchange { status, .. }), _) => {
                let message = format!("answered with status {status}");
                Err(RequestError::Failed { name, judged: endpoint.is_some(), message })
            }
            (Err(Broken { message, .. }), _) => Err(RequestError::Failed { name, judged: endpoint.is_some(), message }),
        }
    }

    fn build(self) -> Result<(&'vu mut Vu, reqwest::Request), RequestError> {
        let name = self.name;
        let unsendable = |message: String| RequestError::Unsendable { name, message };
        if let Some(wrong) = self.wrong_path {
            return Err(unsendable(wrong));
        }
        if let Some(missing) = self.path.find('{').map(|at| &self.path[at..]) {
            return Err(unsendable(format!("no value was given for {missing} in its path")));
        }
        let mut url = self.vu.target().clone();
        let base = url.path().trim_end_matches('/').to_owned();
        url.set_path(&format!("{base}{}", self.path));
        if !self.query.is_empty() {
            url.query_pairs_mut().extend_pairs(&self.query);
        }
        let mut request = self.vu.http().builder(self.method.as_str(), url);
        for (header, value) in self.vu.headers() {
            request = request.header(header, value);
        }
        if let Some(body) = self.body {
            let body = body.map_err(|error| unsendable(format!("its body is no JSON: {error}")))?;
            request = request.header("content-type", "application/json").body(body);
        }
        let request = request.build().map_err(|error| unsendable(error.to_string()))?;
        Ok((self.vu, request))
    }
}

impl Response {
    /// The status code.
    pub const fn status(&self) -> u16 {
        self.status
    }

    /// The body's bytes.
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// The body as JSON.
    ///
    /// # Errors
    /// If it is not of that form.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, RequestError> {
        let error = |error: serde_json::Error| RequestError::Unexpected { name: self.name, message: error.to_string() };
        serde_json::from_slice(&self.body).map_err(error)
    }
}
