//! `cargo xtask codegen`: writes the generated files, or
//! checks that the committed ones are up to date.

use perf_report::exit_code::ExitCode;

use crate::generated_files;
use crate::host::terminal::{print_error, print_line};
use crate::host::workspace;

#[derive(Debug, clap::Args)]
pub(crate) struct CodegenArgs {
    /// Only check that generated files are up to date
    ///
    /// Fails if a file differs, is missing, or is not generated any more.
    #[arg(long)]
    pub(super) check: bool,
}

/// Writes all files and removes leftovers, or checks and fails on any difference.
pub(crate) fn run(args: &CodegenArgs) -> anyhow::Result<ExitCode> {
    let differences = generated_files::differences(&workspace::root())?;
    if args.check {
        if !differences.is_empty() {
            print_error("generated files are out of date: run cargo xtask codegen and commit the changes");
            differences.iter().for_each(|difference| eprintln!("  {difference}"));
            return Ok(ExitCode::BadConfiguration);
        }
        print_line("generated files are up to date");
        return Ok(ExitCode::Met);
    }
    generated_files::write(&workspace::root())?;
    differences.iter().for_each(|difference| print_line(&difference.describe_written()));
    print_line(&format!("all {} generated files are up to date now", generated_files::generated_files()?.len()));
    Ok(ExitCode::Met)
}
