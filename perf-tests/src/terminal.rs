//! Lines that a run prints on standard error, broken at the width of the terminal.

use std::io::{IsTerminal as _, stderr};

use perf_report::render::terminal::TerminalStyle;
use perf_settings::Settings;

use crate::env_variables;

/// Limits on the width of text, in columns. Text outside of them is hard to read.
const MIN_WIDTH: usize = 40;
const MAX_WIDTH: usize = 200;

/// Lines about a run under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Notes {
    Printed,
    /// `--quiet` is set, or another process prints them.
    Suppressed,
}

impl Notes {
    pub(crate) const fn new(settings: &Settings) -> Self {
        if settings.quiet { Self::Suppressed } else { Self::Printed }
    }

    pub(crate) fn print(self, text: &str) {
        if self == Self::Printed {
            print_wrapped(text);
        }
    }
}

pub(crate) fn print_wrapped(text: &str) {
    eprintln!("{}", style().wrap(text));
}

/// Plain text, as wide as `COLUMNS` or the terminal. A file or a pipe gets 200 columns.
pub(crate) fn style() -> TerminalStyle {
    let given = env_variables::variable("COLUMNS").and_then(|columns| columns.parse().ok());
    let width = given.or_else(|| columns().filter(|_| stderr().is_terminal()));
    let width = width.unwrap_or(TerminalStyle::PLAIN.width).clamp(MIN_WIDTH, MAX_WIDTH);
    TerminalStyle { width, ..TerminalStyle::PLAIN }
}

/// The width of the terminal, in columns.
#[cfg(target_os = "linux")]
fn columns() -> Option<usize> {
    let columns = rustix::termios::tcgetwinsize(stderr()).ok()?.ws_col;
    (columns > 0).then_some(columns.into())
}

#[cfg(not(target_os = "linux"))]
const fn columns() -> Option<usize> {
    None
}
