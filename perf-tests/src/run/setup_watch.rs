//! Ends the process if setup does not let the thread of the run end it in order after a signal.

use std::io::{self, Write as _};
use std::process;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use perf_report::outcome::Outcome;
use perf_settings::OutcomePlace;

use super::RunError;
use crate::signals::SetupEnd;
use crate::{evidence, terminal};

/// Whether setup is running, and where the outcome goes.
#[derive(Debug, Clone)]
pub(super) struct SetupWatch {
    is_running: Arc<AtomicBool>,
    place: Option<OutcomePlace>,
}

impl SetupWatch {
    pub(super) fn new(place: Option<OutcomePlace>) -> Self {
        Self { is_running: Arc::default(), place }
    }

    pub(super) fn set_running(&self, is_running: bool) {
        self.is_running.store(is_running, Ordering::Relaxed);
    }

    /// Ends the process if setup is running.
    pub(super) fn end_if_running(&self, why: SetupEnd) {
        if !self.is_running.load(Ordering::Relaxed) {
            return;
        }
        let error = match why {
            SetupEnd::Blocked => RunError::SetupBlocked,
            SetupEnd::SecondSignal => RunError::Interrupted,
        };
        let (code, message) = (error.code(), error.to_string());
        let outcome = Outcome::Failed { code, message: message.clone() };
        if self.place.as_ref().is_none_or(|place| evidence::write_outcome(place, outcome).is_err()) {
            // Not `eprintln`, which Rust's test harness captures and loses when the process exits.
            // If this fails, too, the exit code remains.
            let text = terminal::style().wrap(&format!("{}: {message}", code.describe_stop()));
            let _ = writeln!(io::stderr(), "{text}");
        }
        process::exit(code.code().into());
    }
}
