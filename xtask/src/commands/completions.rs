//! `cargo xtask completions`: commands and flags for a shell to complete.
//!
//! The shell completes the program `xtask`; cargo's own alias is beyond its reach.

use clap::Command;
use clap_complete::{Shell, generate};
use perf_report::exit_code::ExitCode;

use crate::terminal::print_line;

/// Which shell.
#[derive(Debug, clap::Args)]
pub(crate) struct CompletionsArgs {
    /// The shell
    shell: Shell,
}

/// Prints the script.
#[expect(clippy::unnecessary_wraps, reason = "as all commands")]
pub(crate) fn run(args: &CompletionsArgs, command: &mut Command) -> anyhow::Result<ExitCode> {
    command.set_bin_name("xtask");
    let mut script = Vec::new();
    generate(args.shell, command, "xtask", &mut script);
    print_line(String::from_utf8_lossy(&script).trim_end());
    Ok(ExitCode::Met)
}
