//! Ctrl-C and its like: the first ends the run in an orderly way, the second at once.

use std::io;
use std::process;
use std::thread;

use perf_report::exit_code::ExitCode;
use tokio::sync::watch;

/// Signals to this process.
pub(crate) struct Signals(watch::Receiver<u32>);

impl Signals {
    /// Listens from now on. With `until_stdin_closes`, the end of standard input counts as a signal: whoever holds its
    /// other end is gone.
    ///
    /// # Errors
    /// If the system does not let us.
    pub(crate) fn listen(until_stdin_closes: bool) -> io::Result<Self> {
        let (count, receiver) = watch::channel(0);
        if until_stdin_closes {
            let count = count.clone();
            // A thread of its own, since a read of standard input cannot be cancelled and must not hold up an exit.
            thread::Builder::new().name("stdin".to_owned()).spawn(move || {
                // An error means that it is gone as well.
                let _ = io::copy(&mut io::stdin(), &mut io::sink());
                count.send_modify(|count| *count += 1);
            })?;
        }
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
        // An error means that no signal can be received; then none will.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
