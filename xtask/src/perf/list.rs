//! The scenarios of this workspace and their services, for `cargo xtask perf --list`.

use perf_host::signals::Signals;
use perf_settings::{DEFAULT_TARGET, Settings, parse_url};

use super::args::PerfArgs;
use super::child;
use super::perf_error::PerfError;
use super::plan;
use crate::host::terminal;
use crate::scenarios::{Programs, ScenarioTest};

/// Prints each scenario and its service, one a line. The name is the first word, for scripts.
///
/// A dry run of each scenario gives the service. If it fails, the line has only the name, and a
/// note says why.
pub(crate) async fn run(args: &PerfArgs, signals: Signals) -> Result<(), PerfError> {
    let built = plan::build(args.profile(), Programs::Scenarios, &signals)?;
    let scenarios = built.list()?;
    let settings = Settings { quiet: true, ..Settings::new(parse_url(DEFAULT_TARGET)?) };
    let width = width(&scenarios);
    for scenario in &scenarios {
        let planned = child::summarize_plan(&built.generator, scenario, &settings, signals.clone()).await;
        if signals.is_interrupted() {
            return Err(PerfError::Interrupted("interrupted before all scenarios were listed"));
        }
        let service = match planned {
            Ok(planned) => planned.service,
            Err(error) => {
                terminal::print_note(&format!("the service of {} is not known: {error}", scenario.name));
                String::new()
            }
        };
        terminal::print_line(&line(&scenario.name, &service, width));
    }
    Ok(())
}

/// Columns of the longest name.
fn width(scenarios: &[ScenarioTest]) -> usize {
    scenarios.iter().map(|scenario| scenario.name.chars().count()).max().unwrap_or(0)
}

fn line(name: &str, service: &str, width: usize) -> String {
    format!("{name:width$}  {service}").trim_end().to_owned()
}

#[cfg(test)]
mod tests;
