//! `cargo xtask bench`: measures the cost of the generator beside other load generators, and the
//! accuracy of its clock against the delays that the server logged.

mod agents;
mod bench_protocol;
mod clock;
mod features;
mod gate;
mod nginx;
mod peer;
mod peers;
mod process_cost;
mod processors;
mod setup;

use std::path::PathBuf;
use std::time::Duration;

use bench_protocol::BenchProtocol;
use clap::Subcommand;
use perf_report::exit_code::ExitCode;

/// The measurement to make.
///
/// All but `gate` pin the server to one processor and the
/// generator to another, with `taskset` (util-linux).
#[derive(Debug, Subcommand)]
pub(crate) enum BenchCommand {
    /// Compare cost and throughput with other load generators
    ///
    /// Measures processor time per request, requests per second and peak memory of this generator
    /// and of each peer on PATH (oha, wrk, h2load, hey, k6).
    Peers(PeersArgs),
    /// Measure what each feature of HTTP costs
    ///
    /// Measures processor time per request with each feature and without it.
    Features {
        /// Number of rounds
        ///
        /// A round runs each feature, and what it is compared with, once.
        #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..))]
        rounds: u64,
        /// Duration of each run
        #[arg(long, default_value = "3s", value_parser = perf_settings::parse_duration)]
        duration: Duration,
    },
    /// Measure what agents cost
    ///
    /// Measures processor time per request of one process, of one agent and of two, coordinator
    /// included, and the processor share and memory of a coordinator of many agents.
    Agents(AgentsArgs),
    /// Measure the lateness and cost of arrivals at a constant rate
    Arrivals {
        /// Iterations per second or minute (500/s, 30/m)
        #[arg(long, default_value = "5000/s")]
        rate: String,
        /// Duration of the load
        #[arg(long, default_value = "20s", value_parser = perf_settings::parse_duration)]
        duration: Duration,
        /// Start each iteration when it is due
        ///
        /// Each iteration gets a timer of its own instead of a grid of 0.4 ms.
        #[arg(long)]
        exact: bool,
    },
    /// Compare percentiles with the delays that the server logged
    Accuracy {
        /// Duration of the load
        #[arg(long, default_value = "20s", value_parser = perf_settings::parse_duration)]
        duration: Duration,
    },
    /// Measure the peak memory of many VUs
    Memory {
        /// Number of VUs
        #[arg(long, default_value_t = 1000)]
        vus: u32,
        /// Duration of the load
        #[arg(long, default_value = "1m", value_parser = perf_settings::parse_duration)]
        duration: Duration,
        /// Let VUs wait about 10 s after each request
        #[arg(long)]
        thinking: bool,
    },
    /// Simulate how often a comparison detects a slow-down
    ///
    /// Prints a table by size of the slow-down, and draws the picture of
    /// monitoring/compare/README.md.
    Gate {
        /// Number of simulated comparisons of each size
        #[arg(long, default_value_t = 1000)]
        gates: usize,
    },
}

#[derive(Debug, clap::Args)]
pub(crate) struct AgentsArgs {
    /// Number of rounds
    ///
    /// A round runs the load by one process, by one agent, and by two.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..))]
    rounds: u64,
    /// Duration of each run
    #[arg(long, default_value = "3s", value_parser = perf_settings::parse_duration)]
    duration: Duration,
    /// Number of agents of the large coordinator
    ///
    /// Each is a process of about 10 MB.
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=1000))]
    many: u32,
}

#[derive(Debug, clap::Args)]
pub(crate) struct PeersArgs {
    /// Number of connections or VUs
    #[arg(long, default_value_t = 50)]
    connections: u32,
    /// Duration of each run
    #[arg(long, default_value = "3s", value_parser = perf_settings::parse_duration)]
    duration: Duration,
    /// Number of rounds
    ///
    /// A round runs this generator and every peer once.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..))]
    rounds: u64,
    /// Protocol: http, tls or http2
    ///
    /// The server of plain HTTP/1.1 is the stub backend. With TLS it is nginx, which must be on
    /// PATH, as openssl.
    #[arg(long, value_enum, hide_possible_values = true, default_value_t = BenchProtocol::Http)]
    protocol: BenchProtocol,
    /// Run only this peer (repeatable) [default: all on PATH]
    ///
    /// wrk, h2load, oha, hey or k6.
    #[arg(long, value_enum, hide_possible_values = true)]
    peer: Vec<peer::PeerName>,
    /// Also run this build of the generator, as of an earlier revision
    ///
    /// The build is the example `fixed` of the crate perf-tests, with the profile `peak`.
    #[arg(long, value_name = "FILE")]
    build: Option<PathBuf>,
}

/// Runs the command.
pub(crate) async fn run(command: BenchCommand) -> anyhow::Result<ExitCode> {
    match command {
        BenchCommand::Peers(args) => peers::run(&args).await,
        BenchCommand::Features { rounds, duration } => features::run(rounds, duration).await,
        BenchCommand::Agents(args) => agents::run(&args).await,
        BenchCommand::Arrivals { rate, duration, exact } => clock::arrivals(&rate, duration, exact).await,
        BenchCommand::Accuracy { duration } => clock::accuracy(duration).await,
        BenchCommand::Gate { gates } => gate::run(gates),
        BenchCommand::Memory { vus, duration, thinking } => peers::memory(vus, duration, thinking).await,
    }
}
