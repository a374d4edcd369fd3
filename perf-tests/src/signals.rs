//! Ctrl-C and similar signals. The first ends the run in order; the second ends the process at
//! once.

use std::io;
use std::process;
use std::thread;

use perf_host::signals::{Signals, count_into};
use perf_report::exit_code::ExitCode;

/// Counts signals to this process. With `until_stdin_closes`, the end of standard input counts as a
/// signal: the process that holds its other end has ended.
pub(crate) fn listen(until_stdin_closes: bool) -> io::Result<Signals> {
    let (count, signals) = Signals::from_sender();
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
    count_into(count, |number| {
        if number > 1 {
            process::exit(ExitCode::Interrupted.code().into());
        }
    })?;
    Ok(signals)
}
