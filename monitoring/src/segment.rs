//! Segments of a scenario, such as the days of a game, and tags, such as the size of a room.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::label;

/// Limit on tags with an objective: one bit of a request each.
pub const MAX_TAGS: usize = u64::BITS as usize;

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

/// A tag by its name and value. Its text is the value of the label `segment`: "room=large".
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tag(pub &'static str, pub &'static str);

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(name, value) = self;
        write!(f, "{name}={value}")
    }
}

/// A segment that an objective judges: one with a number, or all requests with a tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum JudgedSegment {
    /// It has a number. These are sorted before tags.
    Numbered(Segment),
    /// It is a tag.
    Tagged(Tag),
}

impl JudgedSegment {
    /// Whether it can be a label value, and no tag has the text of a numbered segment.
    pub(crate) fn is_usable(&self) -> bool {
        match self {
            Self::Numbered(Segment(name, _)) => label::check_value("segment", name).is_ok() && !name.contains('='),
            Self::Tagged(Tag(name, value)) => {
                label::is_label_name(name) && label::check_value("segment", value).is_ok()
            }
        }
    }
}

impl fmt::Display for JudgedSegment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Numbered(segment) => segment.fmt(f),
            Self::Tagged(tag) => tag.fmt(f),
        }
    }
}
