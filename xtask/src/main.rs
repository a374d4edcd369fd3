//! `cargo xtask`: all commands of this workspace.

// A closed pipe makes println! panic: use host::terminal::print_line.
#![warn(clippy::print_stdout)]

mod backend;
mod commands;
mod dashboard_changes;
mod flags;
mod generated_files;
mod github;
mod host;
mod kubernetes;
mod leftovers;
mod perf;
mod refusal;
mod runs;
mod scenarios;
mod stack;

use clap::error::ErrorKind;
use clap::{CommandFactory as _, Parser, Subcommand};
use perf_report::exit_code::ExitCode;

use commands::{
    archive, bench, ci, codegen, comment, compare, completions, dashboards, export, image, merge, new, report,
};
use host::terminal;
use perf::perf_error::{PerfError, catch_panic, exit_code};
use perf::publish;
use refusal::Refusal;

/// Load tests, their monitoring and their verdicts
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", version, arg_required_else_help = true, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run load scenarios and judge them; the exit code is the verdict
    ///
    /// Starts Prometheus and Grafana, and the stub backend unless --target is given. Runs the
    /// scenarios, pushes their metrics, and prints for each objective whether it was met.
    Perf(Box<perf::PerfArgs>),
    /// Judge the shards of a run (perf --shard) as one run
    ///
    /// Reads the file shard-I-of-N.json of each shard and adds their counts exactly. Judges, prints
    /// and publishes the sum as `cargo xtask perf` does. Sends nothing.
    Merge(merge::MergeArgs),
    /// Start, stop or show Prometheus and Grafana
    #[command(subcommand)]
    Stack(commands::stack::StackCommand),
    /// List past runs: verdict, name, and the highest latency as a share of its limit
    Runs(commands::runs::RunsArgs),
    /// Rewrite a run's report.html, junit.xml and summary.md, and print its table
    Report(report::ReportArgs),
    /// Compare two recorded runs
    Compare(compare::CompareArgs),
    /// Write a scenario that compiles, with its snapshot
    NewScenario(new::NewScenarioArgs),
    /// Write the catalogue of another service, and a scenario for it
    NewService(new::NewServiceArgs),
    /// Show changes of dashboards
    #[command(subcommand)]
    Dashboards(dashboards::DashboardsCommand),
    /// Pack a run into one file (report, dashboard, rules, series), or show such a file
    Archive(archive::ArchiveCommand),
    /// Write rules and dashboards that your own Prometheus and Grafana can load
    Export(export::ExportArgs),
    /// Build the container image that pods run (perf --agents kubernetes:N)
    Image(image::ImageArgs),
    /// Write a run's summary as a comment on a GitHub pull request, or update it
    Comment(comment::CommentArgs),
    /// Write the files that are generated from the catalogue of each service
    Codegen(codegen::CodegenArgs),
    /// Print a shell script that completes commands and flags
    Completions(completions::CompletionsArgs),
    /// Measure the load generator: its accuracy, and its cost compared with other tools
    #[command(subcommand)]
    Bench(bench::BenchCommand),
    /// Run the ignored tests, which need Docker, Prometheus and other programs
    Ci(ci::CiArgs),
}

#[tokio::main]
async fn main() -> std::process::ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return print_flag_error(&error).code().into(),
    };
    wait_for_exit_code(run(cli.command)).await.code().into()
}

/// Prints an error of the flags, or the help that was asked for.
fn print_flag_error(error: &clap::Error) -> ExitCode {
    let is_help = error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand;
    if is_help || !error.use_stderr() {
        // This fails only if the output is closed.
        let _ = error.print();
        return if is_help { ExitCode::BadConfiguration } else { ExitCode::Met };
    }
    let words: Vec<_> = std::env::args_os().map(|word| word.to_string_lossy().into_owned()).collect();
    let cause = flags::flag_error::describe(error, &Cli::command(), &words);
    // These commands judge runs.
    match words.get(1).map(String::as_str) {
        Some("perf" | "merge") => publish::finish(Err(PerfError::Flags(Refusal(cause)))),
        _ => {
            terminal::print_error(&cause);
            ExitCode::BadConfiguration
        }
    }
}

/// Waits for a command, and prints its error. A panic is an internal error.
async fn wait_for_exit_code(command: impl Future<Output = anyhow::Result<ExitCode>>) -> ExitCode {
    match catch_panic(async { Ok(command.await) }).await {
        Ok(Ok(code)) => code,
        Ok(Err(error)) => {
            terminal::print_error(&format!("{error:#}"));
            exit_code(&error)
        }
        Err(panicked) => {
            terminal::print_stop(&panicked.verdict(), &panicked.to_string());
            panicked.code()
        }
    }
}

async fn run(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Perf(args) => with_prepared_host(commands::perf::run(*args)).await,
        Command::Merge(args) => commands::merge::run(args).await,
        Command::Stack(command) => with_prepared_host(commands::stack::run(command)).await,
        Command::Runs(args) => commands::runs::run(&args),
        Command::Report(args) => commands::report::run(&args).await,
        Command::Compare(args) => commands::compare::run(&args),
        Command::NewScenario(args) => commands::new::scenario(&args),
        Command::NewService(args) => commands::new::service(&args),
        Command::Dashboards(command) => commands::dashboards::run(command),
        Command::Archive(command) => with_prepared_host(commands::archive::run(&command)).await,
        Command::Export(args) => commands::export::run(&args),
        Command::Image(args) => with_prepared_host(async { commands::image::run(&args) }).await,
        Command::Comment(args) => commands::comment::run(&args).await,
        Command::Codegen(args) => commands::codegen::run(&args),
        Command::Completions(args) => Ok(commands::completions::run(&args, &mut Cli::command())),
        Command::Bench(command) => with_prepared_host(commands::bench::run(command)).await,
        Command::Ci(args) => commands::ci::run(&args).await,
    }
}

/// Runs a command that starts processes or containers. Chooses the host of Docker for it, and
/// removes what killed commands have left.
async fn with_prepared_host(command: impl Future<Output = anyhow::Result<ExitCode>>) -> anyhow::Result<ExitCode> {
    stack::docker_host::use_found_docker();
    leftovers::remove().await;
    command.await
}

#[cfg(test)]
mod tests;
