//! One agent, as the coordinator sees it.

use std::time::Duration;

use perf_report::evidence::AgentResult;
use perf_report::format;
use tokio::time;

use super::agent_error::AgentError;
use super::agent_load::AgentLoad;
use super::clock_offset::{ClockOffset, SentClock};
use super::link::{LinkReceiver, LinkSender};
use super::listener::JoinedAgent;
use super::message::{AbortCause, FromAgent, MessageError, PATIENCE, ToAgent};
use crate::clock;
use crate::engine::{Load, LoadShare};
use crate::measure::{Layout, Snapshot};

/// Exchanges by which a clock is measured. The shortest one counts.
const PROBES: usize = 16;
/// Time limit for measuring a clock again, after the load.
const CLOCK_PATIENCE: Duration = Duration::from_secs(1);

pub(super) struct RemoteAgent {
    /// From 1.
    pub(super) number: u32,
    pub(super) share: LoadShare,
    place: String,
    /// `None` once it is lost.
    sender: Option<LinkSender>,
    /// `None` while a future waits for its next message.
    pub(super) receiver: Option<LinkReceiver<FromAgent>>,
    pub(super) offset: ClockOffset,
    /// The same at the end of its load, if it was measured.
    pub(super) end_offset: Option<ClockOffset>,
    /// Time from the start until its workers ran, in nanoseconds.
    late: u64,
    pub(super) counts: Snapshot,
    end: Option<RemoteEnd>,
}

enum RemoteEnd {
    Finished(Box<Load>),
    /// When, from the start of the load, and why.
    Lost(Duration, String),
}

impl RemoteAgent {
    pub(super) fn new(number: u32, share: LoadShare, joined: JoinedAgent, empty: &Snapshot) -> Self {
        let JoinedAgent { sender, receiver, place } = joined;
        Self {
            number,
            share,
            place,
            sender: Some(sender),
            receiver: Some(receiver),
            offset: ClockOffset::default(),
            end_offset: None,
            late: 0,
            counts: empty.clone(),
            end: None,
        }
    }

    /// Its name in messages: "agent 2 (process 4711 on node-3)".
    pub(super) fn name(&self) -> String {
        format!("agent {} ({})", self.number, self.place)
    }

    /// Sends a message, and returns the response, which may take [`PATIENCE`].
    pub(super) async fn request(&mut self, message: &ToAgent) -> Result<FromAgent, AgentError> {
        let (Some(sender), Some(receiver)) = (&self.sender, &mut self.receiver) else {
            return Err(self.unexpected_message());
        };
        let reply = match sender.send(message).await {
            Ok(()) => match time::timeout(PATIENCE, receiver.next()).await {
                Ok(reply) => reply,
                Err(_) => return Err(AgentError::NoResponse { agent: self.name() }),
            },
            Err(error) => Err(error),
        };
        match reply {
            Ok(FromAgent::Failed(why)) => Err(AgentError::Failed { agent: self.name(), why }),
            Ok(reply) => Ok(reply),
            Err(error) => Err(AgentError::Lost { agent: self.name(), error }),
        }
    }

    /// Sends a message that has no response, if the agent reads messages. One that does not is
    /// noticed by its silence.
    pub(super) fn send(&self, message: &ToAgent) {
        if let Some(sender) = &self.sender {
            drop(sender.offer(message));
        }
    }

    pub(super) fn send_first(&self, message: &ToAgent) {
        if let Some(sender) = &self.sender {
            drop(sender.send_first(message));
        }
    }

    pub(super) fn unexpected_message(&self) -> AgentError {
        AgentError::Unexpected { agent: self.name() }
    }

    pub(super) async fn measure_clock(&mut self, clock: SentClock) -> Result<(), AgentError> {
        let mut best: Option<ClockOffset> = None;
        for _ in 0..PROBES {
            let sent = clock.now();
            let FromAgent::ClockReply(reply) = self.request(&ToAgent::ClockProbe).await? else {
                return Err(self.unexpected_message());
            };
            best = Some(ClockOffset::closer(best, ClockOffset::new(sent, reply, clock.now())));
        }
        self.offset = best.unwrap_or_default();
        Ok(())
    }

    /// Ends its connection after it has finished. Measures its clock again before, since a clock
    /// may drift during the load. The future gives `at` and that offset. `None` if it was lost.
    pub(super) fn disconnect(
        &mut self,
        at: usize,
        receiver: LinkReceiver<FromAgent>,
        clock: SentClock,
    ) -> Option<impl Future<Output = (usize, Option<ClockOffset>)> + use<>> {
        let sender = self.sender.take()?;
        Some(async move { (at, measure_again(&sender, receiver, clock).await) })
    }

