//! What a service serves at `/metrics`: Prometheus' text format, version 0.0.4,
//! <https://prometheus.io/docs/instrumenting/exposition_formats/>. It comes from outside, so it has limits.

use std::collections::BTreeMap;

/// More samples than this are no service's metrics.
const MAX_SAMPLES: usize = 200_000;
/// More labels than this has no series.
const MAX_LABELS: usize = 64;

/// A sample: a series and its value.
#[derive(Debug, Clone, PartialEq)]
pub struct ExpositionSample {
    /// The metric's name; a histogram's end in `_bucket`, `_sum` and `_count`.
    pub name: String,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// Its value.
    pub value: f64,
}

/// Why a text cannot be read.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum ExpositionError {
    /// A line that is neither a comment nor a sample.
    #[error("line {0} is no sample: {1}")]
    Line(usize, &'static str),
    /// Too much of it.
    #[error("there are more than {MAX_SAMPLES} samples")]
    TooMany,
}

/// All samples, in their order. Timestamps and exemplars are passed over.
///
/// # Errors
/// The first line that cannot be read.
pub fn parse(text: &str) -> Result<Vec<ExpositionSample>, ExpositionError> {
    let mut samples = Vec::new();
    for (line, number) in text.lines().zip(1..) {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if samples.len() == MAX_SAMPLES {
            return Err(ExpositionError::TooMany);
        }
        samples.push(sample(line).map_err(|why| ExpositionError::Line(number, why))?);
    }
    Ok(samples)
}

fn sample(line: &str) -> Result<ExpositionSample, &'static str> {
    let end = line.find(|c: char| c == '{' || c.is_whitespace()).ok_or("it has no value")?;
    let (name, rest) = line.split_at(end);
    if name.is_empty() {
        return Err("it has no name");
    }
    let mut labels = BTreeMap::new();
    let rest = match rest.strip_prefix('{') {
        Some(rest) => labelled(rest, &mut labels)?,
        None => rest,
    };
    let value = rest.split_whitespace().next().ok_or("it has no value")?;
    let value = value.parse().map_err(|_| "its value is no number")?;
    Ok(ExpositionSample { name: name.to_owned(), labels, value })
}

/// Reads labels up to the closing brace, and gives what follows.
fn labelled<'a>(mut rest: &'a str, labels: &mut BTreeMap<String, String>) -> Result<&'a str, &'static str> {
    loop {
        rest = rest.trim_start();
        if let Some(rest) = rest.strip_prefix('}') {
            return Ok(rest);
        }
        if labels.len() == MAX_LABELS {
            return Err("it has too many labels");
        }
        let (name, quoted) = rest.split_once('=').ok_or("a label has no value")?;
        let (value, after) = unquoted(quoted.trim_start().strip_prefix('"').ok_or("a label's value has no quotes")?)?;
        labels.insert(name.trim().to_owned(), value);
        let after = after.trim_start();
        rest = after.strip_prefix(',').unwrap_or(after);
        if rest.len() == after.len() && !rest.starts_with('}') {
            return Err("labels are not separated by commas");
        }
    }
}

/// A value up to its closing quote, and what follows.
fn unquoted(text: &str) -> Result<(String, &str), &'static str> {
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
mod tests {
    use super::*;

    #[test]
    fn samples_are_read_whatever_stands_in_their_labels() {
        let text = "# HELP x y\n# TYPE x counter\nx 1\nx{a=\"1\",b=\"}, {\\\"\\\\\\n\"} 2.5 1700000000\n\nx{} +Inf\ny{a=\"\",} NaN\n";
        let samples = parse(text).unwrap();
        assert_eq!(samples.len(), 4);
        assert_eq!((samples[1].labels["b"].as_str(), samples[1].value), ("}, {\"\\\n", 2.5));
        assert!(samples[2].labels.is_empty() && samples[2].value.is_infinite());
        assert!(samples[3].value.is_nan() && samples[3].labels["a"].is_empty());
    }

    #[test]
    fn what_is_no_sample_is_named_by_its_line() {
        for text in [
            "x",
            "{a=\"1\"} 1",
            "x{a=\"1} 1",
            "x{a=1} 1",
            "x{a=\"1\" b=\"2\"} 1",
            "x one",
            "x{a",
            "<html>",
            "x{a=\"1\"}",
        ] {
            assert!(matches!(parse(&format!("ok 1\n{text}\n")), Err(ExpositionError::Line(2, _))), "{text}");
        }
    }
}
