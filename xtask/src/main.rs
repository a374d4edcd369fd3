//! `cargo xtask`: everything that is done with this workspace, as commands.

mod archive;
mod backend;
mod bench;
mod ci;
mod codegen;
mod comment;
mod compare;
mod dashboards_diff;
mod export;
mod http;
mod lock;
mod new;
mod perf;
mod process;
mod proof;
mod reports;
mod runs;
mod scenarios;
mod stack;
mod summary;
mod sweep;
mod url_value;
mod workspace;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use perf_report::exit_code::ExitCode as Exit;

/// Load tests, their monitoring and their verdict.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", version, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run load scenarios and judge them: says by exit code whether the service holds what it promised
    Perf(Box<perf::PerfArgs>),
    /// Start, stop or show Prometheus and Grafana
    #[command(subcommand)]
    Stack(stack::Command),
    /// List past runs: verdict, load, the p95 nearest to its promise, tags
    Runs(runs::Args),
    /// Make a run's report.html, junit.xml and summary.md again, and print its table
    Report(reports::Args),
    /// Compare two runs that were recorded
    Compare(compare::Args),
    /// Write a scenario that compiles, runs against the stand-in and has its snapshots
    NewScenario(new::Args),
    /// Write the catalogue of a second service, and a scenario of it
    NewService(new::Args),
    /// Review changes of dashboards
    #[command(subcommand)]
    Dashboards(dashboards_diff::Command),
    /// Put a run into one file: report, dashboard, rules and series; or look at one again
    Archive(archive::Command),
    /// Write rules and dashboards for a Prometheus and a Grafana of your own, ready to load
    Export(export::Args),
    /// Write a summary to a pull request of GitHub, or write it again
    Comment(comment::Args),
    /// Write the files that are generated from the catalogue
    Codegen {
        /// Write nothing; fail if a file differs from what would be written, or should not be there
        #[arg(long)]
        check: bool,
    },
    /// Measure the generator: its cost beside its peers', and how true its clock is
    #[command(subcommand)]
    Bench(bench::Command),
    /// Run what needs Docker, Prometheus and promtool: the tests that plain `cargo test` lists as ignored
    Ci(ci::Args),
}

#[tokio::main]
async fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Fails only if the terminal is gone.
            let _ = error.print();
            let code = if error.use_stderr() { Exit::BadConfiguration } else { Exit::Met };
            return code.code().into();
        }
    };
    if matches!(cli.command, Command::Perf(_) | Command::Stack(_) | Command::Archive(_) | Command::Bench(_)) {
        sweep::sweep().await;
    }
    let code = match cli.command {
        Command::Perf(args) => perf::command(*args).await,
        Command::Stack(command) => or_internal(stack::command(command).await),
        Command::Runs(args) => or_internal(runs::run(&args)),
        Command::Comment(args) => or_internal(comment::run(&args).await),
        Command::NewScenario(args) => or_internal(new::scenario(&args)),
        Command::NewService(args) => or_internal(new::service(&args)),
        Command::Report(args) => or_internal(reports::run(&args)),
        Command::Compare(args) => or_internal(compare::run(&args)),
        Command::Dashboards(command) => or_internal(dashboards_diff::run(command)),
        Command::Archive(command) => or_internal(archive::run(&command).await),
        Command::Export(args) => or_internal(export::run(&args)),
        Command::Codegen { check } => or_internal(codegen::run(check)),
        Command::Bench(command) => or_internal(bench::run(command).await),
        Command::Ci(args) => or_internal(ci::run(&args).await),
    };
    code.code().into()
}

/// A command's own exit code, or that of an error nobody expected.
fn or_internal(result: anyhow::Result<Exit>) -> Exit {
    result.unwrap_or_else(|error| {
        eprintln!("error: {}", monitoring::sanitize::sanitize(&format!("{error:#}")));
        error.downcast_ref::<stack::StackError>().map_or(Exit::Internal, stack::StackError::code)
    })
}
