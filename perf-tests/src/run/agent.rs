//! A run's agent: makes its share of a coordinator's load. It writes no report, pushes nothing, and
//! prints only why it ended early.

use std::io::Write as _;
use std::sync::Arc;

use perf_report::exit_code::ExitCode;
use perf_report::outcome_log::AGENT_LINE;

use super::spec::SetupSource;
use super::{
    Planning, RunError, RunSpec, ScenarioCode, capacity, check, configuration, counts_layout, hosts, internal,
    run_context,
};
use crate::agents::{self, Agent, AgentEnd, Assignment};
use crate::engine::{self, Job, Leases, WakeupMode};
use crate::env_variables::AgentJoin;
use crate::http::HttpConfig;
use crate::terminal::Notes;

pub(crate) fn run_agent(spec: RunSpec, code: ScenarioCode, join: &AgentJoin) -> ExitCode {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(internal);
    let mut is_here = false;
    let result = runtime.and_then(|runtime| runtime.block_on(take_part(spec, code, join, &mut is_here)));
    let Err(error) = result else { return ExitCode::Met };
    // On its own machine, the coordinator prints what it knows.
    let is_known = match &error {
        RunError::AgentEnd(end) => matches!(end, AgentEnd::Lost(_)),
        _ => true,
    };
    if !is_here || !is_known {
        print(&error.to_string());
    }
    error.code()
}

/// Prints a line about this agent. It is not `eprintln`, which Rust's test harness captures and
/// loses when the process exits.
fn print(text: &str) {
    // If this fails, the exit code remains.
    let _ = writeln!(std::io::stderr(), "{AGENT_LINE}{text}");
}

/// Joins the run, and makes a share of its load. `is_here` becomes true if the coordinator runs on
/// this machine.
async fn take_part(
    mut spec: RunSpec,
    code: ScenarioCode,
    join: &AgentJoin,
    is_here: &mut bool,
) -> Result<(), RunError> {
    let hello = match &join.build {
        Some(build) => agents::hello_of_build(build.clone(), spec.name, spec.catalogue, &join.token),
        None => agents::hello(spec.name, spec.catalogue, &join.token).map_err(internal)?,
    };
    let (mut agent, assignment) = Agent::join(join, hello, print).await?;
    *is_here = assignment.threads.is_some();
    let (planning, http) = match prepare(&mut spec, &assignment).await {
        Ok(prepared) => prepared,
        Err(error) => {
            agent.fail(error.to_string()).await;
            return Err(error);
        }
    };
    let value = agent.prepared(planning.hash().to_owned()).await?;
    let body = match (code.0)(SetupSource::Received(&value)).await {
        Ok(body) => body,
        Err(error) => {
            let why = format!("setup's value cannot be read: {error:#}");
            agent.fail(why.clone()).await;
            return Err(RunError::Configuration(why.into()));
        }
    };
    drop(value);
    let load_start = agent.ready().await?;
    let job = Job {
        plan: &planning.plan,
        run: Arc::new(run_context(&spec, &planning, &assignment.settings.tags, &http)),
        layout: counts_layout(&spec, &planning.plan),
        iterations: spec.chosen(body.iterations),
        wakeup: WakeupMode::new(assignment.settings.exact_arrivals),
        limits: check::stall_limits(spec.catalogue),
        share: assignment.share,
        leases: Some(Arc::new(Leases::new(&planning.plan))),
        load_start,
        threads: assignment.threads.unwrap_or_else(engine::processors),
    };
    Ok(agent.run(job).await?)
}

/// Makes the checks of a run that depend on the machine.
async fn prepare(spec: &mut RunSpec, assignment: &Assignment) -> Result<(Planning, Arc<HttpConfig>), RunError> {
    let Assignment { settings, loads, seed, share, .. } = assignment;
    spec.choose(settings)?;
    let planning = Planning::new(loads.clone(), spec, *seed, Notes::Suppressed)?;
    // Warnings about ports are the coordinator's.
    let vus = share.most_vus(&planning.plan) as u64;
    capacity::check(vus, vus, 1 + settings.hosts.len())?;
    let http = HttpConfig::new(&settings.target, &settings.hosts, settings.http.clone()).map_err(configuration)?;
    let http = Arc::new(http.for_vus(planning.plan.most_vus()));
    let checked = hosts::check_targets(&spec.exercised, settings, &http).await;
    let note = "The coordinator reaches it, and this agent's machine does not";
    checked.map_err(|error| match assignment.threads {
        Some(_) => RunError::Host(error),
        None => RunError::HostOfSeveral { error, note },
    })?;
    Ok((planning, http))
}
