//! Parser for the metrics that a service serves at `/metrics`: Prometheus' text format, version
//! 0.0.4, <https://prometheus.io/docs/instrumenting/exposition_formats/>. The text is not trusted,
//! so its size is limited.

use std::collections::{BTreeMap, HashSet};

const MAX_SAMPLES: usize = 200_000;
const MAX_LABELS: usize = 64;

/// A sample: name and labels of a series, and its value.
#[derive(Debug, Clone, PartialEq)]
pub struct ExpositionSample {
    /// Name of the series. Names of a histogram's series end with `_bucket`, `_sum` or `_count`.
    pub name: String,
    /// Labels by name.
    pub labels: BTreeMap<String, String>,
    /// Value, which may be infinite or NaN.
    pub value: f64,
}

/// A text cannot be parsed.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum ExpositionError {
    /// A line is neither a comment nor a sample: line number, from 1, and cause.
    #[error("line {0} is not a sample: {1}")]
    Line(usize, &'static str),
    /// Too many samples.
    #[error("there are more than {MAX_SAMPLES} samples")]
    TooMany,
}

/// Parses all samples, in order. Timestamps and exemplars are ignored. Of several samples of one
/// series only the first is kept, as Prometheus does.
///
/// # Errors
/// The first line that cannot be parsed.
pub fn parse(text: &str) -> Result<Vec<ExpositionSample>, ExpositionError> {
    let mut samples = Vec::<ExpositionSample>::new();
    for (line, number) in text.lines().zip(1..) {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if samples.len() == MAX_SAMPLES {
            return Err(ExpositionError::TooMany);
        }
        samples.push(parse_sample(line).map_err(|why| ExpositionError::Line(number, why))?);
    }
    let mut known = HashSet::new();
    let is_first: Vec<_> = samples.iter().map(|sample| known.insert((&sample.name, &sample.labels))).collect();
    let kept = samples.into_iter().zip(is_first).filter_map(|(sample, is_first)| is_first.then_some(sample));
    Ok(kept.collect())
}

fn parse_sample(line: &str) -> Result<ExpositionSample, &'static str> {
    let end = line.find(|c: char| c == '{' || c.is_whitespace()).ok_or("it has no value")?;
    let (name, rest) = line.split_at(end);
    let mut labels = BTreeMap::new();
    let rest = match rest.trim_start().strip_prefix('{') {
        Some(rest) => parse_labels(rest, &mut labels)?,
        None => rest,
    };
    // A name with other characters is quoted, and stands among the labels.
    let quoted = if name.is_empty() { labels.remove("") } else { None };
    let name = quoted.as_deref().unwrap_or(name);
    if name.is_empty() {
        return Err("it has no name");
    }
    let value = rest.split_whitespace().next().ok_or("it has no value")?;
    let value = value.parse().map_err(|_| "its value is not a number")?;
    Ok(ExpositionSample { name: name.to_owned(), labels, value })
}

/// Parses labels up to the closing brace. Returns the rest of the line.
fn parse_labels<'a>(mut rest: &'a str, labels: &mut BTreeMap<String, String>) -> Result<&'a str, &'static str> {
    loop {
        rest = rest.trim_start();
        if let Some(rest) = rest.strip_prefix('}') {
            return Ok(rest);
        }
        if labels.len() == MAX_LABELS {
            return Err("it has too many labels");
        }
        let (name, value, after) = parse_label(rest)?;
        labels.insert(name, value);
        let after = after.trim_start();
        rest = after.strip_prefix(',').unwrap_or(after);
        if rest.len() == after.len() && !rest.starts_with('}') {
            return Err("labels are not separated by commas");
        }
    }
}

/// Parses a label. The name of a metric, which may be quoted, is the value of the label "".
fn parse_label(text: &str) -> Result<(String, String, &str), &'static str> {
    let (name, rest) = match text.strip_prefix('"') {
        Some(quoted) => {
            let (name, rest) = parse_quoted(quoted)?;
            match rest.trim_start().strip_prefix('=') {
                Some(rest) => (name, rest),
                None => return Ok((String::new(), name, rest)),
            }
        }
        None => {
            let (name, rest) = text.split_once('=').ok_or("a label has no value")?;
            (name.trim().to_owned(), rest)
        }
    };
    let (value, rest) = parse_quoted(rest.trim_start().strip_prefix('"').ok_or("a label's value has no quotes")?)?;
    Ok((name, value, rest))
}

/// Parses a value up to its closing quote. Returns the value and the rest of the line.
fn parse_quoted(text: &str) -> Result<(String, &str), &'static str> {
    let mut value = String::new();
    let mut characters = text.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return Ok((value, &text[at + 1..])),
            '\\' => match characters.next() {
                Some((_, 'n')) => value.push('\n'),
                Some((_, other)) => value.push(other),
                None => break,
            },
            other => value.push(other),
        }
    }
    Err("a label's value has no end")
}

#[cfg(test)]
mod tests;
