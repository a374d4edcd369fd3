//! Finds the series that a store does not take among those that it does. A receiver of version 1.0 stores nothing of a request in which
//! one sample is bad, so that one bad series would cost all others.

use super::super::client::WriteError;
use super::super::message::Entry;
use super::{BATCH, Pusher, without_zeros};

/// Requests to look with.
const MOST: u32 = 64;
/// So many refusals, none taken, and it is not about single series: a clock that is wrong, a store that is full.
const IN_A_ROW: u32 = BATCH.ilog2() + 2;

/// What became of a batch that was refused as a whole.
pub(super) enum Bisected {
    /// The store has all of it but what it does not take, which is remembered.
    Apart,
    /// It takes none of it, or there is too much that it does not take to look for it all.
    All,
    /// It went away meanwhile: what is left to be sent.
    Away(WriteError, Vec<Vec<Entry>>),
}

impl Pusher {
    /// Sends halves of what was refused, and halves of those, until what the store does not take stands alone.
    pub(super) async fn bisect(&mut self, batch: Vec<Entry>) -> Bisected {
        // Some of it may have been stored, and then what was before it is refused.
        let batch: Vec<_> = batch.iter().map(without_zeros).collect();
        let (mut parts, mut alone, mut any_taken) = (halves(batch), Vec::new(), false);
        let (mut asked, mut in_a_row) = (0, 0);
        while asked < MOST && (in_a_row < IN_A_ROW || any_taken) && !self.is_out_of_patience() {
            let Some(part) = parts.pop() else { break };
            asked += 1;
            match (self.send(&part).await, part.as_slice()) {
                (Ok(()), _) => {
                    any_taken = true;
                    self.remember_stored(part);
                }
                (Err(error), _) if error.is_passing() => {
                    parts.extend(alone.into_iter().map(|(entry, _)| vec![entry]));
                    parts.push(part);
                    return Bisected::Away(error, parts);
                }
                (Err(error), [entry]) => alone.push((entry.clone(), error)),
                (Err(_), _) => {
                    in_a_row += 1;
                    parts.extend(halves(part));
                }
            }
        }
        if !any_taken {
            return Bisected::All;
        }
        while let Some((entry, why)) = alone.pop() {
            if self.is_out_of_patience() {
                self.turn_down(&entry, why);
                continue;
            }
            // It may have been refused before the store was itself again.
            let again = vec![entry];
            match self.send(&again).await {
                Ok(()) => self.remember_stored(again),
                Err(error) if error.is_passing() => {
                    parts.extend(alone.into_iter().map(|(entry, _)| vec![entry]).chain([again]));
                    return Bisected::Away(error, parts);
                }
                Err(_) => again.iter().for_each(|entry| self.turn_down(entry, why.clone())),
            }
        }
        // What there was no time to look for is found with the next push, which has less that is refused.
        if parts.is_empty() { Bisected::Apart } else { Bisected::All }
    }
}

/// Both halves of a batch, or the whole if there is nothing to halve.
fn halves(mut batch: Vec<Entry>) -> Vec<Vec<Entry>> {
    let other = batch.split_off(batch.len() / 2);
    [batch, other].into_iter().filter(|half| !half.is_empty()).collect()
}
