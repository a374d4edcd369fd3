//! `cargo xtask bench agents`: what a request costs if agents make the load, how many requests more
//! agents make, and what a coordinator of many agents costs.

use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use perf_host::proc;
use perf_report::exit_code::ExitCode;
use perf_report::format::counted;
use perf_settings::{AGENT_JOIN, AGENT_TOKEN, AGENTS, LISTEN, shown_duration};
use tokio::time;

use super::AgentsArgs;
use super::bench_setup::BenchSetup;
use super::peers::{RatioQuartiles, cost, quartiles};
use super::quota::Quota;
use crate::host::terminal::print_line;
use crate::host::{child, ports};

/// Virtual users of the load whose requests are measured.
const VUS: u32 = 50;
/// Numbers of agents that are compared with one process.
const NUMBERS: [u32; 2] = [1, 2];
/// Part of a processor that each agent has in the measurement of throughput, in percent. Two agents
/// and their coordinator fit on one processor, and the server on another.
const QUOTA: u32 = 25;
/// Time over which the coordinator of many agents is measured.
const MEASURED: Duration = Duration::from_secs(10);
/// Time for many agents to join, which all hash their program before.
const JOINING: Duration = Duration::from_secs(120);

pub(super) async fn run(args: &AgentsArgs) -> anyhow::Result<ExitCode> {
    let setup = BenchSetup::start(None).await?;
    print_line(&format!("{VUS} VUs, {} of {} each", counted(args.rounds, "round"), shown_duration(args.duration)));
    let mut rounds: Vec<Vec<f64>> = Vec::new();
    for round in 0..args.rounds {
        let mut costs = vec![0.0; 1 + NUMBERS.len()];
        let length = costs.len();
        for at in 0..length {
            // Another one is first in each round.
            let at = (at + usize::try_from(round)?) % length;
            let mut command = setup.load_by(&setup.generator, VUS, args.duration);
            if let Some(agents) = at.checked_sub(1) {
                command.env(AGENTS, NUMBERS[agents].to_string());
            }
            costs[at] = cost(&setup, &command, args.duration).await?.cpu_us_per_request;
        }
        rounds.push(costs);
        eprintln!("round {} of {}", round + 1, args.rounds);
    }
    let column = |of: &dyn Fn(&[f64]) -> f64| quartiles(rounds.iter().map(|costs| of(costs)).collect());
    print_line("\nprocessor time per request, coordinator included    to one process");
    print_line(&format!("one process   {:6.2} µs", column(&|costs| costs[0]).median));
    for (at, agents) in NUMBERS.into_iter().enumerate() {
        let RatioQuartiles { median, quartiles: (low, high) } = column(&|costs| costs[1 + at] / costs[0]);
        let name = format!("--agents {agents}");
        print_line(&format!(
            "{name:13} {:6.2} µs                             {median:.3} ({low:.3} to {high:.3})",
            column(&|costs| costs[1 + at]).median
        ));
    }
    print_line("(medians of rounds; in brackets: the quartiles)");
    throughput(&setup, args).await?;
    coordinator(&setup, args.many).await?;
    setup.stop().await?;
    Ok(ExitCode::Met)
}

/// Prints how many requests two agents make, compared with one. Each agent has the same part of a
/// processor, and the server has a whole one.
async fn throughput(setup: &BenchSetup, args: &AgentsArgs) -> anyhow::Result<()> {
    if let Err(error) = Quota::new("probe", QUOTA) {
        print_line(&format!("\nrequests by two agents, to one: not measured: {error:#}"));
        return Ok(());
    }
    let mut ratios = Vec::new();
    for round in 0..args.rounds {
        let mut served = [0.0; NUMBERS.len()];
        for at in if round % 2 == 0 { [0, 1] } else { [1, 0] } {
            served[at] = limited_load(setup, NUMBERS[at], args.duration).await?;
        }
        ratios.push(served[1] / served[0]);
        eprintln!("round {} of {}", round + 1, args.rounds);
    }
    let RatioQuartiles { median, quartiles: (low, high) } = quartiles(ratios);
    print_line(&format!(
        "\nrequests by two agents, to one; each has {QUOTA} % of a processor: {median:.2} ({low:.2} to {high:.2})"
    ));
    Ok(())
}

