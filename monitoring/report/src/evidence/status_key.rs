//! The status of a response, as a key of counts.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Status of a response, or the absence of a response. In JSON and in the label `status`, "0" means
/// no response.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(from = "u16", into = "u16")]
#[schemars(with = "String")]
pub enum StatusKey {
    /// No response.
    NoResponse,
    /// A response with this status code.
    Code(u16),
}

impl StatusKey {
    /// Class of the status: "2xx". `None` without a response, and outside 100-599.
    pub fn class(self) -> Option<String> {
        match self {
            Self::Code(code @ 100..=599) => Some(format!("{}xx", code / 100)),
            Self::Code(_) | Self::NoResponse => None,
        }
    }

    /// Status code, or "no response".
    pub fn describe(self) -> String {
        match self {
            Self::NoResponse => "no response".to_owned(),
            Self::Code(code) => code.to_string(),
        }
    }
}

impl fmt::Display for StatusKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        u16::from(*self).fmt(f)
    }
}

impl From<u16> for StatusKey {
    fn from(code: u16) -> Self {
        if code == 0 { Self::NoResponse } else { Self::Code(code) }
    }
}

impl From<StatusKey> for u16 {
    fn from(key: StatusKey) -> Self {
        match key {
            StatusKey::NoResponse => 0,
            StatusKey::Code(code) => code,
        }
    }
}

impl From<Option<u16>> for StatusKey {
    fn from(status: Option<u16>) -> Self {
        status.map_or(Self::NoResponse, Self::Code)
    }
}
