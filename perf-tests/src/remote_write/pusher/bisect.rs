//! Finds the series that a store rejects among those that it accepts. A receiver of version 1.0
//! stores nothing of a request with one bad sample, so one bad series would lose all others.

use super::super::client::PushError;
use super::super::message::Entry;
use super::{BATCH, Pusher, without_zeros};

/// Maximum number of requests for one batch.
const MAX_REQUESTS: u32 = 64;
/// After this many rejections without a success, single series are not the cause. The store's clock
/// may be wrong, or its disk full.
const MAX_IN_A_ROW: u32 = BATCH.ilog2() + 2;

/// The outcome for a batch that was rejected as a whole.
pub(super) enum BisectOutcome {
    /// The store has all series except those that it rejects, which are recorded.
    Isolated,
    /// The store rejects all series, or too many to find each of them.
    Rejected,
    /// The store became unavailable: the error, and the batches that are left to send.
    Unavailable(PushError, Vec<Vec<Entry>>),
}

impl Pusher {
    /// Sends the halves of a rejected batch, and the halves of these, until each rejected series is
    /// alone.
    pub(super) async fn bisect(&mut self, batch: Vec<Entry>) -> BisectOutcome {
        // Some of the batch may have been stored. Then older samples would be rejected.
        let batch: Vec<_> = batch.iter().map(without_zeros).collect();
        let (mut parts, mut alone, mut any_stored) = (halves(batch), Vec::new(), false);
        let (mut requests, mut in_a_row) = (0, 0);
        while requests < MAX_REQUESTS && (in_a_row < MAX_IN_A_ROW || any_stored) && !self.is_out_of_patience() {
            let Some(part) = parts.pop() else { break };
            requests += 1;
            match (self.send(&part).await, part.as_slice()) {
                (Ok(()), _) => {
                    any_stored = true;
                    self.remember_stored(part);
                }
                (Err(error), _) if error.is_temporary() => {
                    parts.extend(alone.into_iter().map(|(entry, _)| vec![entry]));
                    parts.push(part);
                    return BisectOutcome::Unavailable(error, parts);
                }
                (Err(error), [entry]) => alone.push((entry.clone(), error)),
                (Err(_), _) => {
                    in_a_row += 1;
                    parts.extend(halves(part));
                }
            }
        }
        if !any_stored {
            return BisectOutcome::Rejected;
        }
        while let Some((entry, why)) = alone.pop() {
            if self.is_out_of_patience() {
                self.reject(&entry, why);
                continue;
            }
            // It may have been rejected before the store recovered.
            let again = vec![entry];
            match self.send(&again).await {
                Ok(()) => self.remember_stored(again),
                Err(error) if error.is_temporary() => {
                    parts.extend(alone.into_iter().map(|(entry, _)| vec![entry]).chain([again]));
                    return BisectOutcome::Unavailable(error, parts);
                }
                Err(_) => again.iter().for_each(|entry| self.reject(entry, why.clone())),
            }
        }
        // Series for which there was no time are found with the next push, which has fewer rejected
        // series.
        if parts.is_empty() { BisectOutcome::Isolated } else { BisectOutcome::Rejected }
    }
}

/// Both halves of a batch, or the whole batch if it has one series.
fn halves(mut batch: Vec<Entry>) -> Vec<Vec<Entry>> {
    let other = batch.split_off(batch.len() / 2);
    [batch, other].into_iter().filter(|half| !half.is_empty()).collect()
}
