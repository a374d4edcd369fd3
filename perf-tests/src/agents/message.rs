//! The messages between coordinator and agents: their meaning, their order, and their form on the
//! wire.
//!
//! A message is its length (4 bytes, big-endian) and that many bytes of JSON. A message that is
//! longer than the receiver allows ends the connection before any of it is read.
//!
//! | from | message | when |
//! |---|---|---|
//! | agent | `Hello` | first |
//! | coordinator | `Refused` | in place of `Assignment`: the agent cannot take part |
//! | coordinator | `Assignment` | once all agents have joined |
//! | agent | `Prepared` or `Failed` | after its own checks, such as whether the target responds |
//! | coordinator | `SetupValue` | after setup |
//! | agent | `Ready` or `Failed` | once the iterations hold setup's value |
//! | both | `ClockProbe`, `ClockReply` | several times, before the load and after `Finished` |
//! | coordinator | `Start` | once |
//! | coordinator | `Lease` | after `Start`, and after each `LeaseRequests` |
//! | agent | `Started` | when its workers run |
//! | agent | `Counts` | twice a second, cumulative |
//! | agent | `LeaseRequests` | when shared iterations run short; one at a time |
//! | coordinator | `Abort` | if the load ends early |
//! | agent | `Finished` | at the end of its load |
//! | both | `Alive` | whenever nothing else was sent for a second |

use std::io::ErrorKind;
use std::time::Duration;

use perf_settings::Settings;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::time;

use super::long_number::has_long_number;
use crate::engine::{Lease, LeaseRequest, Load, LoadShare};
use crate::measure::Snapshot;
use crate::plan::LoadProfile;

/// A peer that is silent for longer is lost.
pub(super) const SILENCE: Duration = Duration::from_secs(5);
/// Time for agents to join, and for each of their responses. Builds are hashed, targets are asked,
/// and data files are read meanwhile.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);
/// Time for agents to join that are started by hand.
pub(super) const LONG_PATIENCE: Duration = Duration::from_secs(600);
/// Version of the protocol. It grows with any change.
pub(crate) const PROTOCOL: u32 = 8;
/// Limit on a message of a peer that has not shown the token, in bytes.
pub(super) const MAX_HELLO: usize = 4 << 10;
/// Limit on any other message, in bytes. An agent sends what a shard writes.
pub(super) const MAX_MESSAGE: usize = perf_report::shard::MAX_BYTES;
/// Limit on the JSON of setup's value, in bytes.
pub(crate) const MAX_SETUP_VALUE: usize = 16 << 20;

#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum ToAgent {
    /// The agent cannot take part, for these reasons.
    Refused(Vec<String>),
    Assignment(Box<Assignment>),
    /// Setup's value as JSON. It is text within the message, so that no number in it changes.
    SetupValue(String),
    ClockProbe,
    /// The load begins at this time of the agent's clock, in nanoseconds.
    Start(u64),
    /// Blocks of shared iterations, one for each part that has them or that was requested.
    Lease(Vec<Lease>),
    Abort(AbortCause),
    Alive,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum FromAgent {
    Hello(Hello),
    /// The hash of the plan that it made from the assignment.
    Prepared(String),
    /// It cannot make its share: the message says why.
    Failed(String),
    Ready,
    ClockReply(ClockReply),
    /// Its workers ran this long after the start, in nanoseconds.
    Started(u64),
    /// All counts since the start.
    Counts(Box<Snapshot>),
    /// The parts that need a block of shared iterations.
    LeaseRequests(Vec<LeaseRequest>),
    Finished {
        load: Box<Load>,
        /// The number of shared iterations of each part that had reached it by then.
        leased: Vec<u64>,
    },
    Alive,
}

/// The first message of a peer. Nothing else is read of one that has not shown the token, because
/// counts need much more memory than their text.
#[derive(Debug, Deserialize)]
pub(super) enum FirstMessage {
    Hello(Hello),
}

pub(super) trait Incoming: DeserializeOwned {
    /// Whether its numbers are counts, which are added to those of others.
    const HAS_COUNTS: bool;
}

pub(super) trait LinkMessage: Serialize + Incoming {
    /// Shows only that the side is alive.
    const ALIVE: Self;
}

impl Incoming for FirstMessage {
    const HAS_COUNTS: bool = false;
}

