//! Segments of a scenario, such as the days of a game.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A segment by its name and number. Its text is the value of the label `segment`: "day 7".
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Segment<Name = &'static str>(pub Name, pub u32);

impl<Name: fmt::Display> fmt::Display for Segment<Name> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(name, number) = self;
        write!(f, "{name} {number}")
    }
}

/// A text that is not a segment.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a segment such as \"day 7\"")]
pub struct SegmentError(String);

impl FromStr for Segment<String> {
    type Err = SegmentError;

    fn from_str(text: &str) -> Result<Self, SegmentError> {
        let parts = text.rsplit_once(' ').and_then(|(name, number)| Some((name, number.parse().ok()?)));
        parts.map(|(name, number)| Self(name.to_owned(), number)).ok_or_else(|| SegmentError(text.to_owned()))
    }
}
