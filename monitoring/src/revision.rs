//! The revision of the repository that a program was built from, or a run was made with.

use std::fmt;

use serde::{Deserialize, Serialize};

const DIRTY: &str = "-dirty";

/// A revision of the repository, and whether there were uncommitted changes.
///
/// Its text is as `git describe --dirty` prints it: "0123456789ab", or "0123456789ab-dirty".
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revision {
    hash: String,
    is_dirty: bool,
}

impl Revision {
    /// Reads the text of a revision. `None` if it is empty: the revision is not known.
    pub fn parse(text: &str) -> Option<Self> {
        let (hash, is_dirty) = text.strip_suffix(DIRTY).map_or((text, false), |hash| (hash, true));
        (!text.is_empty()).then(|| Self { hash: hash.to_owned(), is_dirty })
    }

    /// Whether there were uncommitted changes.
    pub const fn is_dirty(&self) -> bool {
        self.is_dirty
    }
}

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.hash, if self.is_dirty { DIRTY } else { "" })
    }
}

/// A revision as its text in JSON; an unknown one as an empty text.
pub mod as_text {
    use serde::{Deserialize as _, Deserializer, Serializer};

    use super::Revision;

    /// # Errors
    /// If the serializer fails.
    pub fn serialize<S: Serializer>(revision: &Option<Revision>, serializer: S) -> Result<S::Ok, S::Error> {
        match revision {
            Some(revision) => serializer.collect_str(revision),
            None => serializer.serialize_str(""),
        }
    }

    /// # Errors
    /// If the value is not text.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Revision>, D::Error> {
        Ok(Revision::parse(&String::deserialize(deserializer)?))
    }
}

#[cfg(test)]
mod tests;
