//! Ctrl-C and similar signals. The first ends the run in order; the second ends the process at
//! once.

use std::io;
use std::process;
use std::thread;
use std::time::Duration;

use perf_host::signals::{Signals, count_into};
use perf_report::exit_code::ExitCode;
use tokio::runtime::Builder;
use tokio::time;

/// Time for the run to notice a signal.
const PATIENCE: Duration = Duration::from_secs(5);

/// Why a setup that is still running ends the process after a signal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SetupEnd {
    /// The run has had time to notice the signal, so setup blocks its thread.
    Blocked,
    SecondSignal,
}

/// Counts signals to this process. With `until_stdin_closes`, the end of standard input counts as a
/// signal: the process that holds its other end has ended.
///
/// `end_in_setup` is called 5 s after a signal, and before the second ends the process. It ends the
/// process if setup is still running.
pub(crate) fn listen(
    until_stdin_closes: bool,
    end_in_setup: impl Fn(SetupEnd) + Clone + Send + 'static,
) -> io::Result<Signals> {
    let (count, signals) = Signals::from_sender();
    if until_stdin_closes {
        let (count, end_in_setup) = (count.clone(), end_in_setup.clone());
        // A separate thread, since a read of standard input cannot be canceled and must not
        // delay an exit.
        thread::Builder::new().name("stdin".to_owned()).spawn(move || {
            // After an error, standard input is gone as well.
            let _ = io::copy(&mut io::stdin(), &mut io::sink());
            count.send_modify(|count| *count += 1);
            thread::sleep(PATIENCE);
            end_in_setup(SetupEnd::Blocked);
        })?;
    }
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let (handle, listened) = (runtime.handle().clone(), count.clone());
    // A separate thread, since the scenario's setup may block the thread of the run.
    thread::Builder::new().name("signals".to_owned()).spawn(move || runtime.block_on(listened.closed()))?;
    let _entered = handle.enter();
    count_into(count, move |number| {
        if number > 1 {
            end_in_setup(SetupEnd::SecondSignal);
            process::exit(ExitCode::Interrupted.code().into());
        }
        let end_in_setup = end_in_setup.clone();
        tokio::spawn(async move {
            time::sleep(PATIENCE).await;
            end_in_setup(SetupEnd::Blocked);
        });
    })?;
    Ok(signals)
}
