//! `cargo xtask codegen`: writes the generated files, or finds out which differ from what would be written.

use perf_report::exit_code::ExitCode;

use crate::{generated_files, workspace};

/// Whether to write.
#[derive(Debug, clap::Args)]
pub(crate) struct CodegenArgs {
    /// Write nothing; fail if a file differs from what would be written, or should not be there
    #[arg(long)]
    pub(super) check: bool,
}

/// Writes all files and removes leftovers, or only looks and fails on any difference.
pub(crate) fn run(args: &CodegenArgs) -> anyhow::Result<ExitCode> {
    let differences = generated_files::differences(&workspace::root())?;
    if args.check {
        differences.iter().for_each(|difference| eprintln!("{difference}"));
        if !differences.is_empty() {
            eprintln!("run `cargo xtask codegen` and commit what it writes");
            return Ok(ExitCode::BadConfiguration);
        }
        println!("generated files are up to date");
        return Ok(ExitCode::Met);
    }
    generated_files::write(&workspace::root())?;
    differences.iter().for_each(|difference| println!("{difference}"));
    println!("{} generated files are up to date", generated_files::generated_files()?.len());
    Ok(ExitCode::Met)
}
