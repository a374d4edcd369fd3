//! What stands on the terminal when a run is over: the table, where to look, and the exit code in words.

use std::io::{IsTerminal as _, Write as _, stdout};
use std::path::Path;

use monitoring::sanitize::sanitize;
use perf_report::Report;
use perf_report::comparison::Comparison;
use perf_report::exit_code::ExitCode;
use perf_report::render::files;
use perf_report::render::terminal::{render_comparison, render_run};
use url::Url;

use crate::dashboard_link::dashboard_link;
use crate::workspace;

/// Prints a run's result.
pub(crate) fn print(report: &Report, path: &Path, grafana: Option<&Url>) {
    let link = grafana.and_then(|grafana| dashboard_link(grafana, report));
    let link = link.map(|link| format!("dashboard  {link}\n")).unwrap_or_default();
    let page = path.with_file_name(files::HTML);
    say(&format!("\n{}\n\n{link}report     {}", render_run(report, has_color()), page.display()));
}

/// Prints what a comparison came to, which is beside that file.
pub(crate) fn print_comparison(compared: &Comparison, path: &Path) {
    let path = path.with_file_name(files::COMPARISON);
    say(&format!("\n{}\n\ncomparison {}", render_comparison(compared, has_color()), path.display()));
}

fn has_color() -> bool {
    stdout().is_terminal() && workspace::var("NO_COLOR").is_none()
}

/// The last line of a command: its exit code, and what that says.
pub(crate) fn print_code(code: ExitCode) {
    say(&format!("exit {}    {}", code.code(), code.describe()));
}

/// Prints why a command is refused, and gives its exit code.
pub(crate) fn refuse(why: impl std::fmt::Display) -> ExitCode {
    eprintln!("error: {}", sanitize(&format!("{why:#}")));
    ExitCode::BadConfiguration
}

/// Prints a line. Fails only if nobody reads any more, which is no reason to leave a stack behind.
pub(crate) fn say(text: &str) {
    let _ = writeln!(stdout(), "{text}");
}
