//! Labels: which there are, and what a user's own tag may be called.
//!
//! Names and values follow Prometheus' data model, <https://prometheus.io/docs/concepts/data_model/>, in its classic
//! form (letters, digits, underscore), which every receiver takes.

/// A label's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Label(&'static str);

/// The metric's own name.
pub const METRIC: Label = Label("__name__");
/// The run.
pub const TESTID: Label = Label("testid");
/// The scenario.
pub const SCENARIO: Label = Label("scenario");
/// The endpoint's name.
pub const NAME: Label = Label("name");
/// The request's method.
pub const METHOD: Label = Label("method");
/// The answer's status code, "0" when no answer came.
pub const STATUS: Label = Label("status");
/// What the load was doing when the request was due: "warmup", "ramp" or "steady".
pub const PHASE: Label = Label("phase");
/// How a request failed.
pub const KIND: Label = Label("kind");
/// A check's name.
pub const CHECK: Label = Label("check");
/// A histogram bucket's upper bound in milliseconds.
pub const LE: Label = Label("le");

/// What scraped a series.
pub const JOB: Label = Label("job");
/// The value of [`JOB`] on the backend's own metrics.
pub const BACKEND_JOB: &str = "backend";
/// The route's template, on the backend's own metrics.
pub const HANDLER: Label = Label("handler");

/// Names that a tag cannot have: ours, and those that Prometheus or a scrape gives a meaning of their own.
const RESERVED: &[&str] =
    &["testid", "scenario", "name", "method", "status", "le", "quantile", "phase", "kind", "check", "job", "instance"];

const MAX_TAGS: usize = 16;
const MAX_NAME: usize = 64;
const MAX_VALUE: usize = 128;

impl Label {
    /// The label's name as it stands in a series.
    pub const fn as_str(self) -> &'static str {
        self.0
    }
}

/// Why a tag, or a value that becomes a label's value, is refused.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum TagError {
    /// Not of the form `name=value`.
    #[error("tag {0:?} is not of the form name=value")]
    Form(String),
    /// Not a label name.
    #[error(
        "tag name {0:?} is not a label name: letters, digits and underscores, not starting with a digit, \
         at most {MAX_NAME} of them"
    )]
    Name(String),
    /// A name with a meaning of its own.
    #[error("tag name {0:?} is reserved; choose another (reserved are {list} and names starting with __)", list = RESERVED.join(", "))]
    Reserved(String),
    /// Prometheus takes a label with an empty value for one that is not there.
    #[error("the value of {0:?} is empty, longer than {MAX_VALUE} bytes, or has control characters")]
    Value(String),
    /// Each tag is on every series.
    #[error("{0} tags are too many: at most {MAX_TAGS}, since each one is on every series")]
    TooMany(usize),
    /// One name, two values.
    #[error("tag {0:?} is given twice")]
    Twice(String),
}

/// Splits and checks a tag given as `name=value`.
///
/// # Errors
/// Says which rule the tag breaks.
pub fn parse_tag(tag: &str) -> Result<(String, String), TagError> {
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

/// Checks a whole set of tags, each `name=value`, and sorts them by name.
///
/// # Errors
/// As [`parse_tag`], or two tags of one name, or too many.
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

/// Checks the value of a label.
///
/// # Errors
/// If it is empty, too long or has control characters.
pub fn check_value(name: &str, value: &str) -> Result<(), TagError> {
    if value.is_empty() || value.len() > MAX_VALUE || value.chars().any(char::is_control) {
        return Err(TagError::Value(name.to_owned()));
    }
    Ok(())
}

fn is_label_name(name: &str) -> bool {
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
mod tests {
    use super::*;

    #[test]
    fn tags_are_sorted_by_name() {
        let tags = parse_tags(["team=trading", "branch=main=x"]).unwrap();
        assert_eq!(tags, [("branch".into(), "main=x".into()), ("team".into(), "trading".into())]);
    }

    #[test]
    fn reserved_and_malformed_tags_are_refused() {
        for reserved in ["le=1", "name=x", "testid=x", "__x=1", "job=x", "status=1"] {
            assert!(matches!(parse_tag(reserved), Err(TagError::Reserved(_))), "{reserved}");
        }
        for bad in ["9a=1", "a-b=1", "=1", "ä=1"] {
            assert!(matches!(parse_tag(bad), Err(TagError::Name(_))), "{bad}");
        }
        assert!(matches!(parse_tag("a"), Err(TagError::Form(_))));
        assert!(matches!(parse_tag("a="), Err(TagError::Value(_))));
        assert!(matches!(parse_tag("a=\u{1b}[31m"), Err(TagError::Value(_))));
        assert_eq!(parse_tags(["a=1", "a=2"]), Err(TagError::Twice("a".into())));
    }
}
