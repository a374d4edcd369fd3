//! `cargo xtask completions`: commands and flags for a shell to complete.
//!
//! The shell completes the program `xtask`; cargo's own alias is beyond its reach.

use std::io::stdout;

use clap::Command;
use clap_complete::{Shell, generate};
use perf_report::exit_code::ExitCode;

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
    generate(args.shell, command, "xtask", &mut stdout());
    Ok(ExitCode::Met)
}
