//! The difference between two monotonic clocks, measured with messages.

use std::time::Duration;

use tokio::time::Instant;

use super::message::ClockReply;
use crate::clock;
use crate::plan::nanos;

/// A monotonic clock as a number of nanoseconds, which can be sent.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SentClock(Instant);

impl SentClock {
    pub(crate) fn start() -> Self {
        Self(clock::now())
    }

    /// The time now, in nanoseconds.
    pub(crate) fn now(self) -> u64 {
        self.at(clock::now())
    }

    /// A moment as a time of this clock, in nanoseconds.
    pub(super) fn at(self, moment: Instant) -> u64 {
        nanos(moment.saturating_duration_since(self.0))
    }

    /// The moment at which the clock shows `time` nanoseconds.
    pub(crate) fn moment(self, time: u64) -> Instant {
        self.0 + Duration::from_nanos(time)
    }
}

/// An agent's clock minus the coordinator's.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct ClockOffset {
    /// In nanoseconds.
    pub(super) offset: i128,
    /// Largest error of the offset, in nanoseconds.
    pub(super) error: u64,
}

impl ClockOffset {
    /// The offset by one exchange: the probe left the coordinator at `sent`, and the reply arrived
    /// at `received`. It assumes that both took equally long, so that it is at most half of their
    /// time wrong.
    pub(super) fn new(sent: u64, reply: ClockReply, received: u64) -> Self {
        let [sent, received] = [sent, received].map(i128::from);
        let [their_received, their_sent] = [reply.received, reply.sent].map(i128::from);
        let offset = ((their_received - sent) + (their_sent - received)) / 2;
        let round_trip = (received - sent) - (their_sent - their_received);
        Self { offset, error: u64::try_from(round_trip.max(0) / 2).unwrap_or(u64::MAX) }
    }

    /// The more exact one of two measurements of the same offset.
    pub(super) fn closer(earlier: Option<Self>, later: Self) -> Self {
        earlier.filter(|earlier| earlier.error <= later.error).unwrap_or(later)
    }

    /// A time of the coordinator's clock as a time of the agent's.
    pub(super) fn to_agent(self, time: u64) -> u64 {
        u64::try_from(i128::from(time) + self.offset).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests;
