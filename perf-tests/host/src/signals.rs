//! Signals that request the end of this process.

use std::io;

use tokio::sync::watch;

/// The number of signals so far: SIGINT, SIGTERM and SIGHUP, or Ctrl-C on Windows.
#[derive(Debug, Clone)]
pub struct Signals(watch::Receiver<u32>);

impl Signals {
    /// Counts signals to this process while the tokio runtime lives.
    ///
    /// # Errors
    /// If the system refuses a signal handler.
    pub fn count() -> io::Result<Self> {
        let (count, signals) = Self::from_sender();
        count_into(count, |_| ())?;
        Ok(signals)
    }

    /// Signals that the owner of the sender counts.
    pub fn from_sender() -> (watch::Sender<u32>, Self) {
        let (count, receiver) = watch::channel(0);
        (count, Self(receiver))
    }

    /// The number of signals so far.
    pub fn number(&self) -> u32 {
        *self.0.borrow()
    }

    /// Whether a signal has arrived.
    pub fn is_interrupted(&self) -> bool {
        self.number() > 0
    }

    /// Waits for the first signal. Returns at once if it has arrived already.
    pub async fn interrupted(&mut self) {
        self.more_than(0).await;
    }

    /// Waits until more than this number of signals have arrived.
    pub async fn more_than(&mut self, number: u32) {
        // The sender lives as long as the runtime.
        let _ = self.0.wait_for(|count| *count > number).await;
    }
}

/// Adds signals to a count that also has other sources, and calls `then` with the new number.
///
/// # Errors
/// If the system refuses a signal handler.
pub fn count_into(count: watch::Sender<u32>, then: impl Fn(u32) + Send + 'static) -> io::Result<()> {
    let mut source = Source::new()?;
    tokio::spawn(async move {
        loop {
            source.next().await;
            count.send_modify(|count| *count += 1);
            then(*count.borrow());
        }
    });
    Ok(())
}

#[cfg(unix)]
struct Source([tokio::signal::unix::Signal; 3]);

#[cfg(unix)]
impl Source {
    fn new() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        let kinds = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()];
        let [interrupt, terminate, hangup] = kinds.map(signal);
        Ok(Self([interrupt?, terminate?, hangup?]))
    }

    async fn next(&mut self) {
        let [interrupt, terminate, hangup] = &mut self.0;
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            _ = hangup.recv() => {}
        }
    }
}

#[cfg(not(unix))]
struct Source;

#[cfg(not(unix))]
impl Source {
    fn new() -> io::Result<Self> {
        Ok(Self)
    }

    async fn next(&mut self) {
        // After an error no signal can be received, so wait forever.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
