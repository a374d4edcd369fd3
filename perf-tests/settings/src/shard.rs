//! A shard: a share of a run that is made apart from the others, with a file in place of a network.

use std::fmt;
use std::str::FromStr;
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

use super::{MAX_AGENTS, ValueError};

/// The first second that RFC 3339 cannot write.
const YEAR_10000: u64 = 253_402_300_800;

/// The share of a run's load that a process makes: "2/8".
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Shard {
    /// Its number, from 1.
    pub number: u32,
    /// Number of shards.
    pub of: u32,
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.number, self.of)
    }
}

impl FromStr for Shard {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let numbers = text.split_once('/').and_then(|(number, of)| Some((number.parse().ok()?, of.parse().ok()?)));
        let shard = numbers.map(|(number, of)| Self { number, of }).filter(|shard| shard.is_valid());
        shard.ok_or_else(|| ValueError::Shard(text.to_owned()))
    }
}

impl Shard {
    /// Whether it is one of at most `MAX_AGENTS`.
    pub fn is_valid(self) -> bool {
        (1..=self.of).contains(&self.number) && self.of <= MAX_AGENTS
    }
}

/// Parses a moment: RFC 3339 in UTC, or seconds since 1970, before the year 10000.
pub(super) fn parse_moment(text: &str) -> Result<SystemTime, ValueError> {
    let seconds = text.parse().ok().filter(|seconds| *seconds < YEAR_10000);
    let seconds = seconds.map(|seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds));
    seconds.or_else(|| humantime::parse_rfc3339(text).ok()).ok_or_else(|| ValueError::Moment(text.to_owned()))
}

/// Whether the time can be written as RFC 3339: it is from the years 1970 to 9999.
pub fn has_rfc3339(time: SystemTime) -> bool {
    time.duration_since(SystemTime::UNIX_EPOCH).is_ok_and(|since| since.as_secs() < YEAR_10000)
}

#[cfg(test)]
mod tests;