/// The number of requests by agents that have a part of a processor each.
async fn limited_load(setup: &BenchSetup, agents: u32, duration: Duration) -> anyhow::Result<f64> {
    let address = format!("127.0.0.1:{}", ports::free_port()?);
    // Both ends are on this machine, and end with the run.
    let token = "a bench of agents";
    let quotas = (0..agents).map(|at| Quota::new(&at.to_string(), QUOTA)).collect::<anyhow::Result<Vec<_>>>()?;
    let start = |quota: &Quota| {
        let mut agent = quota.command(&setup.generator);
        agent.env(AGENT_JOIN, &address).env(AGENT_TOKEN, token);
        agent.spawn().context("failed to start an agent")
    };
    let processes = quotas.iter().map(start).collect::<anyhow::Result<Vec<_>>>()?;
    let mut coordinator = setup.load_by(&setup.generator, VUS, duration);
    coordinator.env(AGENTS, agents.to_string()).env(LISTEN, &address).env(AGENT_TOKEN, token);
    let requests = cost(setup, &coordinator, duration).await?.requests;
    for process in processes {
        let output = process.wait_with_output().await.context("failed to wait for an agent")?;
        ensure!(output.status.success(), "an agent ended with {}", output.status);
    }
    #[expect(clippy::cast_precision_loss, reason = "a ratio")]
    Ok(requests as f64)
}

/// Prints processor share, memory and received bytes of the coordinator of many agents, which send
/// their counts twice a second, and few requests.
async fn coordinator(setup: &BenchSetup, agents: u32) -> anyhow::Result<()> {
    let before = setup.served_requests().await?;
    let mut command = child::attached(&setup.generator);
    let load = setup.load_by(&setup.generator, agents, JOINING);
    command.envs(load.get_envs().filter_map(|(name, value)| Some((name, value?))));
    command.env(AGENTS, agents.to_string()).arg("thinking");
    let mut process = command.stdout(Stdio::null()).spawn().context("failed to start the coordinator")?;
    let id = process.id().context("the coordinator ended at once")?;
    // Each agent checks that the target responds, and its user thinks before its first request.
    let all_joined = before + u64::from(2 * agents);
    let joined = time::timeout(JOINING, async {
        while setup.served_requests().await? < all_joined {
            time::sleep(Duration::from_millis(200)).await;
        }
        anyhow::Ok(())
    });
    joined.await.context("the agents did not begin their load")??;
    let received = received_bytes(id);
    let from = proc::processor_time(id).context("this system does not report the processor time of processes")?;
    time::sleep(MEASURED).await;
    let to = proc::processor_time(id).context("the coordinator ended early")?;
    let received = received.zip(received_bytes(id)).map(|(from, to)| to.saturating_sub(from) / MEASURED.as_secs());
    let (_, memory) = proc::peak_memory(id).context("the coordinator ended early")?;
    process.kill().await.context("failed to stop the coordinator")?;
    let received = received.map_or_else(
        || "unknown without ss (iproute2)".to_owned(),
        |bytes| format!("{} KB a second, {} bytes from each", bytes / 1_000, bytes / u64::from(agents)),
    );
    print_line(&format!(
        "\na coordinator of {}: {:.1} % of a processor, peak memory {} MB, received bytes: {received}",
        counted(agents.into(), "agent"),
        (to - from).as_secs_f64() / MEASURED.as_secs_f64() * 100.0,
        memory / 1_000_000
    ));
    Ok(())
}

/// Bytes that the open connections of a process have received. `None` without `ss`.
fn received_bytes(id: u32) -> Option<u64> {
    let mut command = child::foreground("ss");
    command.args(["--no-header", "--oneline", "--tcp", "--numeric", "--processes", "--info"]);
    let output = command.stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
    let process = format!(",pid={id},");
    let text = String::from_utf8_lossy(&output.stdout);
    let words = text.lines().filter(|line| line.contains(&process)).flat_map(str::split_whitespace);
    let bytes = |word: &str| word.strip_prefix("bytes_received:")?.parse::<u64>().ok();
    output.status.success().then(|| words.filter_map(bytes).sum())
}
