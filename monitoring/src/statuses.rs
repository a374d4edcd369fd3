//! Statuses of responses that a scenario expects.

use std::fmt;
use std::ops::RangeInclusive;

/// One status, or a range of statuses.
///
/// ```
/// # use monitoring::statuses::Statuses;
/// assert!(Statuses::range(400, 499).contains(404));
/// assert_eq!(Statuses::only(409).to_string(), "409");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Statuses {
    from: u16,
    to: u16,
}

impl Statuses {
    /// 200-299.
    pub const SUCCESS: Self = Self::range(200, 299);

    /// Only this status.
    pub const fn only(status: u16) -> Self {
        Self::range(status, status)
    }

    /// From one status to another, both included.
    pub const fn range(from: u16, to: u16) -> Self {
        Self { from, to }
    }

    /// Whether a status is one of them.
    pub const fn contains(self, status: u16) -> bool {
        self.from <= status && status <= self.to
    }

    /// Whether a final response can have one of them. Some services send statuses above 599.
    pub const fn is_possible(self) -> bool {
        self.from <= self.to && self.to >= 200 && self.from <= 999
    }
}

impl From<u16> for Statuses {
    fn from(status: u16) -> Self {
        Self::only(status)
    }
}

impl From<RangeInclusive<u16>> for Statuses {
    fn from(range: RangeInclusive<u16>) -> Self {
        Self::range(*range.start(), *range.end())
    }
}

impl fmt::Display for Statuses {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.from == self.to { write!(f, "{}", self.from) } else { write!(f, "{}-{}", self.from, self.to) }
    }
}

/// Lists statuses: "200-299 or 409".
pub fn describe_statuses(statuses: &[Statuses]) -> String {
    statuses.iter().map(ToString::to_string).collect::<Vec<_>>().join(" or ")
}
