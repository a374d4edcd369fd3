//! `cargo xtask bench`: what the generator costs and how true its clock is, measured side by side with its peers and with
//! what the server wrote down.

mod clock;
mod gate;
mod peer;
mod peers;
mod process_cost;
mod setup;

use std::time::Duration;

use clap::Subcommand;
use perf_report::exit_code::ExitCode;

/// What to measure. But for the gate, each pins the server to one processor and the generator to another, and needs `taskset`
/// (util-linux).
#[derive(Debug, Subcommand)]
pub(crate) enum BenchCommand {
    /// Processor time per request, requests a second and peak memory, of ours and of each peer on PATH (oha, wrk, hey, k6)
    Peers(PeersArgs),
    /// How late arrivals at a constant rate begin, and what a request costs then
    Arrivals {
        /// The rate
        #[arg(long, default_value = "5000/s")]
        rate: String,
        /// How long
        #[arg(long, default_value = "20s", value_parser = perf_settings::parse_duration)]
        duration: Duration,
        /// Begin each when it is due, with a wake-up each
        #[arg(long)]
        exact: bool,
    },
    /// Percentiles, against the delays that the server wrote down for the same requests
    Accuracy {
        /// How long
        #[arg(long, default_value = "20s", value_parser = perf_settings::parse_duration)]
        duration: Duration,
    },
    /// Peak memory of many virtual users, as hard as they can or mostly thinking
    Memory {
        /// How many
        #[arg(long, default_value_t = 1000)]
        vus: u32,
        /// How long
        #[arg(long, default_value = "60s", value_parser = perf_settings::parse_duration)]
        duration: Duration,
        /// They think for ten seconds or so after each request
        #[arg(long)]
        thinking: bool,
    },
    /// How often a comparison finds a slow-down, by its size: by simulation, as a table and as the README's picture
    Gate {
        /// How many comparisons of each size
        #[arg(long, default_value_t = 1000)]
        gates: usize,
    },
}

#[derive(Debug, clap::Args)]
pub(crate) struct PeersArgs {
    /// Connections, or virtual users
    #[arg(long, default_value_t = 50)]
    connections: u32,
    /// How long each runs in each round
    #[arg(long, default_value = "3s", value_parser = perf_settings::parse_duration)]
    duration: Duration,
    /// How many rounds: in each, ours and every peer in turn
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..))]
    rounds: u64,
    /// Only this peer (repeatable) [default: each one on PATH]
    #[arg(long)]
    peer: Vec<String>,
}

/// Runs the command.
pub(crate) async fn run(command: BenchCommand) -> anyhow::Result<ExitCode> {
    match command {
        BenchCommand::Peers(args) => peers::run(&args).await,
        BenchCommand::Arrivals { rate, duration, exact } => clock::arrivals(&rate, duration, exact).await,
        BenchCommand::Accuracy { duration } => clock::accuracy(duration).await,
        BenchCommand::Gate { gates } => gate::run(gates),
        BenchCommand::Memory { vus, duration, thinking } => peers::memory(vus, duration, thinking).await,
    }
}
