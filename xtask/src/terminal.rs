//! What stands on the terminal when a run is over: the table, where to look, and the exit code in words.

use std::io::{IsTerminal as _, Write as _, stdout};
use std::path::Path;

use monitoring::comparison::{self, Comparison};
use monitoring::judgement::Report;
use monitoring::plain::plain;
use monitoring::run::ExitCode;
use monitoring::{pages, table};
use url::Url;

use crate::dashboard_link::dashboard_link;
use crate::workspace;

/// Prints a run's result.
pub(crate) fn print(report: &Report, path: &Path, grafana: Option<&Url>) {
    let colour = stdout().is_terminal() && workspace::var("NO_COLOR").is_none();
    let link = grafana.and_then(|grafana| dashboard_link(grafana, report));
    let link = link.map(|link| format!("dashboard  {link}\n")).unwrap_or_default();
    say(&format!(
        "\n{}\n\n{link}report     {}",
        table::render(report, colour),
        path.with_file_name(pages::HTML).display()
    ));
}

/// Prints what a comparison came to.
pub(crate) fn print_comparison(compared: &Comparison, path: &Path) {
    let colour = stdout().is_terminal() && workspace::var("NO_COLOR").is_none();
    say(&format!("\n{}\n\ncomparison {}", comparison::render(compared, colour), path.display()));
}

/// The last line of a command: its exit code, and what that says.
pub(crate) fn print_code(code: ExitCode) {
    say(&format!("exit {}    {}", code.code(), code.words()));
}

/// Prints why a command is refused, and gives its exit code.
pub(crate) fn refuse(why: impl std::fmt::Display) -> ExitCode {
    eprintln!("error: {}", plain(&format!("{why:#}")));
    ExitCode::BadConfiguration
}

/// Prints a line. Fails only if nobody reads any more, which is no reason to leave a stack behind.
pub(crate) fn say(text: &str) {
    let _ = writeln!(stdout(), "{text}");
}
