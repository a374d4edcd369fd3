//! Pushes snapshots to the store at fixed intervals, and never delays the load.

use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::{JoinError, JoinHandle};

use crate::clock::{RunClock, unix_ms};
use crate::measure::Snapshot;
use crate::remote_write::{Client, LastPushDeadline, PushError, Pusher, Pushes, SeriesValue};

type ToSeries = dyn Fn(&Snapshot) -> Vec<SeriesValue> + Send;

/// Pushes a run's metrics to its store.
pub(super) struct PushSchedule {
    run_clock: RunClock,
    to_series: Box<ToSeries>,
    interval: Duration,
    /// When the next push is due, from the start of the load.
    due: Duration,
    pusher: Option<Pusher>,
    /// The task that pushes while the load runs. A slow store must not delay a snapshot.
    task: Option<PushTask>,
}

struct PushTask {
    /// Holds one push. If it is full, the next push is left out, which loses nothing: counts are
    /// cumulative.
    queue: mpsc::Sender<(i64, Vec<SeriesValue>)>,
    handle: JoinHandle<Pusher>,
    last_push_deadline: LastPushDeadline,
}

/// All pushes of a run to its store.
pub(super) struct StorePushes {
    pub(super) url: String,
    pub(super) pushes: Pushes,
}

#[derive(Debug, thiserror::Error)]
pub(super) enum PushScheduleError {
    #[error("the store does not accept metrics, so no load was run: {0}")]
    Refused(PushError),
    #[error("the task that pushes metrics panicked: {0}")]
    Panicked(#[from] JoinError),
    #[error("the store has no task that pushes to it")]
    NoPusher,
}

impl PushSchedule {
    pub(super) fn new(
        client: Client,
        run_clock: RunClock,
        interval: Duration,
        to_series: impl Fn(&Snapshot) -> Vec<SeriesValue> + Send + 'static,
    ) -> Self {
        let pusher = Some(Pusher::new(client));
        Self { run_clock, to_series: Box::new(to_series), interval, due: interval, pusher, task: None }
    }

    /// Pushes the zeros that every series starts from. It fails only if the store rejects metrics
    /// for good: a load without metrics would be of no use.
    pub(super) async fn begin(&mut self, empty: &Snapshot) -> Result<(), PushScheduleError> {
        let Some(mut pusher) = self.pusher.take() else { return Ok(()) };
        match pusher.push(unix_ms(self.run_clock.time_of_day()), (self.to_series)(empty)).await {
            Err(error) if !error.is_temporary() => {
                self.pusher = Some(pusher);
                Err(PushScheduleError::Refused(error))
            }
            // A temporary error is retried with the next push.
            Ok(()) | Err(_) => {
                self.start(pusher);
                Ok(())
            }
        }
    }

    fn start(&mut self, mut pusher: Pusher) {
        let (queue, mut due) = mpsc::channel::<(i64, Vec<SeriesValue>)>(1);
        let last_push_deadline = pusher.last_push_deadline();
        let handle = tokio::spawn(async move {
            while let Some((at, series)) = due.recv().await {
                // The pusher keeps the error, and the run judges it at its end.
                drop(pusher.push(at, series).await);
            }
            pusher
        });
        self.task = Some(PushTask { queue, handle, last_push_deadline });
    }

    /// Pushes a snapshot if one is due.
    pub(super) fn offer(&mut self, elapsed: Duration, snapshot: &Snapshot) {
        if elapsed < self.due {
            return;
        }
        while self.due <= elapsed {
            self.due += self.interval;
        }
        if let Some(task) = &self.task {
            let push = (unix_ms(self.run_clock.time_of_day()), (self.to_series)(snapshot));
            // If the queue is full, the store is slow, and this push is left out.
            drop(task.queue.try_send(push));
        }
    }

    /// Pushes the final counts. `show` prints that the run waits for the store.
    pub(super) async fn finish(self, last: &Snapshot, show: &dyn Fn(&str)) -> Result<StorePushes, PushScheduleError> {
        let series = (self.to_series)(last);
        let pusher = match self.task {
            Some(PushTask { queue, handle, last_push_deadline }) => {
                drop(queue);
                last_push_deadline.set_deadline();
                Some(handle.await?)
            }
            None => self.pusher,
        };
        let Some(pusher) = pusher else { return Err(PushScheduleError::NoPusher) };
        let url = pusher.shown();
        Ok(StorePushes { url, pushes: pusher.finish(unix_ms(self.run_clock.time_of_day()), series, show).await })
    }
}
