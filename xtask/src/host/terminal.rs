//! The terminal's output at the end of a run: the table, links to files, and the exit code.

use std::io::{IsTerminal as _, Write as _, stdout};
use std::path::Path;

use monitoring::sanitize::sanitize;
use perf_report::Report;
use perf_report::comparison::Comparison;
use perf_report::exit_code::ExitCode;
use perf_report::render::files;
use perf_report::render::terminal::{RunResult, TerminalStyle, render_comparison, render_result, render_runs};

use crate::host::workspace;

/// The variable that turns colors off, <https://no-color.org>.
pub(crate) const NO_COLOR: &str = "NO_COLOR";

/// Limits on the width of text, in columns. Text outside of them is hard to read.
const MIN_WIDTH: usize = 40;
const MAX_WIDTH: usize = 200;

/// Prints a run's result: headline, table, details, and the path of the report.
pub(crate) fn print_run(result: &RunResult<'_>) {
    print_line(&render_result(result, style()));
}

pub(crate) fn print_runs(reports: &[Report]) {
    print_line(&render_runs(reports, style()));
}

/// Prints a comparison, and the path of its report, which is beside `path`.
pub(crate) fn print_comparison(compared: &Comparison, path: &Path) {
    let path = path.with_file_name(files::HTML);
    print_line(&format!("\n{}\n\nreport     {}", render_comparison(compared, style()), path.display()));
}

/// The abilities of the terminal on standard output. A file or a pipe gets plain text of 200
/// columns.
fn style() -> TerminalStyle {
    let is_terminal = stdout().is_terminal();
    let width = workspace::var("COLUMNS").and_then(|columns| columns.parse().ok());
    let width = width.or_else(|| columns().filter(|_| is_terminal)).unwrap_or(TerminalStyle::PLAIN.width);
    let color = is_terminal && workspace::var(NO_COLOR).is_none();
    TerminalStyle { width: width.clamp(MIN_WIDTH, MAX_WIDTH), color, unicode: is_unicode() }
}

/// The width of the terminal, in columns.
#[cfg(unix)]
fn columns() -> Option<usize> {
    let columns = rustix::termios::tcgetwinsize(stdout()).ok()?.ws_col;
    (columns > 0).then_some(columns.into())
}

#[cfg(not(unix))]
fn columns() -> Option<usize> {
    None
}

/// Whether the locale has more than ASCII (POSIX, section 8.2). The first variable that is set
/// decides. If none is set, UTF-8 is assumed, which most terminals show.
fn is_unicode() -> bool {
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(workspace::var);
    !locale.is_some_and(|locale| matches!(locale.as_str(), "C" | "POSIX"))
}

/// Prints the last lines of a command: the verdict of each run, then the exit code and its meaning.
/// A single verdict already names the exit code.
pub(crate) fn print_code(code: ExitCode, verdicts: &[String]) {
    verdicts.iter().for_each(|verdict| print_line(verdict));
    if verdicts.len() != 1 {
        print_line(&format!("exit {}: {}", code.code(), code.describe()));
    }
}

/// Prints the error of a command that gives no verdict.
pub(crate) fn print_error(cause: &str) {
    print_note(&stop_line(None, cause));
}

/// Prints why a command gives this verdict and no report.
pub(crate) fn print_stop(verdict: &str, cause: &str) {
    print_note(&stop_line(Some(verdict), cause));
}

/// The first line of a command that ends without a result. It says the cause, in one of two forms:
///
/// - `VERDICT: CAUSE` if the command judges runs (`perf`, `merge`, a scenario). The verdict has the
///   exit code, and the last line of the command repeats it.
/// - `error: CAUSE` otherwise.
fn stop_line(verdict: Option<&str>, cause: &str) -> String {
    format!("{}: {cause}", verdict.unwrap_or("error"))
}

/// Prints a line, which may quote text from outside, on standard error.
pub(crate) fn print_note(message: &str) {
    eprintln!("{}", style().wrap(&sanitize(message)));
}

/// Prints text on standard output, and breaks lines that are wider than the terminal.
pub(crate) fn print_wrapped(text: &str) {
    print_line(&style().wrap(text));
}

/// Prints a line on standard output. Ignores errors: if a pipe is closed, the command must still
/// stop its stack.
pub(crate) fn print_line(text: &str) {
    let _ = writeln!(stdout(), "{}", style().fit(text));
}

#[cfg(test)]
mod tests;
