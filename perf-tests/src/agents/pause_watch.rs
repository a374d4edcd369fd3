//! The longest time in which this process did not run. Agents give up a coordinator that is silent.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::{self, Instant};

use super::link;
use crate::clock;

const EVERY: Duration = Duration::from_millis(500);

/// Watches on the thread of connections, because setup may block the thread of the run.
pub(super) struct PauseWatch {
    record: Arc<Mutex<Record>>,
    task: JoinHandle<()>,
}

/// A time in which the process did not run.
#[derive(Debug, Clone, Copy)]
pub(super) struct Standstill {
    pub(super) from: Instant,
    pub(super) length: Duration,
}

struct Record {
    ran: Instant,
    longest: Standstill,
}

impl Record {
    fn begin() -> Self {
        let ran = clock::now();
        Self { ran, longest: Standstill { from: ran, length: Duration::ZERO } }
    }

    fn notice(&mut self, now: Instant) {
        let length = now.saturating_duration_since(self.ran);
        if length > self.longest.length {
            self.longest = Standstill { from: self.ran, length };
        }
        self.ran = now;
    }
}

impl PauseWatch {
    pub(super) fn start() -> io::Result<Self> {
        let record = Arc::new(Mutex::new(Record::begin()));
        let watched = record.clone();
        let task = link::runtime()?.spawn(async move {
            loop {
                time::sleep(EVERY).await;
                watched.lock().unwrap_or_else(PoisonError::into_inner).notice(clock::now());
            }
        });
        Ok(Self { record, task })
    }

    /// Forgets all until now.
    pub(super) fn restart(&self) {
        *self.record.lock().unwrap_or_else(PoisonError::into_inner) = Record::begin();
    }

    /// The longest standstill. It may end just now, before the task has noticed it.
    pub(super) fn longest(&self) -> Standstill {
        let mut record = self.record.lock().unwrap_or_else(PoisonError::into_inner);
        record.notice(clock::now());
        record.longest
    }
}

impl Drop for PauseWatch {
    fn drop(&mut self) {
        self.task.abort();
    }
}
