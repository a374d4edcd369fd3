//! `cargo xtask`: everything that is done with this workspace, as commands.

mod clock;
mod commands;
mod dashboard_changes;
mod dashboard_link;
mod files;
mod generated_files;
mod github;
mod host;
mod http;
mod perf;
mod recorded;
mod report_files;
mod reports;
mod scenarios;
mod stack;
mod stub_backend;
mod terminal;
mod values;
mod workspace;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use perf_report::exit_code::ExitCode as Exit;

use commands::{archive, bench, ci, codegen, comment, compare, dashboards, export, new, report, runs};
use host::cleanup::Cleanup;

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
    Stack(commands::stack::StackCommand),
    /// List past runs: verdict, load, the p95 nearest to its promise, tags
    Runs(runs::RunsArgs),
    /// Make a run's report.html, junit.xml and summary.md again, and print its table
    Report(report::ReportArgs),
    /// Compare two runs that were recorded
    Compare(compare::CompareArgs),
    /// Write a scenario that compiles, runs against the stand-in and has its snapshots
    NewScenario(new::NewArgs),
    /// Write the catalogue of a second service, and a scenario of it
    NewService(new::NewArgs),
    /// Review changes of dashboards
    #[command(subcommand)]
    Dashboards(dashboards::DashboardsCommand),
    /// Put a run into one file: report, dashboard, rules and series; or look at one again
    Archive(archive::ArchiveCommand),
    /// Write rules and dashboards for a Prometheus and a Grafana of your own, ready to load
    Export(export::ExportArgs),
    /// Write a summary to a pull request of GitHub, or write it again
    Comment(comment::CommentArgs),
    /// Write the files that are generated from the catalogue
    Codegen(codegen::CodegenArgs),
    /// Measure the generator: its cost beside its peers', and how true its clock is
    #[command(subcommand)]
    Bench(bench::BenchCommand),
    /// Run what needs Docker, Prometheus and promtool: the tests that plain `cargo test` lists as ignored
    Ci(ci::CiArgs),
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
        clean_up().await;
    }
    let result = match cli.command {
        Command::Perf(args) => Ok(perf::command(*args).await),
        Command::Stack(command) => commands::stack::run(command).await,
        Command::Runs(args) => runs::run(&args),
        Command::Comment(args) => comment::run(&args).await,
        Command::NewScenario(args) => new::scenario(&args),
        Command::NewService(args) => new::service(&args),
        Command::Report(args) => report::run(&args).await,
        Command::Compare(args) => compare::run(&args),
        Command::Dashboards(command) => dashboards::run(command),
        Command::Archive(command) => archive::run(&command).await,
        Command::Export(args) => export::run(&args),
        Command::Codegen(args) => codegen::run(&args),
        Command::Bench(command) => bench::run(command).await,
        Command::Ci(args) => ci::run(&args).await,
    };
    let code = result.unwrap_or_else(|error| {
        eprintln!("error: {}", monitoring::sanitize::sanitize(&format!("{error:#}")));
        error.downcast_ref::<stack::StackError>().map_or(Exit::Internal, stack::StackError::code)
    });
    code.code().into()
}

/// Removes what owners of this clone left that are gone.
async fn clean_up() {
    let mut cleanup = Cleanup::default();
    // Processes first: they may be about to write what is removed then.
    cleanup.end_orphans().await;
    stack::clean_up(&mut cleanup).await;
    cleanup.remove_outcomes(&workspace::perf());
    perf::clean_up(&mut cleanup);
    cleanup.print();
}
