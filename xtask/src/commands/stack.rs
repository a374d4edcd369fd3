//! `cargo xtask stack …`: the stack day by day.

mod doctor;
mod status;

use std::io::{IsTerminal as _, Write as _, stderr, stdin};

use clap::Subcommand;
use monitoring::prometheus::recording_rules::Timing;
use monitoring::sanitize::sanitize;
use perf_report::exit_code::ExitCode;

use crate::host::count_signals;
use crate::stack::{
    self, GRAFANA_PORT, Images, PROMETHEUS_PORT, Stack, StackChoice, StackOptions, StackPart, docker, native, parts,
    stop,
};
use crate::terminal::refuse;

/// What to do with the stack.
#[derive(Debug, Subcommand)]
pub(crate) enum StackCommand {
    /// Start Prometheus and Grafana, or use those that run
    Up(UpArgs),
    /// Stop this workspace's stack; its data stays
    Down(StackSelection),
    /// Stop it and start it again; its data stays
    Restart(UpArgs),
    /// Show what runs: health, versions, ports, disk, retention and the last runs
    Status,
    /// Show what Prometheus and Grafana wrote last
    Logs {
        /// Go on as they write more, until Ctrl-C
        #[arg(short, long)]
        follow: bool,
    },
    /// Stop the stack and remove its data: all runs are gone then
    Reset {
        /// Do not ask
        #[arg(long)]
        yes: bool,
        #[command(flatten)]
        which: StackSelection,
    },
    /// Look for what keeps metrics from appearing, and say for each how to mend it
    Doctor(doctor::DoctorArgs),
    /// Print the names of the images, to pull or mirror them beforehand
    Images,
}

/// Which of this clone's stacks.
#[derive(Debug, clap::Args)]
pub(crate) struct StackSelection {
    /// Only the stack whose Prometheus has this port
    #[arg(long)]
    prometheus_port: Option<u16>,
}

/// What to start.
#[derive(Debug, clap::Args)]
pub(crate) struct UpArgs {
    /// What to start
    #[arg(long, value_enum, default_value_t = StackChoice::Auto)]
    stack: StackChoice,
    /// Prometheus' port on 127.0.0.1
    #[arg(long, default_value_t = PROMETHEUS_PORT, value_parser = clap::value_parser!(u16).range(1..))]
    prometheus_port: u16,
    /// Grafana's port on 127.0.0.1
    #[arg(long, default_value_t = GRAFANA_PORT, value_parser = clap::value_parser!(u16).range(1..))]
    grafana_port: u16,
    /// Start no Grafana
    #[arg(long, conflicts_with = "grafana_port")]
    no_grafana: bool,
}

/// Runs the command.
pub(crate) async fn run(command: StackCommand) -> anyhow::Result<ExitCode> {
    match command {
        StackCommand::Up(args) => start(&args).await,
        StackCommand::Down(which) => down(which.prometheus_port).await,
        StackCommand::Restart(args) => {
            down(Some(args.prometheus_port)).await?;
            start(&args).await
        }
        StackCommand::Status => {
            let lines = status::lines().await?;
            println!("{}", if lines.is_empty() { "nothing runs".to_owned() } else { sanitize(&lines.join("\n")) });
            Ok(ExitCode::Met)
        }
        StackCommand::Logs { follow } => logs(follow).await,
        StackCommand::Reset { yes, which } => reset(yes, which.prometheus_port).await,
        StackCommand::Doctor(args) => doctor::run(&args).await,
        StackCommand::Images => {
            let Images { prometheus, grafana } = Images::chosen();
            println!("{}\n{}", prometheus.name, grafana.name);
            Ok(ExitCode::Met)
        }
    }
}

async fn start(args: &UpArgs) -> anyhow::Result<ExitCode> {
    let &UpArgs { stack: choice, prometheus_port, grafana_port, no_grafana } = args;
    let (grafana, keep_data, timing) = (!no_grafana, true, Timing::USUAL);
    let options = StackOptions { choice, prometheus_port, grafana_port, grafana, keep_data, timing, archive: None };
    println!("{}", describe(&stack::start(&options, count_signals()?).await?));
    Ok(ExitCode::Met)
}

async fn down(prometheus_port: Option<u16>) -> anyhow::Result<ExitCode> {
    // A Docker that cannot be asked is no reason to leave a Prometheus from PATH running.
    let (parts, unasked) = match parts(StackChoice::Auto, prometheus_port).await {
        Ok(parts) => (parts, None),
        Err(error) => (parts(StackChoice::Native, prometheus_port).await?, Some(error)),
    };
    stop(&parts).await?;
    let names: Vec<_> = parts.iter().map(StackPart::to_string).collect();
    println!("{}", if names.is_empty() { "nothing ran".to_owned() } else { format!("stopped {}", names.join(", ")) });
    match unasked {
        Some(error) => Err(error.into()),
        None => Ok(ExitCode::Met),
    }
}

async fn logs(follow: bool) -> anyhow::Result<ExitCode> {
    let shown = async {
        let containers = docker::logs(follow);
        let processes = native::logs(follow);
        // Both go on for ever if they are to follow.
        tokio::try_join!(containers, processes).map(|(containers, processes)| containers + processes)
    };
    tokio::select! {
        shown = shown => {
            if shown? == 0 {
                println!("nothing runs");
            }
        }
        _ = tokio::signal::ctrl_c(), if follow => {}
    }
    Ok(ExitCode::Met)
}

async fn reset(yes: bool, prometheus_port: Option<u16>) -> anyhow::Result<ExitCode> {
    let mut kept = docker::volumes(prometheus_port).await?;
    kept.extend(native::data(prometheus_port).iter().map(|folder| folder.display().to_string()));
    if kept.is_empty() {
        println!("there is no data");
        return Ok(ExitCode::Met);
    }
    if !yes {
        if !stdin().is_terminal() {
            return Ok(refuse(format!("this would remove {}: say --yes", kept.join(", "))));
        }
        eprint!("remove {}, with all runs in it? [y/N] ", kept.join(", "));
        stderr().flush()?;
        let mut answer = String::new();
        stdin().read_line(&mut answer)?;
        if !matches!(answer.trim(), "y" | "Y" | "yes") {
            println!("nothing was removed");
            return Ok(ExitCode::Met);
        }
    }
    stop(&parts(StackChoice::Auto, prometheus_port).await?).await?;
    docker::remove_volumes(prometheus_port).await?;
    native::remove_data(prometheus_port)?;
    println!("removed {}", kept.join(", "));
    Ok(ExitCode::Met)
}

fn describe(stack: &Stack) -> String {
    let line = |name: &str, url: &Option<url::Url>| url.as_ref().map(|url| format!("{name:<10}  {url}"));
    let lines: Vec<_> =
        [line("Prometheus", &stack.prometheus), line("Grafana", &stack.grafana)].into_iter().flatten().collect();
    if lines.is_empty() { "no store".to_owned() } else { lines.join("\n") }
}
