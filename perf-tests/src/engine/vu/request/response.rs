//! An answer, and why there is none to go on with.

use serde::de::DeserializeOwned;

use crate::http::Reply;

/// An answer, read to its end.
#[derive(Debug, Clone)]
pub struct Response {
    name: &'static str,
    reply: Reply,
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

impl Response {
    pub(super) const fn new(name: &'static str, reply: Reply) -> Self {
        Self { name, reply }
    }

    /// The status code.
    pub const fn status(&self) -> u16 {
        self.reply.status
    }

    /// The first value of a header, whose name is taken in any case.
    pub fn header(&self, name: &str) -> Option<&[u8]> {
        self.reply.header(name)
    }

    /// The body's bytes.
    pub fn body(&self) -> &[u8] {
        self.reply.body()
    }

    /// The body as JSON.
    ///
    /// # Errors
    /// If it is not of that form.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, RequestError> {
        let error = |error: serde_json::Error| RequestError::Unexpected { name: self.name, message: error.to_string() };
        serde_json::from_slice(self.body()).map_err(error)
    }
}
