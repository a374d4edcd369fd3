//! Everything that a command prints about a finished run.

use super::super::below_headline::beside;
use super::comparison::{render_below, render_details};
use super::{TerminalStyle, render_run};
use crate::Report;
use crate::comparison::Comparison;
use crate::headline::{Headline, is_about_comparison};

/// A run's result, and everything that is printed below it.
#[derive(Debug, Clone, Copy)]
pub struct RunResult<'a> {
    /// Run with its final exit code.
    pub report: &'a Report,
    /// The checks of the proof, if it ran.
    pub proof: Option<&'a str>,
    /// The comparison with a baseline, if there is one.
    pub compared: Option<&'a Comparison>,
    /// The URL of the run's dashboard, if Grafana runs.
    pub dashboard: Option<&'a str>,
    /// Path of `report.html`, as it is printed.
    pub html: &'a str,
}

/// Renders the run, the proof, the comparison, and where to read more. It begins with an empty
/// line, which parts it from the progress.
pub fn render_result(result: &RunResult<'_>, style: TerminalStyle) -> String {
    let mut text = format!("\n{}\n", render_run(&beside(result.report, result.compared), style));
    if let Some(proof) = result.proof {
        text.push_str(&format!("\n{}\n", style.wrap(proof)));
    }
    if let Some(compared) = result.compared {
        let part = match is_about_comparison(result.report) {
            true => render_details(compared, style),
            false => render_below(&Headline::for_baseline(compared), compared, style),
        };
        text.push_str(&format!("\n{part}\n"));
    }
    let dashboard = result.dashboard.map(|link| format!("dashboard  {link}\n")).unwrap_or_default();
    format!("{text}\n{dashboard}report     {}", result.html)
}
