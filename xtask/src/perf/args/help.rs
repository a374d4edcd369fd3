//! The end of the help: variables that have no flag, and exit codes.

use perf_report::exit_code::ExitCode;
use perf_settings::all_settings;

use super::CI;
use crate::host::terminal::NO_COLOR;
use crate::stack::docker_host::NETWORK;
use crate::stack::{GRAFANA_VAR, PROMETHEUS_VAR};

/// The exit codes of the command, with the precedence of each.
pub(super) fn describe_exit_codes() -> String {
    let mut codes = ExitCode::RANKED;
    // Internal errors should not happen.
    codes.sort_by_key(|exit| (*exit == ExitCode::Internal, exit.code()));
    let line = |exit: ExitCode| format!("  {:<5}{}\n", exit.code(), exit.explain());
    let lines: String = codes.into_iter().map(line).collect();
    let failures = ExitCode::RANKED.into_iter().filter(|exit| *exit != ExitCode::Met);
    let ranked: Vec<_> = failures.map(|exit| exit.code().to_string()).collect();
    format!("Exit codes:\n{lines}If several apply, the first of these is used: {}.", ranked.join(", "))
}

/// The variables that have no flag, for the end of `--help`: those of settings, and others.
pub(super) fn describe_variables() -> String {
    let settings = all_settings().filter(|setting| setting.flag.is_none());
    let settings = settings.map(|setting| (setting.variables.join(", "), setting.full_help()));
    let others = [
        (
            format!("{PROMETHEUS_VAR}, {GRAFANA_VAR}"),
            "Container images to use instead of the default ones, for example from a mirror".to_owned(),
        ),
        (NETWORK.to_owned(), "Container network, host or bridge [default: try host, then bridge]".to_owned()),
        (CI.to_owned(), "If set: do not start Grafana, and stop the stack after the run".to_owned()),
        (NO_COLOR.to_owned(), "If set: print no color".to_owned()),
    ];
    let lines: Vec<_> = settings.chain(others).map(|(names, help)| format!("  {names}\n          {help}")).collect();
    lines.join("\n")
}
