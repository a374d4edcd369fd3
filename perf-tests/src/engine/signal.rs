//! Ctrl-C and its like: the first ends the run in an orderly way, the second at once.

use std::io;
use std::process;

use monitoring::run::ExitCode;
use tokio::sync::watch;

/// Signals to this process.
pub(crate) struct Signals(watch::Receiver<u32>);

impl Signals {
    /// Listens from now on.
    ///
    /// # Errors
    /// If the system does not let us.
    pub(crate) fn listen() -> io::Result<Self> {
        let (count, receiver) = watch::channel(0);
        let mut source = Source::new()?;
        tokio::spawn(async move {
            loop {
                source.next().await;
                count.send_modify(|count| *count += 1);
                if *count.borrow() > 1 {
                    process::exit(ExitCode::Interrupted.code().into());
                }
            }
        });
        Ok(Self(receiver))
    }

    /// Whether one has come.
    pub(crate) fn came(&self) -> bool {
        *self.0.borrow() > 0
    }

    /// Waits for one, or returns at once if it has come already.
    pub(crate) async fn next(&mut self) {
        // The sender lives as long as the runtime.
        let _ = self.0.wait_for(|count| *count > 0).await;
    }
}

#[cfg(unix)]
struct Source(tokio::signal::unix::Signal, tokio::signal::unix::Signal);

#[cfg(unix)]
impl Source {
    fn new() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self(signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?))
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.0.recv() => {}
            _ = self.1.recv() => {}
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
        // An error means that no signal can be received; then none will.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
