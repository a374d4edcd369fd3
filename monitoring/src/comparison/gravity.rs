//! How grave a sentence is.

/// What a finding, a verdict or a remark is, apart from its words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Gravity {
    /// It is as it should be, or better.
    Good,
    /// Worth knowing.
    Warning,
    /// It fails.
    Grave,
}

impl Gravity {
    /// Of a sentence that begins with what it is, as all of a report's and a comparison's do.
    pub fn of(sentence: &str) -> Self {
        let begins = |words: &[&str]| words.iter().any(|word| sentence.starts_with(word));
        if begins(&["missed: ", "regressed: ", "problem: "]) {
            Self::Grave
        } else if begins(&["improved: "]) {
            Self::Good
        } else {
            Self::Warning
        }
    }
}
