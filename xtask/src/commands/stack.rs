//! `cargo xtask stack …`: starts, stops and inspects the stack.

mod doctor;
mod status;

use std::io::{IsTerminal as _, Write as _, stderr, stdin};

use clap::Subcommand;
use monitoring::sanitize::sanitize;
use perf_host::signals::Signals;
use perf_report::exit_code::ExitCode;

use crate::host::terminal::print_line;
use crate::refusal::refuse;
use crate::stack::{self, Images, PortArgs, Stack, StackArgs, StackChoice, StackPart, docker, native, parts, stop};

/// The subcommands of `cargo xtask stack`.
#[derive(Debug, Subcommand)]
pub(crate) enum StackCommand {
    /// Start Prometheus and Grafana, or reuse the running ones
    Up(UpArgs),
    /// Stop the stack of this clone; its data stays
    Down(StackSelection),
    /// Stop the stack and start it again; its data stays
    Restart(UpArgs),
    /// Show health, versions, ports, disk use, retention and last runs
    Status,
    /// Show the last log lines of Prometheus and Grafana
    Logs {
        /// Print new lines as they come, until Ctrl-C
        #[arg(short, long)]
        follow: bool,
    },
    /// Stop the stack and delete its data, with all runs in it
    Reset {
        /// Do not ask for confirmation
        #[arg(long)]
        yes: bool,
        #[command(flatten)]
        which: StackSelection,
    },
    /// Find out why metrics do not appear, and how to fix it
    Doctor(doctor::DoctorArgs),
    /// Print the names of the images, to pull or mirror them
    Images,
}

/// All stacks of this clone, or one of them.
#[derive(Debug, clap::Args)]
pub(crate) struct StackSelection {
    /// Port that identifies the stack [default: all stacks]
    ///
    /// The port of the stack's Prometheus.
    #[arg(long, value_name = "PORT")]
    prometheus_port: Option<u16>,
}

/// The stack to start.
#[derive(Debug, clap::Args)]
pub(crate) struct UpArgs {
    #[command(flatten)]
    stack: StackArgs,
    #[command(flatten)]
    ports: PortArgs,
}

pub(crate) async fn run(command: StackCommand) -> anyhow::Result<ExitCode> {
    match command {
        StackCommand::Up(args) => start(&args).await,
        StackCommand::Down(which) => down(which.prometheus_port).await,
        StackCommand::Restart(args) => {
            down(Some(args.ports.prometheus())).await?;
            start(&args).await
        }
        StackCommand::Status => {
            print_line(&sanitize(&status::lines().await?.join("\n")));
            Ok(ExitCode::Met)
        }
        StackCommand::Logs { follow } => logs(follow).await,
        StackCommand::Reset { yes, which } => reset(yes, which.prometheus_port).await,
        StackCommand::Doctor(args) => doctor::run(&args).await,
        StackCommand::Images => {
            let Images { prometheus, grafana } = Images::from_environment();
            print_line(&format!("{}\n{}", prometheus.name, grafana.name));
            Ok(ExitCode::Met)
        }
    }
}

async fn start(args: &UpArgs) -> anyhow::Result<ExitCode> {
    let options = args.ports.options(&args.stack);
    print_line(&describe(&stack::start(&options, Signals::count()?).await?));
    Ok(ExitCode::Met)
}

async fn down(prometheus_port: Option<u16>) -> anyhow::Result<ExitCode> {
    // If Docker does not respond, a Prometheus from PATH is stopped all the same.
    let (parts, docker_error) = match parts(StackChoice::Auto, prometheus_port).await {
        Ok(parts) => (parts, None),
        Err(error) => (parts(StackChoice::Native, prometheus_port).await?, Some(error)),
    };
    stop(&parts).await?;
    let names: Vec<_> = parts.iter().map(StackPart::to_string).collect();
    match names.as_slice() {
        [] => print_line("no stack was running"),
        names => print_line(&format!("stopped {}", names.join(", "))),
    }
    match docker_error {
        Some(error) => Err(error.into()),
        None => Ok(ExitCode::Met),
    }
}

async fn logs(follow: bool) -> anyhow::Result<ExitCode> {
    let shown = async {
        let containers = docker::logs(follow);
        let processes = native::logs(follow);
        // With `follow`, neither of them ends by itself.
        tokio::try_join!(containers, processes).map(|(containers, processes)| containers + processes)
    };
    let shown = if follow {
        let mut signals = Signals::count()?;
        tokio::select! {
            shown = shown => shown?,
            () = signals.interrupted() => return Ok(ExitCode::Met),
        }
    } else {
        shown.await?
    };
    if shown == 0 {
        print_line("no stack is running");
    }
    Ok(ExitCode::Met)
}

async fn reset(yes: bool, prometheus_port: Option<u16>) -> anyhow::Result<ExitCode> {
    let mut kept = docker::volumes(prometheus_port).await?;
    kept.extend(native::data(prometheus_port).iter().map(|folder| folder.display().to_string()));
    if kept.is_empty() {
        print_line("there is no data to remove");
        return Ok(ExitCode::Met);
    }
    if !yes {
        if !stdin().is_terminal() {
            return Err(refuse(format!("this would remove {}: confirm with --yes", kept.join(", "))));
        }
        eprint!("remove {} and all runs in it? [y/N] ", kept.join(", "));
        stderr().flush()?;
        let mut reply = String::new();
        stdin().read_line(&mut reply)?;
        if !matches!(reply.trim(), "y" | "Y" | "yes") {
            print_line("nothing was removed");
            return Ok(ExitCode::Met);
        }
    }
    stop(&parts(StackChoice::Auto, prometheus_port).await?).await?;
    docker::remove_volumes(prometheus_port).await?;
    native::remove_data(prometheus_port)?;
    print_line(&format!("removed {}", kept.join(", ")));
    Ok(ExitCode::Met)
}

fn describe(stack: &Stack) -> String {
    let line = |name: &str, url: &Option<url::Url>| url.as_ref().map(|url| format!("{name:<10}  {url}"));
    let lines: Vec<_> =
        [line("Prometheus", &stack.prometheus), line("Grafana", &stack.grafana)].into_iter().flatten().collect();
    if lines.is_empty() { "nothing was started".to_owned() } else { lines.join("\n") }
}
