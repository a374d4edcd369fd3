//! A run's outcome and files as lines of a log. A pod that has ended leaves nothing but its log.

use std::collections::BTreeMap;
use std::io::{self, Read as _, Write as _};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use serde::{Deserialize, Serialize};

use crate::outcome::Outcome;

/// Begins each line of an agent about itself. The last one says why it could not take part.
pub const AGENT_LINE: &str = "agent: ";

/// Begins each line. Numbers and data follow: `perf-outcome 1/3 H4sI…`.
const PREFIX: &str = "perf-outcome ";
/// Bytes of data in a line. Container runtimes split lines of more than 16 KiB.
const LINE: usize = 12 << 10;
/// Limits on what is read: lines, and bytes of the unpacked text.
const MAX_LINES: usize = 1 << 16;
const MAX_TEXT: u64 = 1 << 30;

/// An outcome with the run's files.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoggedOutcome {
    /// The outcome. Its path of the evidence is one of the process that wrote it.
    pub outcome: Outcome,
    /// Contents of the run's files, by name.
    pub files: BTreeMap<String, String>,
}

/// Why a log has no outcome.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each message says what its variant means")]
pub enum OutcomeLogError {
    #[error("the log has {0} of {1} lines of the outcome")]
    Incomplete(usize, usize),
    #[error("the log's outcome is not readable: {0}")]
    Unreadable(#[from] io::Error),
}

impl LoggedOutcome {
    /// The lines of the log, without line ends.
    ///
    /// # Errors
    /// If the outcome cannot be written as JSON.
    pub fn to_lines(&self) -> io::Result<Vec<String>> {
        let mut packed = GzEncoder::new(Vec::new(), Compression::default());
        packed.write_all(&serde_json::to_vec(self)?)?;
        let data = STANDARD.encode(packed.finish()?);
        let total = data.len().div_ceil(LINE);
        let chunks = data.as_bytes().chunks(LINE).enumerate();
        Ok(chunks.map(|(at, chunk)| format!("{PREFIX}{}/{total} {}", at + 1, String::from_utf8_lossy(chunk))).collect())
    }
}

/// Collects the lines of an outcome from a log, in any order and more than once.
#[derive(Debug, Default)]
pub struct OutcomeLog {
    chunks: BTreeMap<usize, String>,
    total: usize,
}

impl OutcomeLog {
    /// Takes a line of the log. False if it is not one of an outcome.
    pub fn take(&mut self, line: &str) -> bool {
        let Some((at, total, data)) = parse(line) else { return false };
        self.total = total;
        self.chunks.insert(at, data.to_owned());
        true
    }

    /// The outcome; `None` if the log has no line of one.
    ///
    /// # Errors
    /// If lines are missing or are not those of an outcome.
    pub fn outcome(&self) -> Result<Option<LoggedOutcome>, OutcomeLogError> {
        if self.total == 0 {
            return Ok(None);
        }
        if self.chunks.len() != self.total {
            return Err(OutcomeLogError::Incomplete(self.chunks.len(), self.total));
        }
        let data: String = self.chunks.values().map(String::as_str).collect();
        let packed = STANDARD.decode(data).map_err(io::Error::other)?;
        let mut text = Vec::new();
        GzDecoder::new(packed.as_slice()).take(MAX_TEXT).read_to_end(&mut text)?;
        Ok(Some(serde_json::from_slice(&text).map_err(io::Error::from)?))
    }
}

/// The number of a line, the number of all lines, and the line's data.
fn parse(line: &str) -> Option<(usize, usize, &str)> {
    let (numbers, data) = line.trim_end().strip_prefix(PREFIX)?.split_once(' ')?;
    let (at, total) = numbers.split_once('/')?;
    let (at, total) = (at.parse().ok()?, total.parse().ok()?);
    ((1..=total).contains(&at) && total <= MAX_LINES).then_some((at, total, data))
}

#[cfg(test)]
mod tests;