impl Incoming for ToAgent {
    const HAS_COUNTS: bool = false;
}

impl LinkMessage for ToAgent {
    const ALIVE: Self = Self::Alive;
}

impl Incoming for FromAgent {
    const HAS_COUNTS: bool = true;
}

impl LinkMessage for FromAgent {
    const ALIVE: Self = Self::Alive;
}

/// The first message of an agent. All but `place` must be the coordinator's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Hello {
    pub(crate) protocol: u32,
    /// Hash of the executable.
    pub(crate) build: String,
    pub(crate) scenario: String,
    /// Hash of the catalogue.
    pub(crate) catalogue: String,
    pub(crate) token: String,
    /// Process and machine, for people.
    pub(crate) place: String,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Assignment {
    /// The settings without those that only the coordinator needs.
    pub(crate) settings: Settings,
    pub(crate) loads: Vec<LoadProfile>,
    pub(crate) seed: u64,
    pub(crate) share: LoadShare,
    /// Limit on worker threads, if the agent shares its machine with others.
    pub(crate) threads: Option<usize>,
}

/// Times of an agent's clock, in nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ClockReply {
    /// When the probe arrived.
    pub(crate) received: u64,
    /// When the reply was sent.
    pub(crate) sent: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum AbortCause {
    /// A signal, or an agent that cannot go on.
    Interrupted,
    /// An objective was missed (`abort_on_miss`). Shared iterations that nobody took are not
    /// counted as dropped.
    Missed,
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum MessageError {
    #[error("the connection was closed")]
    Closed,
    #[error("it was silent for {} s", SILENCE.as_secs())]
    Silent,
    #[error("{0}")]
    Io(#[from] std::io::Error),
    #[error("a message of {length} bytes is longer than the limit of {limit} bytes")]
    TooLong { length: usize, limit: usize },
    #[error("a message has a larger number than any run counts")]
    LongNumber,
    #[error("a message is not valid: {0}")]
    Invalid(#[from] serde_json::Error),
}

pub(super) fn encode<M: Serialize>(message: &M) -> Result<Vec<u8>, MessageError> {
    let mut bytes = vec![0; 4];
    serde_json::to_writer(&mut bytes, message)?;
    let length = bytes.len() - 4;
    let prefix = u32::try_from(length).ok().filter(|_| length <= MAX_MESSAGE);
    let prefix = prefix.ok_or(MessageError::TooLong { length, limit: MAX_MESSAGE })?;
    bytes[..4].copy_from_slice(&prefix.to_be_bytes());
    Ok(bytes)
}

/// Reads a message of at most `limit` bytes. Memory grows only with bytes that have arrived.
pub(super) async fn read<M: Incoming>(from: &mut (impl AsyncRead + Unpin), limit: usize) -> Result<M, MessageError> {
    read_within(SILENCE, from, limit).await
}

/// Reads a message whose first byte comes within `patience`.
pub(super) async fn read_within<M: Incoming>(
    patience: Duration,
    from: &mut (impl AsyncRead + Unpin),
    limit: usize,
) -> Result<M, MessageError> {
    let mut bytes = Vec::new();
    read_to(&mut bytes, 4, patience, from).await?;
    let length = bytes.iter().fold(0, |length, byte| length << 8 | usize::from(*byte));
    if length > limit {
        return Err(MessageError::TooLong { length, limit });
    }
    bytes.clear();
    read_to(&mut bytes, length, SILENCE, from).await?;
    if M::HAS_COUNTS && has_long_number(&bytes) {
        return Err(MessageError::LongNumber);
    }
    Ok(serde_json::from_slice(&bytes)?)
}

async fn read_to(
    bytes: &mut Vec<u8>,
    length: usize,
    patience: Duration,
    from: &mut (impl AsyncRead + Unpin),
) -> Result<(), MessageError> {
    while bytes.len() < length {
        let rest = (length - bytes.len()) as u64;
        let read = time::timeout(patience, (&mut *from).take(rest).read_buf(bytes)).await;
        match read.map_err(|_| MessageError::Silent)? {
            Ok(0) => return Err(MessageError::Closed),
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::ConnectionReset => return Err(MessageError::Closed),
            Err(error) => return Err(MessageError::Io(error)),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
