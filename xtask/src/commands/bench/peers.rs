//! `cargo xtask bench peers` and `memory`: the cost of our generator and of each peer.
//!
//! Both run in pairs on the same processor; which one is first alternates. Noise of a machine comes
//! in stretches, so a ratio is the median of the ratios of pairs, and a single time means little.

use std::time::Duration;

use anyhow::bail;
use perf_report::exit_code::ExitCode;
use perf_report::format::counted;
use perf_settings::shown_duration;
use serde::Serialize;

use super::PeersArgs;
use super::bench_setup::{BenchSetup, FIXED};
use super::peer::{Peer, PeerName};
use super::process_cost::{self, ProcessCost};
use super::processors::CLIENT;
use crate::host::files;
use crate::host::terminal::print_line;
use crate::refusal::refuse;

/// The cost of one run of one generator.
#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct Cost {
    pub(super) requests: u64,
    pub(super) cpu_us_per_request: f64,
    requests_per_second: f64,
    peak_memory_bytes: u64,
}

/// Our runs and a peer's.
#[derive(Debug, Serialize)]
struct PeerComparison {
    peer: String,
    /// Our cost and the peer's, by round.
    rounds: Vec<(Cost, Cost)>,
    /// The run with the median processor time.
    ours: Cost,
    /// The peer's run with the median processor time.
    theirs: Cost,
    /// Our processor time per request divided by the peer's, of each round.
    cpu_ratio: RatioQuartiles,
    memory_ratio: RatioQuartiles,
}

/// A median and its quartiles.
#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct RatioQuartiles {
    pub(super) median: f64,
    pub(super) quartiles: (f64, f64),
}

#[derive(Debug, Serialize)]
struct PeerResults {
    connections: u32,
    seconds: u64,
    /// Whether the generators pushed metrics to a Prometheus.
    store: bool,
    missing: Vec<String>,
    comparisons: Vec<PeerComparison>,
}

pub(super) async fn run(args: &PeersArgs) -> anyhow::Result<ExitCode> {
    let FoundPeers { peers, missing } = find_peers(args)?;
    let setup = BenchSetup::start_over(args.protocol, None, FIXED).await?;
    print_load(args, &setup, &missing);
    let rounds = run_rounds(args, &setup, &peers).await?;
    let comparisons: Vec<_> = peers.iter().zip(rounds).map(|(peer, rounds)| compare(peer.name(), rounds)).collect();
    print(&comparisons);
    let results = PeerResults {
        connections: args.connections,
        seconds: args.duration.as_secs(),
        store: setup.store.is_some(),
        missing,
        comparisons,
    };
    let path = setup.folder.join(format!("peers-{}-{}.json", args.protocol, args.connections));
    files::write_json(&path, &results)?;
    print_line(&format!("\n{}", path.display()));
    setup.stop().await?;
    Ok(ExitCode::Met)
}

struct FoundPeers {
    peers: Vec<Peer>,
    /// Names of wanted peers that are not on PATH.
    missing: Vec<String>,
}

/// The wanted peers for a protocol.
fn find_peers(args: &PeersArgs) -> anyhow::Result<FoundPeers> {
    let possible = PeerName::all(args.protocol);
    if let Some(other) = args.peer.iter().find(|name| !possible.contains(name)) {
        let possible: Vec<_> = possible.iter().map(PeerName::to_string).collect();
        return Err(refuse(format!("--peer {other} cannot make this load: use {}", possible.join(", "))));
    }
    let is_wanted = |name: &&PeerName| args.peer.is_empty() || args.peer.contains(name);
    let mut peers = Vec::new();
    let mut missing = Vec::new();
    for name in possible.iter().filter(is_wanted) {
        match name.find() {
            Some(peer) => peers.push(peer),
            None => missing.push(name.to_string()),
        }
    }
    if let Some(program) = &args.build {
        if !program.is_file() {
            return Err(refuse(format!("--build {} is not a file: build it first", program.display())));
        }
        peers.push(Peer::build(program));
    }
    if peers.is_empty() {
        return Err(refuse(format!("no peer to compare with is on PATH: install one of {}", missing.join(", "))));
    }
    Ok(FoundPeers { peers, missing })
}

fn print_load(args: &PeersArgs, setup: &BenchSetup, missing: &[String]) {
    print_line(&format!(
        "{}, {} of {} each{}{}",
        counted(args.connections.into(), "connection"),
        counted(args.rounds, "round"),
        shown_duration(args.duration),
        if setup.store.is_some() {
            ", metrics to a Prometheus"
        } else {
            "; NO prometheus on PATH: no metrics are pushed"
        },
        if missing.is_empty() { String::new() } else { format!("; not on PATH: {}", missing.join(", ")) },
    ));
}

