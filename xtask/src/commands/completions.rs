//! `cargo xtask completions`: commands and flags for a shell to complete.
//!
//! A shell completes the word `xtask` as a program of its own. A few lines for each shell make it
//! complete `cargo xtask`, too.

use clap::Command;
use clap_complete::{Shell, generate};
use perf_report::exit_code::ExitCode;

use crate::host::terminal::print_line;

/// Cargo's own completion stays in use for every other command. It is loaded first, because bash
/// loads it only if nothing else completes `cargo`.
const BASH: &str = r#"
declare -F _comp_load >/dev/null && _comp_load cargo
declare -F _completion_loader >/dev/null && _completion_loader cargo
_cargo_or_xtask() {
    if [[ ${COMP_WORDS[1]} == xtask && $COMP_CWORD -gt 1 ]]; then
        COMP_WORDS=("${COMP_WORDS[@]:1}")
        COMP_CWORD=$((COMP_CWORD - 1))
        _xtask xtask "$2" "$3"
    elif declare -F _cargo >/dev/null; then
        _cargo "$@"
    fi
}
complete -F _cargo_or_xtask -o bashdefault -o default cargo"#;

/// Cargo's own completion calls a function of this name.
const ZSH: &str = r#"
_cargo-xtask() { _xtask "$@" }"#;

const FISH: &str = r#"
complete -c cargo -n '__fish_seen_subcommand_from xtask' -f \
    -a '(complete -C (commandline -cp | string replace -r "^\s*cargo\s+" ""))'"#;

/// The shell of the script.
#[derive(Debug, clap::Args)]
pub(crate) struct CompletionsArgs {
    /// Shell that runs the script
    shell: Shell,
}

pub(crate) fn run(args: &CompletionsArgs, command: &mut Command) -> ExitCode {
    command.set_bin_name("xtask");
    let mut script = Vec::new();
    generate(args.shell, command, "xtask", &mut script);
    print_line(String::from_utf8_lossy(&script).trim_end());
    match args.shell {
        Shell::Bash => print_line(BASH),
        Shell::Zsh => print_line(ZSH),
        Shell::Fish => print_line(FISH),
        // Their completions of `cargo` cannot be extended.
        _ => {}
    }
    ExitCode::Met
}