    /// Takes a message that came at `elapsed` from the start of the load. The agent was asked to
    /// end the load for the causes in `aborts_sent`.
    pub(super) fn take(
        &mut self,
        elapsed: Duration,
        message: Result<FromAgent, MessageError>,
        layout: &Layout,
        aborts_sent: &[AbortCause],
    ) {
        match message {
            Ok(FromAgent::Started(late)) => self.late = late,
            Ok(FromAgent::Counts(counts)) => match self.problem_with(&counts, counts.is_addable(layout)) {
                None => self.counts = *counts,
                Some(why) => self.lose(elapsed, why),
            },
            Ok(FromAgent::Finished { load, .. }) => {
                let problem = self.problem_with(&load.snapshot, load.is_addable(layout));
                match problem.or_else(|| unasked_end(&load, aborts_sent)) {
                    None => {
                        self.counts = load.snapshot.clone();
                        self.end = Some(RemoteEnd::Finished(load));
                    }
                    Some(why) => self.lose(elapsed, why),
                }
            }
            Ok(FromAgent::Failed(why)) => self.lose(elapsed, &why),
            Ok(_) => self.lose(elapsed, "it sent an unexpected message"),
            Err(error) => self.lose(elapsed, &error.to_string()),
        }
    }

    /// Why its new counts cannot be taken.
    fn problem_with(&self, counts: &Snapshot, is_addable: bool) -> Option<&'static str> {
        match is_addable {
            false => Some("it sent counts that no run has"),
            true if !counts.has_grown_from(&self.counts) => Some("it sent smaller counts than before"),
            true => None,
        }
    }

    /// Gives it up, and closes the connection, which ends its process. Its last counts are kept.
    pub(super) fn lose(&mut self, elapsed: Duration, why: &str) {
        if self.is_active() {
            self.sender = None;
            // It may still be active, but its counts no longer show that.
            self.counts.in_flight = 0;
            self.counts.parts.iter_mut().for_each(|part| part.vus = 0);
            self.end = Some(RemoteEnd::Lost(elapsed, why.to_owned()));
        }
    }

    pub(super) const fn is_active(&self) -> bool {
        self.end.is_none()
    }

    /// Whether it ended its load because a request cannot be sent. No other agent can send it
    /// either.
    pub(super) fn cannot_continue(&self) -> bool {
        matches!(&self.end, Some(RemoteEnd::Finished(load)) if load.errors.unsendable.is_some())
    }

    /// Its load. It was given this number of shared iterations of each part.
    pub(super) fn into_load(self, empty: Snapshot, leased: Vec<u64>) -> AgentLoad {
        let result = AgentResult {
            clock_offset_ms: Some(to_millis(self.offset.offset)),
            clock_error_ms: Some(to_millis(self.offset.error.into())),
            clock_drift_ms: self.end_offset.map(|end| to_millis(end.offset - self.offset.offset)),
            clock_drift_error_ms: self.end_offset.map(|end| to_millis(end.error.into())),
            start_skew_ms: to_millis(i128::from(self.late) + i128::from(self.offset.error)),
            ..AgentResult::new(self.number, Some(self.place))
        };
        let (load, lost) = match self.end {
            Some(RemoteEnd::Finished(load)) => (*load, None),
            Some(RemoteEnd::Lost(at, why)) => {
                let (health, workers) = (self.counts.health, self.counts.worked.len());
                let load = Load { health, workers, ..Load::not_started(self.counts) };
                (load, Some((at, format!("at {}: {why}", format::clock(at)))))
            }
            None => (Load::not_started(empty), None),
        };
        AgentLoad { share: self.share, leased: Some(leased), load, result, lost }
    }
}

/// Why an agent's load is incomplete: it ended early, and the coordinator had not asked for that.
fn unasked_end(load: &Load, aborts_sent: &[AbortCause]) -> Option<&'static str> {
    let is_unasked = |has_cause: bool, cause| has_cause && !aborts_sent.contains(&cause);
    let ended_early =
        is_unasked(load.interrupted, AbortCause::Interrupted) || is_unasked(load.aborted.is_some(), AbortCause::Missed);
    ended_early.then_some("it ended its load early, and was not asked to")
}

/// Measures the clock of an agent that has finished. `None` if it does not respond any more.
async fn measure_again(
    sender: &LinkSender,
    mut receiver: LinkReceiver<FromAgent>,
    clock: SentClock,
) -> Option<ClockOffset> {
    let until = clock::now() + CLOCK_PATIENCE;
    let mut best = None;
    for _ in 0..PROBES {
        let sent = clock.now();
        sender.send(&ToAgent::ClockProbe).await.ok()?;
        match time::timeout_at(until, receiver.next()).await {
            Ok(Ok(FromAgent::ClockReply(reply))) => {
                best = Some(ClockOffset::closer(best, ClockOffset::new(sent, reply, clock.now())));
            }
            // The best offset until then is exact enough, or its error says that it is not.
            _ => break,
        }
    }
    best
}

#[expect(clippy::cast_precision_loss, reason = "a number for people")]
fn to_millis(nanos: i128) -> f64 {
    nanos as f64 / 1e6
}

#[cfg(test)]
mod tests;
