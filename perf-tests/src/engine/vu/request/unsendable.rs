//! Requests that cannot be sent as the scenario wrote them. The run ends with the reason.

use monitoring::statuses::Statuses;

use super::Request;
use crate::data::DataFileError;
use crate::http::is_header_value;

#[derive(Debug, thiserror::Error)]
pub(super) enum UnsendableError {
    #[error("{value:?} cannot replace {{{name}}} in its path")]
    PathValue { name: String, value: String },
    /// A name, and the path that it is not in.
    #[error("its path has no {{{0}}}{others}", others = describe_others(.1))]
    NoPlaceholder(String, String),
    /// A placeholder with its braces.
    #[error("no value was given for {0} in its path")]
    NoPathValue(String),
    #[error("{0:?} is not a method that a request can have")]
    Method(String),
    #[error("{0:?} is not a valid path")]
    Path(String),
    #[error("header {0:?} cannot be set: its name is reserved, or its name or value is not valid")]
    Header(String),
    #[error("host {name:?} ({title}) has no URL: add --target {name}=URL")]
    NoHost { name: &'static str, title: &'static str },
    #[error("no response has the status {0} that it expects")]
    Statuses(Statuses),
    #[error("its body cannot be written as JSON: {0}")]
    Json(#[from] serde_json::Error),
    #[error("field {field:?} cannot have the content type {value:?}")]
    ContentType { field: String, value: String },
    #[error(transparent)]
    File(#[from] DataFileError),
    /// The text of the signer's error, which is the scenario's own.
    #[error("it cannot be signed: {0}")]
    Signature(String),
    #[error("expect_continue() needs a body: remove it, or set a body")]
    ExpectWithoutBody,
}

/// The placeholders of a path, after the one that it does not have: ", only {id}".
fn describe_others(path: &str) -> String {
    let names = path.split('{').skip(1).filter_map(|rest| rest.split_once('}'));
    let names: Vec<_> = names.map(|(name, _)| format!("{{{name}}}")).collect();
    if names.is_empty() { String::new() } else { format!(", only {}", names.join(" and ")) }
}

/// Whether a path, with or without a query, can be sent as it is.
pub(super) fn is_path(path: &str) -> bool {
    path.starts_with('/') && path.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#')
}

impl Request<'_> {
    /// Keeps an error until the request would be sent.
    pub(super) fn refuse(&mut self, why: impl Into<UnsendableError>) {
        self.vu.spec.error = Some(Box::new(why.into()));
    }

    pub(super) fn validate(&mut self) -> Result<(), UnsendableError> {
        if let Some(error) = self.vu.spec.error.take() {
            return Err(*error);
        }
        let spec = &self.vu.spec;
        // As bytes, since a search for a character costs more than the rest of this.
        if spec.path.as_bytes().contains(&b'{') || !is_path(&spec.path) {
            let unfilled = spec.path.find('{').and_then(|at| spec.path[at..].split_inclusive('}').next());
            return Err(match unfilled {
                Some(placeholder) => UnsendableError::NoPathValue(placeholder.to_owned()),
                None => UnsendableError::Path(spec.path.clone().into_owned()),
            });
        }
        if !spec.method.is_valid() {
            return Err(UnsendableError::Method(spec.method.as_str().to_owned()));
        }
        let content_type = spec.content_type.as_ref().map(|content_type| ("content-type", content_type.as_ref()));
        let headers = self.vu.headers.iter().chain(&spec.headers).map(|(name, value)| (name.as_str(), value.as_str()));
        match headers.chain(content_type).find(|(name, value)| !is_header_value(name, value)) {
            Some((header, _)) => Err(UnsendableError::Header(header.to_owned())),
            None => self.check_expectation(),
        }
    }
}
