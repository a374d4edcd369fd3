//! Labels of series, and the rules for the user's own tags.
//!
//! Names and values follow Prometheus' data model,
//! <https://prometheus.io/docs/concepts/data_model/>, in its classic form (letters, digits,
//! underscore), which every receiver accepts.

/// Name of a label.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Label(&'static str);

/// Name of the metric.
pub const METRIC: Label = Label("__name__");
/// ID of the run.
pub const TESTID: Label = Label("testid");
/// Name of the scenario.
pub const SCENARIO: Label = Label("scenario");
/// Name of the endpoint.
pub const NAME: Label = Label("name");
/// HTTP method.
pub const METHOD: Label = Label("method");
/// Status code of the response, "0" if there was no response.
pub const STATUS: Label = Label("status");
/// Phase of the load when the request was due: "warmup", "ramp" or "steady".
pub const PHASE: Label = Label("phase");
/// Kind of failure of a request.
pub(crate) const KIND: Label = Label("kind");
/// Name of a check.
pub const CHECK: Label = Label("check");
/// Segment of the scenario: its name and number, such as "day 7".
pub const SEGMENT: Label = Label("segment");
/// Number of an agent, from 1.
pub const AGENT: Label = Label("agent");
/// Upper bound of a histogram bucket, in milliseconds.
pub const LE: Label = Label("le");

/// Scrape job of a series.
pub const JOB: Label = Label("job");
/// Address of a scraped process, or the name that the store gives it.
pub const INSTANCE: Label = Label("instance");
/// Value of [`JOB`] on the backend's own metrics.
pub const BACKEND_JOB: &str = "backend";

/// Names that a tag cannot have: labels of this project, and labels that Prometheus or a scrape
/// sets.
const RESERVED: &[&str] = &[
    "testid", "scenario", "name", "method", "status", "le", "quantile", "phase", "kind", "check", "segment", "agent",
    "job", "instance",
];

const MAX_TAGS: usize = 16;
/// Longest name, in characters.
pub(crate) const MAX_NAME: usize = 64;
/// Longest value, in bytes.
pub(crate) const MAX_VALUE: usize = 128;

impl Label {
    /// A label of a backend's own metrics.
    pub const fn new(name: &'static str) -> Self {
        Self(name)
    }

    /// The name as written in a series.
    pub const fn as_str(self) -> &'static str {
        self.0
    }
}

/// A tag, or another text that becomes a label value, is invalid.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[expect(missing_docs, reason = "each message says what its variant means")]
pub enum TagError {
    #[error("tag {0:?} is invalid: write name=value")]
    Form(String),
    #[error(
        "tag name {0:?} is not a label name: use at most {MAX_NAME} letters, digits and \
         underscores, and do not start with a digit"
    )]
    Name(String),
    #[error(
        "tag name {0:?} is reserved: choose another (reserved are {list} and names that start with __)",
        list = RESERVED.join(", ")
    )]
    Reserved(String),
    /// Empty, too long or unprintable. Prometheus treats a label with an empty value as missing.
    #[error("the value of {0:?} cannot be used: give it 1 to {MAX_VALUE} bytes without control characters")]
    Value(String),
    #[error("{0} tags are too many: use at most {MAX_TAGS}, since each tag is added to every series")]
    TooMany(usize),
    #[error("tag {0:?} is given twice: remove one")]
    Twice(String),
}

/// Splits and checks a tag given as `name=value`.
pub(crate) fn parse_tag(tag: &str) -> Result<(String, String), TagError> {
    let (name, value) = tag.split_once('=').ok_or_else(|| TagError::Form(tag.to_owned()))?;
    if name.starts_with("__") || RESERVED.contains(&name) {
        return Err(TagError::Reserved(name.to_owned()));
    }
    if !is_label_name(name) {
        return Err(TagError::Name(name.to_owned()));
    }
    check_value(name, value)?;
    Ok((name.to_owned(), value.to_owned()))
}

/// Splits and checks all tags, each given as `name=value`, and sorts them by name.
///
/// # Errors
/// The rule that the tags break.
pub fn parse_tags<'a>(tags: impl IntoIterator<Item = &'a str>) -> Result<Vec<(String, String)>, TagError> {
    let mut parsed = tags.into_iter().map(parse_tag).collect::<Result<Vec<_>, _>>()?;
    if parsed.len() > MAX_TAGS {
        return Err(TagError::TooMany(parsed.len()));
    }
    parsed.sort();
    if let Some(pair) = parsed.windows(2).find(|pair| pair[0].0 == pair[1].0) {
        return Err(TagError::Twice(pair[0].0.clone()));
    }
    Ok(parsed)
}

/// Checks a label value. `name` is used in the message.
///
/// # Errors
/// If the value is empty, too long or has control characters.
pub fn check_value(name: &str, value: &str) -> Result<(), TagError> {
    if value.is_empty() || value.len() > MAX_VALUE || value.chars().any(char::is_control) {
        return Err(TagError::Value(name.to_owned()));
    }
    Ok(())
}

pub(crate) fn is_label_name(name: &str) -> bool {
    name.len() <= MAX_NAME
        && name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

pub(crate) fn is_metric_stem(name: &str) -> bool {
    name.len() <= MAX_NAME
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
}

#[cfg(test)]
mod tests;
