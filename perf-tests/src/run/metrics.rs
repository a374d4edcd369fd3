//! Snapshots on their way to the store, by one push clock, without ever holding up the load.

use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::clock::{Epoch, unix_ms};
use crate::measure::Snapshot;
use crate::remote_write::{Client, GiveUp, Pusher, Pushes, SeriesValue};

type ToSeries = dyn Fn(&Snapshot) -> Vec<SeriesValue> + Send;

/// A run's metrics; nothing at all if it has no store.
pub(super) struct Metrics(Option<Active>);

struct Active {
    epoch: Epoch,
    to_series: Box<ToSeries>,
    interval: Duration,
    /// When the next push is due, from the start of the load.
    due: Duration,
    pusher: Option<Pusher>,
    /// Pushes on a task of its own while the load runs: a slow store must not delay a snapshot.
    running: Option<Running>,
}

struct Running {
    /// Holds one push. If the store has not even taken that, the next is left out: counts are cumulative.
    queue: mpsc::Sender<(i64, Vec<SeriesValue>)>,
    task: JoinHandle<Pusher>,
    give_up: GiveUp,
}

impl Metrics {
    pub(super) const fn none() -> Self {
        Self(None)
    }

    pub(super) fn to(
        client: Client,
        epoch: Epoch,
        interval: Duration,
        to_series: impl Fn(&Snapshot) -> Vec<SeriesValue> + Send + 'static,
    ) -> Self {
        let pusher = Some(Pusher::new(client));
        Self(Some(Active { epoch, to_series: Box::new(to_series), interval, due: interval, pusher, running: None }))
    }

    /// Pushes the zeros that every series starts from. An error if the store will never take metrics: then there is
    /// no use in loading the target.
    pub(super) async fn begin(&mut self, nothing: &Snapshot) -> Result<(), String> {
        let Some(active) = &mut self.0 else { return Ok(()) };
        let Some(mut pusher) = active.pusher.take() else { return Ok(()) };
        match pusher.push(unix_ms(active.epoch.wall()), (active.to_series)(nothing)).await {
            Err(error) if !error.is_passing() => {
                active.pusher = Some(pusher);
                Err(format!("the store does not take metrics, so nothing was run: {error}"))
            }
            // What passes is tried again with the next push.
            Ok(()) | Err(_) => {
                active.run(pusher);
                Ok(())
            }
        }
    }

    /// Pushes a snapshot if one is due.
    pub(super) fn offer(&mut self, elapsed: Duration, snapshot: Snapshot) {
        let Some(active) = &mut self.0 else { return };
        if elapsed < active.due {
            return;
        }
        while active.due <= elapsed {
            active.due += active.interval;
        }
        if let Some(running) = &active.running {
            let push = (unix_ms(active.epoch.wall()), (active.to_series)(&snapshot));
            // Full: the store is slow, and this push is left out.
            drop(running.queue.try_send(push));
        }
    }

    /// Pushes the final counts and says what became of it all; none if there is no store.
    ///
    /// # Errors
    /// If the task that pushes has panicked.
    pub(super) async fn finish(self, last: &Snapshot) -> Result<Option<(String, Pushes)>, String> {
        let Some(active) = self.0 else { return Ok(None) };
        let series = (active.to_series)(last);
        let pusher = match active.running {
            Some(Running { queue, task, give_up }) => {
                drop(queue);
                give_up.soon();
                Some(task.await.map_err(|error| format!("pushing metrics ended in a panic: {error}"))?)
            }
            None => active.pusher,
        };
        let Some(pusher) = pusher else { return Err("there is a store and nothing that pushes to it".to_owned()) };
        let url = pusher.shown();
        Ok(Some((url, pusher.finish(unix_ms(active.epoch.wall()), series).await)))
    }
}

impl Active {
    fn run(&mut self, mut pusher: Pusher) {
        let (queue, mut due) = mpsc::channel::<(i64, Vec<SeriesValue>)>(1);
        let give_up = pusher.give_up();
        let task = tokio::spawn(async move {
            while let Some((at, series)) = due.recv().await {
                // Remembered by the pusher, and judged when the run is over.
                drop(pusher.push(at, series).await);
            }
            pusher
        });
        self.running = Some(Running { queue, task, give_up });
    }
}
