//! Ctrl-C and similar signals. The first ends the run in order; the second ends the process at
//! once.

use std::io;
use std::process;
use std::thread;

use perf_report::exit_code::ExitCode;
use tokio::sync::watch;

/// Counts the signals to this process.
pub(crate) struct Signals(watch::Receiver<u32>);

impl Signals {
    /// Starts listening. With `until_stdin_closes`, the end of standard input counts as a signal:
    /// the process that holds its other end has ended.
    ///
    /// # Errors
    /// If the system refuses a signal handler or a thread.
    pub(crate) fn listen(until_stdin_closes: bool) -> io::Result<Self> {
        let (count, receiver) = watch::channel(0);
        if until_stdin_closes {
            let count = count.clone();
            // A separate thread, since a read of standard input cannot be canceled and must not
            // delay an exit.
            thread::Builder::new().name("stdin".to_owned()).spawn(move || {
                // After an error, standard input is gone as well.
                let _ = io::copy(&mut io::stdin(), &mut io::sink());
                count.send_modify(|count| *count += 1);
            })?;
        }
        perf_host::signals::count_into(count, |number| {
            if number > 1 {
                process::exit(ExitCode::Interrupted.code().into());
            }
        })?;
        Ok(Self(receiver))
    }

    /// Signals that another process sends by a message.
    pub(crate) fn remote() -> (watch::Sender<u32>, Self) {
        let (count, receiver) = watch::channel(0);
        (count, Self(receiver))
    }

    /// Whether a signal has arrived.
    pub(crate) fn is_interrupted(&self) -> bool {
        *self.0.borrow() > 0
    }

    /// Waits for a signal. Returns at once if one has arrived already.
    pub(crate) async fn next(&mut self) {
        // The sender lives as long as the runtime.
        let _ = self.0.wait_for(|count| *count > 0).await;
    }
}
