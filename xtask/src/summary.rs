//! What stands on the terminal when a run is over: the table, where to look, and the exit code in words.

use std::io::{IsTerminal as _, Write as _, stdout};
use std::path::Path;

use dashboards::multiplayer;
use monitoring::comparison::{self, Comparison};
use monitoring::judgement::Report;
use monitoring::run::ExitCode;
use monitoring::table;
use url::Url;

use crate::workspace;

/// Prints a run's result.
pub(crate) fn print(report: &Report, path: &Path, grafana: Option<&Url>) {
    let colour = stdout().is_terminal() && workspace::var("NO_COLOR").is_none();
    let link = grafana.and_then(|grafana| dashboard_link(grafana, report));
    let link = link.map(|link| format!("dashboard  {link}\n")).unwrap_or_default();
    say(&format!("\n{}\n\n{link}report     {}", table::render(report, colour), path.display()));
}

/// Prints what a comparison came to.
pub(crate) fn print_comparison(compared: &Comparison, path: &Path) {
    let colour = stdout().is_terminal() && workspace::var("NO_COLOR").is_none();
    say(&format!("\n{}\n\ncomparison {}", comparison::render(compared, colour), path.display()));
}

/// The last line of a command: its exit code, and what that says.
pub(crate) fn print_code(code: ExitCode) {
    let words = match code {
        ExitCode::Met => "every objective that gates was met",
        ExitCode::Internal => "internal error",
        ExitCode::Inconclusive => "inconclusive: this run proves nothing either way",
        ExitCode::Regressed => "worse than the baseline",
        ExitCode::ProofFailed => "the monitoring was not shown to work",
        ExitCode::Missed => "an objective was missed",
        ExitCode::BadConfiguration => "bad configuration",
        ExitCode::Interrupted => "interrupted",
    };
    say(&format!("exit {}    {words}", code.code()));
}

/// Prints a line. Fails only if nobody reads any more, which is no reason to leave a stack behind.
pub(crate) fn say(text: &str) {
    let _ = writeln!(stdout(), "{text}");
}

/// The dashboard with this run chosen and its window set: from a moment before it to its very end, where panels of one
/// value look back from.
pub(crate) fn dashboard_link(grafana: &Url, report: &Report) -> Option<Url> {
    let uid = multiplayer::uid(&report.service);
    let mut link = grafana.join(&format!("d/{uid}")).ok()?;
    // People's browsers know the name, and a session's cookie goes with it.
    link.set_host(Some("localhost")).ok()?;
    let (from, to) = window(report);
    link.query_pairs_mut()
        .append_pair("from", &from.to_string())
        .append_pair("to", &to.to_string())
        .append_pair("var-testid", &report.testid)
        .append_pair("var-scenario", &report.scenario);
    Some(link)
}

/// From when to when a run is looked at, Unix milliseconds.
pub(crate) fn window(report: &Report) -> (i64, i64) {
    const MARGIN_MS: i64 = 5_000;
    (report.started_unix_ms - MARGIN_MS, report.series_end_unix_ms())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_link_is_set_to_the_run() {
        let report: Report = serde_json::from_str(include_str!("../../monitoring/tests/report.json")).unwrap();
        let link = dashboard_link(&Url::parse("http://127.0.0.1:3001/").unwrap(), &report).unwrap();
        let query = "from=1795411852600&to=1795411888137&var-testid=20261123-053057-basic-df39&var-scenario=basic";
        assert_eq!(link.as_str(), format!("http://localhost:3001/d/stock-ai-multiplayer?{query}"));
    }
}
