//! `cargo xtask bench`: compares the generator's cost with that of other load generators, and its
//! clock with the delays that the server logged.

mod agents;
mod bench_protocol;
mod bench_setup;
mod clock;
mod detection;
mod features;
mod nginx;
mod peer;
mod peers;
mod process_cost;
mod processors;
mod quota;

use std::path::PathBuf;
use std::time::Duration;

use bench_protocol::BenchProtocol;
use clap::Subcommand;
use perf_report::exit_code::ExitCode;
use perf_settings::MAX_VUS;

use crate::flags::values::{MOST, whole_number};

/// The measurement to make.
///
/// All but `gate` pin the server to one processor and the
/// generator to another, with `taskset` (util-linux).
#[derive(Debug, Subcommand)]
pub(crate) enum BenchCommand {
    /// Compare this generator's cost and throughput with those of other tools
    ///
    /// Measures processor time per request, requests per second and peak memory of this generator
    /// and of each peer on PATH (oha, wrk, h2load, hey, k6).
    Peers(PeersArgs),
    /// Measure the cost of each HTTP feature
    ///
    /// Measures processor time per request with each feature and without it.
    Features {
        /// Number of rounds
        ///
        /// A round runs a load with each feature and one without it.
        #[arg(long, default_value_t = 5, value_parser = whole_number::<u64>(1..=MOST))]
        rounds: u64,
        /// Duration of each run
        #[arg(long, default_value = "3s", value_parser = perf_settings::parse_duration)]
        duration: Duration,
    },
    /// Measure the cost of a load by several processes (--agents)
    ///
    /// Measures processor time per request of one process, of one agent and of two agents. The
    /// coordinator's time is included. Then compares the requests of one and of two agents with a
    /// quarter of a processor each, which needs root on Linux. At last measures processor share,
    /// memory and received bytes of a coordinator of many agents.
    Agents(AgentsArgs),
    /// Measure the lateness and cost of arrivals at a constant rate
    Arrivals {
        /// Iterations per second or minute (500/s, 30/m)
        #[arg(long, default_value = "5000/s")]
        rate: String,
        /// Duration of the load
        #[arg(long, default_value = "20s", value_parser = perf_settings::parse_duration)]
        duration: Duration,
        /// Start each iteration exactly on time, not on a 0.4 ms grid
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
        #[arg(long, default_value_t = 1000, value_parser = whole_number::<u32>(1..=MAX_VUS.into()))]
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
    /// Prints a table by the size of the slow-down. Draws the picture in
    /// monitoring/compare/README.md.
    Gate {
        /// Number of simulated comparisons for each size of slow-down
        #[arg(long, default_value_t = 1000, value_parser = whole_number::<usize>(1..=MOST))]
        gates: usize,
    },
}

#[derive(Debug, clap::Args)]
pub(crate) struct AgentsArgs {
    /// Number of rounds
    ///
    /// A round runs the load by one process, by one agent, and by two.
    #[arg(long, default_value_t = 5, value_parser = whole_number::<u64>(1..=MOST))]
    rounds: u64,
    /// Duration of each run
    #[arg(long, default_value = "3s", value_parser = perf_settings::parse_duration)]
    duration: Duration,
    /// Number of agents in the measurement of the coordinator
    ///
    /// Each agent is a process of about 10 MB.
    #[arg(long, default_value_t = 200, value_parser = whole_number::<u32>(1..=1000))]
    many: u32,
}

#[derive(Debug, clap::Args)]
pub(crate) struct PeersArgs {
    /// Number of connections or VUs
    #[arg(long, default_value_t = 50, value_parser = whole_number::<u32>(1..=MAX_VUS.into()))]
    connections: u32,
    /// Duration of each run
    #[arg(long, default_value = "3s", value_parser = perf_settings::parse_duration)]
    duration: Duration,
    /// Number of rounds
    ///
    /// A round runs this generator and every peer once.
    #[arg(long, default_value_t = 10, value_parser = whole_number::<u64>(1..=MOST))]
    rounds: u64,
    /// Protocol: http, tls or http2
    ///
    /// The server is the stub backend, or nginx with TLS. TLS needs nginx and openssl on PATH.
    #[arg(long, value_enum, hide_possible_values = true, default_value_t = BenchProtocol::Http)]
    protocol: BenchProtocol,
    /// Run only this peer (repeatable) [default: all on PATH]
    ///
    /// One of wrk, h2load, oha, hey and k6.
    #[arg(long, value_enum, hide_possible_values = true)]
    peer: Vec<peer::PeerName>,
    /// Also run this build of the generator, for example an earlier one
    ///
    /// FILE is the example `fixed` of the crate perf-tests, built with the profile `peak`.
    #[arg(long, value_name = "FILE")]
    build: Option<PathBuf>,
}

pub(crate) async fn run(command: BenchCommand) -> anyhow::Result<ExitCode> {
    match command {
        BenchCommand::Peers(args) => peers::run(&args).await,
        BenchCommand::Features { rounds, duration } => features::run(rounds, duration).await,
        BenchCommand::Agents(args) => agents::run(&args).await,
        BenchCommand::Arrivals { rate, duration, exact } => clock::arrivals(&rate, duration, exact).await,
        BenchCommand::Accuracy { duration } => clock::accuracy(duration).await,
        BenchCommand::Gate { gates } => detection::run(gates),
        BenchCommand::Memory { vus, duration, thinking } => peers::memory(vus, duration, thinking).await,
    }
}
