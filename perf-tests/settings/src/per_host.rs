//! Values that each host of a service may have for itself, given as `[NAME=]VALUE`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use url::Url;

use super::{UnixTarget, ValueError, parse_url};
use crate::value::redact;

/// The values of a setting by the name of a host. The empty name stands for a value without a name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PerHost<T>(BTreeMap<String, T>);

impl<T> Default for PerHost<T> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<T> PerHost<T> {
    /// The value of a host, or the value without a name. `None` is the main target.
    pub fn get(&self, host: Option<&str>) -> Option<&T> {
        host.and_then(|host| self.0.get(host)).or_else(|| self.0.get(""))
    }

    /// The value of exactly this host. `None` is the main target.
    pub fn get_own(&self, host: Option<&str>) -> Option<&T> {
        self.0.get(host.unwrap_or_default())
    }

    /// The hosts that have a value of their own. The empty name is the main target.
    pub(super) fn hosts(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    pub(super) fn values(&self) -> impl Iterator<Item = &T> {
        self.0.values()
    }

    /// Reads one `[NAME=]VALUE` per line. An empty text means not set.
    pub(super) fn parse(text: &str, value: impl Fn(&str) -> Result<T, ValueError>) -> Result<Self, ValueError> {
        let mut values = BTreeMap::new();
        for line in text.lines().filter(|line| !line.is_empty()) {
            let (name, text) = split(line);
            if values.insert(name.unwrap_or_default().to_owned(), value(text)?).is_some() {
                return Err(ValueError::Refused(
                    "one host has two values: give one, or name the other host: NAME=VALUE",
                ));
            }
        }
        Ok(Self(values))
    }
}

impl<T> From<T> for PerHost<T> {
    /// A value without a name.
    fn from(value: T) -> Self {
        Self(BTreeMap::from([(String::new(), value)]))
    }
}

/// The name of a host, if the text begins with one, and the rest.
fn split(text: &str) -> (Option<&str>, &str) {
    let is_name = |name: &str| {
        name.starts_with(|c: char| c.is_ascii_lowercase())
            && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
    };
    match text.split_once('=') {
        Some((name, rest)) if is_name(name) => (Some(name), rest),
        _ => (None, text),
    }
}

/// The names of hosts in a text of one `[NAME=]VALUE` per line.
pub(super) fn host_names(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter_map(|line| split(line).0)
}

/// Whether a text of targets names the main one: a URL without a host's name.
pub fn names_main_target(text: &str) -> bool {
    text.split_whitespace().any(|target| split(target).0.is_none())
}

/// Parses a target: an HTTP URL without query and fragment, or a Unix socket such as
/// `unix:/run/app.sock`. Requests append their path and query to it.
pub fn parse_target(text: &str) -> Result<Url, ValueError> {
    const REST: &str = "it has a query or a fragment, which requests would not send: remove it";
    let url = UnixTarget::parse(text).unwrap_or_else(|| parse_url(text))?;
    let is_base = url.query().is_none() && url.fragment().is_none();
    if is_base { Ok(url) } else { Err(ValueError::Url(redact(text), REST.to_owned())) }
}

/// Parses targets such as `http://a auth=http://b`. The main target has no name.
///
/// # Errors
/// The first text that is not a target, or two targets of the same name.
pub fn parse_targets(text: &str) -> Result<BTreeMap<Option<String>, Url>, ValueError> {
    const TWICE: ValueError = ValueError::Refused(
        "two targets have the same name, or two have no name. Only the main target has none: write URL for it, and auth=URL for a host",
    );
    let mut targets = BTreeMap::new();
    for target in text.split_whitespace() {
        let (name, url) = split(target);
        if targets.insert(name.map(str::to_owned), parse_target(url)?).is_some() {
            return Err(TWICE);
        }
    }
    Ok(targets)
}

#[cfg(test)]
mod tests;