/// Our cost and the peer's, by peer and round.
async fn run_rounds(args: &PeersArgs, setup: &BenchSetup, peers: &[Peer]) -> anyhow::Result<Vec<Vec<(Cost, Cost)>>> {
    let mut rounds = vec![Vec::new(); peers.len()];
    for round in 0..args.rounds {
        for (peer, pairs) in peers.iter().zip(&mut rounds) {
            let mut pair = [None; 2];
            for at in if round % 2 == 0 { [0, 1] } else { [1, 0] } {
                let command = match at {
                    0 => setup.load_by(&setup.generator, args.connections, args.duration),
                    _ => peer.command(setup, args.connections, args.duration)?,
                };
                pair[at] = Some(cost(setup, &command, args.duration).await?);
            }
            if let [Some(ours), Some(theirs)] = pair {
                pairs.push((ours, theirs));
            }
        }
        eprintln!("round {} of {}", round + 1, args.rounds);
    }
    Ok(rounds)
}

pub(super) async fn memory(vus: u32, duration: Duration, thinking: bool) -> anyhow::Result<ExitCode> {
    let setup = BenchSetup::start(None).await?;
    let mut command = setup.load_by(&setup.generator, vus, duration);
    if thinking {
        command.arg("thinking");
    }
    let cost = cost(&setup, &command, duration).await?;
    print_line(&format!(
        "{} for {}: {}, {:.2} µs of processor time each, peak memory {:.1} MB",
        counted(vus.into(), "VU"),
        shown_duration(duration),
        counted(cost.requests, "request"),
        cost.cpu_us_per_request,
        megabytes(cost.peak_memory_bytes)
    ));
    setup.stop().await?;
    Ok(ExitCode::Met)
}

pub(super) async fn cost(
    setup: &BenchSetup,
    command: &std::process::Command,
    duration: Duration,
) -> anyhow::Result<Cost> {
    let before = setup.served_requests().await?;
    let ProcessCost { cpu, peak_memory, output } = process_cost::run(command, CLIENT, &[])?;
    // This includes one request by which our generator checks that the target responds.
    let requests = setup.served_requests().await?.saturating_sub(before);
    if requests == 0 {
        bail!("{:?} made no requests:\n{output}", command.get_program());
    }
    #[expect(clippy::cast_precision_loss, reason = "a ratio")]
    let count = requests as f64;
    Ok(Cost {
        requests,
        cpu_us_per_request: cpu.as_secs_f64() * 1e6 / count,
        requests_per_second: count / duration.as_secs_f64(),
        peak_memory_bytes: peak_memory,
    })
}

fn compare(peer: String, rounds: Vec<(Cost, Cost)>) -> PeerComparison {
    #[expect(clippy::cast_precision_loss, reason = "a ratio")]
    let memory = |(ours, theirs): &(Cost, Cost)| ours.peak_memory_bytes as f64 / theirs.peak_memory_bytes as f64;
    let cpu = |(ours, theirs): &(Cost, Cost)| ours.cpu_us_per_request / theirs.cpu_us_per_request;
    let typical = |which: fn(&(Cost, Cost)) -> Cost| {
        let mut costs: Vec<_> = rounds.iter().map(which).collect();
        costs.sort_by(|a, b| a.cpu_us_per_request.total_cmp(&b.cpu_us_per_request));
        costs[costs.len() / 2]
    };
    PeerComparison {
        peer,
        ours: typical(|pair| pair.0),
        theirs: typical(|pair| pair.1),
        cpu_ratio: quartiles(rounds.iter().map(cpu).collect()),
        memory_ratio: quartiles(rounds.iter().map(memory).collect()),
        rounds,
    }
}

pub(super) fn quartiles(mut values: Vec<f64>) -> RatioQuartiles {
    values.sort_by(f64::total_cmp);
    let last = values.len().saturating_sub(1);
    let middle = (values[last / 2] + values[last.div_ceil(2)]) / 2.0;
    RatioQuartiles { median: middle, quartiles: (values[last / 4], values[last - last / 4]) }
}

fn print(comparisons: &[PeerComparison]) {
    print_line("\n              CPU per request          ours / theirs            requests/s        peak memory");
    for PeerComparison { peer, ours, theirs, cpu_ratio, .. } in comparisons {
        let RatioQuartiles { median, quartiles: (low, high) } = cpu_ratio;
        print_line(&format!(
            "{peer:5}  {:7.2} to {:7.2} µs   {median:.3} ({low:.3} to {high:.3})   {:8.0} to {:8.0}   {:6.1} to {:6.1} MB",
            ours.cpu_us_per_request,
            theirs.cpu_us_per_request,
            ours.requests_per_second,
            theirs.requests_per_second,
            megabytes(ours.peak_memory_bytes),
            megabytes(theirs.peak_memory_bytes),
        ));
    }
    print_line("(our median round to the peer's median round; in brackets: the quartiles of all rounds)");
}

#[expect(clippy::cast_precision_loss, reason = "for eyes")]
fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}

#[cfg(test)]
mod tests;
