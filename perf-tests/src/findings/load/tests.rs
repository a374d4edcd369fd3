//! Tests of `load`.

use perf_report::evidence::AgentResult;

use super::*;
use crate::findings::agent_problems;
use crate::measure::{AgentHealth, Snapshot};
use crate::plan::{LoadProfile, constant_arrival_rate, constant_vus};

fn agent(number: u32) -> AgentResult {
    AgentResult {
        clock_offset_ms: Some(3_600_000.0),
        clock_error_ms: Some(1.0),
        clock_drift_ms: Some(0.0),
        clock_drift_error_ms: Some(1.0),
        start_skew_ms: 50.0,
        ..AgentResult::new(number, Some("process 7 on node-3".to_owned()))
    }
}

#[test]
fn iterations_of_a_stopped_shard_are_not_blamed_on_the_target() {
    let layout = crate::measure::Layout::new(&test_support::shop::SHOP, vec![false]);
    let mut load = Load::not_started(Snapshot::new(&layout));
    load.snapshot.parts[0].iterations.interrupted = 5;
    load.agents = vec![AgentResult { is_shard: true, ..agent(1) }];
    let plan = Plan { parts: vec![constant_vus(5, Duration::from_secs(40)).plan("a", 1, 1).unwrap()], seed: 1 };
    let kinds = |load: &Load| load_problems(load, &plan, false).iter().map(|it| it.kind).collect::<Vec<_>>();
    assert_eq!(kinds(&load), [FindingKind::IterationsCutOff]);
    load.agents[0].lost = Some("stopped by a signal at 00:03".to_owned());
    assert_eq!(kinds(&load), []);
}

#[test]
fn a_signal_during_the_load_is_named_with_its_time() {
    let plan = Plan { parts: vec![constant_vus(5, Duration::from_secs(40)).plan("a", 1, 1).unwrap()], seed: 1 };
    let layout = crate::measure::Layout::new(&test_support::shop::SHOP, vec![false]);
    let mut load = Load::not_started(Snapshot::new(&layout));
    let at = |load: &Load, seconds| {
        let finding = stopped_by_signal(load, &plan, Duration::from_secs(seconds));
        (finding.subject, finding.message)
    };
    assert_eq!(at(&load, 40).0, Subject::Run);
    load.interrupted = true;
    for (seconds, clock) in [(21, "00:21"), (70, "00:40")] {
        assert_eq!(at(&load, seconds), (Subject::Load, format!("stopped by a signal at {clock} of 00:40")));
    }
}

#[test]
fn iterations_that_failed_early_warn_that_the_load_may_have_been_higher() {
    let second = Duration::from_secs(1);
    let warning = |load: LoadProfile, completed, failed| {
        let layout = crate::measure::Layout::new(&test_support::shop::SHOP, vec![false]);
        let mut counts = Snapshot::new(&layout).parts.remove(0);
        counts.iterations = IterationCounts { completed, failed, interrupted: 0 };
        early_failures_warning(&load.plan("offers", 1, 1).unwrap(), &counts).map(|it| it.message)
    };
    let closed = || constant_vus(10, second);
    let message = warning(closed(), 4200, 4112).unwrap();
    assert!(message.starts_with("4,112 of 4,200 iterations of offers failed before any think time"), "{message}");
    assert_eq!(warning(closed(), 4200, 2110), None, "half, as each VU's last is followed by no other");
    assert!(warning(closed(), 4200, 2111).is_some());
    assert_eq!(warning(closed(), 10, 10), None);
    assert_eq!(warning(closed().min_iteration_duration(second), 4200, 4112), None, "the pace stays");
    assert_eq!(warning(constant_arrival_rate(100, second, second, 10), 4200, 4112), None, "the rate stays");
}

#[test]
fn agents_that_were_lost_or_late_make_a_run_inconclusive() {
    let plan = Plan { parts: vec![constant_vus(5, Duration::from_secs(1)).plan("a", 1, 1).unwrap()], seed: 1 };
    assert_eq!(agent_problems(&plan, &[agent(1), agent(2)]), [], "an offset is corrected, and 50 ms are allowed");
    let late = AgentResult { start_skew_ms: 80.4, ..agent(2) };
    let lost = AgentResult { lost: Some("at 00:03: it was silent for 5 s".to_owned()), ..agent(2) };
    let messages = [late, lost].map(|second| {
        let [problem] = agent_problems(&plan, &[agent(1), second]).try_into().unwrap();
        assert_eq!(problem.exit_code, Some(ExitCode::Inconclusive));
        problem.message
    });
    assert!(messages[0].starts_with("agent 2 of 2 (process 7 on node-3) began 80 ms late"), "{}", messages[0]);
    let expected = "agent 2 of 2 (process 7 on node-3) was lost at 00:03: it was silent for 5 s. It had 2 of 5 VUs";
    assert!(messages[1].starts_with(expected), "{}", messages[1]);
}

/// The only problem of a run of three agents. The second one is as given.
fn problem(second: AgentResult) -> Finding {
    let plan = Plan { parts: vec![constant_vus(7, Duration::from_secs(1)).plan("a", 1, 1).unwrap()], seed: 1 };
    let [problem] = agent_problems(&plan, &[agent(1), second, agent(3)]).try_into().unwrap();
    problem
}

#[test]
fn a_slow_agent_is_named_with_its_share() {
    let slow = problem(AgentResult { untaken: 1234, ..agent(2) });
    assert_eq!((slow.exit_code, slow.kind), (Some(ExitCode::Inconclusive), FindingKind::AgentSlow));
    let expected = "agent 2 of 3 (process 7 on node-3) was slow: it did not begin 1,234 shared iterations";
    assert!(slow.message.starts_with(expected) && slow.message.contains("It had 2 of 7 VUs"), "{slow}");
    let plan = Plan { parts: vec![constant_vus(7, Duration::from_secs(1)).plan("a", 1, 1).unwrap()], seed: 1 };
    let all_slow = [1, 2].map(|number| AgentResult { untaken: 5, ..agent(number) });
    assert_eq!(agent_problems(&plan, &all_slow), [], "the target was slow, or the time too short");
}

#[test]
fn a_clock_that_drifted_makes_a_run_inconclusive() {
    let with_drift =
        |drift, error| AgentResult { clock_drift_ms: Some(drift), clock_drift_error_ms: Some(error), ..agent(2) };
    let plan = Plan { parts: vec![constant_vus(7, Duration::from_secs(1)).plan("a", 1, 1).unwrap()], seed: 1 };
    assert_eq!(agent_problems(&plan, &[agent(1), with_drift(-49.0, 1.0)]), []);
    let drifted = problem(with_drift(-49.0, 1.5));
    assert_eq!((drifted.exit_code, drifted.kind), (Some(ExitCode::Inconclusive), FindingKind::AgentSkewed));
    let expected = "agent 2 of 3 (process 7 on node-3) had a clock that drifted by -49 ms during the load";
    assert!(drifted.message.starts_with(expected), "{drifted}");
}

fn healths(shares: [Option<f64>; 3], health: impl Fn(Option<f64>) -> GeneratorHealth) -> Vec<AgentHealth> {
    (1..).zip(shares).map(|(agent, share)| AgentHealth { agent, health: health(share) }).collect()
}

/// The only warning about a load of three agents, with these shares of a kind.
fn warning(shares: [Option<f64>; 3], health: impl Fn(Option<f64>) -> GeneratorHealth) -> String {
    let plan = Plan { parts: vec![constant_vus(7, Duration::from_secs(1)).plan("a", 1, 1).unwrap()], seed: 1 };
    let layout = crate::measure::Layout::new(&test_support::shop::SHOP, vec![false]);
    let agent_healths = healths(shares, health);
    let worst = agent_healths.iter().fold(GeneratorHealth::default(), |worst, it| worst.worst(it.health));
    let agents = [1, 2, 3].map(agent).into();
    let load = Load { health: worst, agents, agent_healths, ..Load::not_started(Snapshot::new(&layout)) };
    let [warning] = generator_warnings(&plan, &load).try_into().unwrap();
    warning.message
}

#[test]
fn an_agent_that_its_limit_or_its_hypervisor_stops_is_named() {
    let throttled =
        warning([Some(0.01), Some(0.45), None], |throttled| GeneratorHealth { throttled, ..<_>::default() });
    let expected = "agent 2 of 3 (process 7 on node-3) was throttled in 45";
    assert!(throttled.starts_with(expected) && throttled.ends_with("(--pod-cpu)"), "{throttled}");
    let stolen = warning([Some(0.01), None, Some(0.3)], |steal| GeneratorHealth { steal, ..<_>::default() });
    let expected = "the hypervisor of the machine of agent 3 of 3 (process 7 on node-3) gave 30";
    assert!(stolen.starts_with(expected), "{stolen}");
}

#[test]
fn late_arrivals_name_the_agent_that_began_latest() {
    let second = Duration::from_secs(1);
    let part = constant_arrival_rate(100, second, second, 10).plan("a", 1, 1).unwrap();
    let layout = crate::measure::Layout::new(&test_support::shop::SHOP, vec![true]);
    let mut load = Load::not_started(Snapshot::new(&layout));
    let late = |number, ms| AgentResult { lateness_p99_ms: Some(ms), ..agent(number) };
    load.agents = vec![late(1, 0.4), late(2, 812.3), agent(3)];
    let mut counts = load.snapshot.parts[0].clone();
    (counts.late, counts.dropped[0]) = (50, 0);
    for dropped in [0, 3] {
        counts.dropped[0] = dropped;
        let message = delivery_warning(&part, &counts, &load).unwrap().message;
        let named = "; agent 2 of 3 (process 7 on node-3) began its arrivals latest, 1 % of them more than 812 ms late";
        assert!(message.contains(named), "{message}");
    }
    load.agents[1].lateness_p99_ms = Some(0.5);
    assert!(!delivery_warning(&part, &counts, &load).unwrap().message.contains("agent"));
}

#[test]
fn an_unknown_drift_of_a_clock_is_a_warning() {
    let unmeasured = |number| AgentResult { clock_drift_ms: None, clock_drift_error_ms: None, ..agent(number) };
    let lost = AgentResult { lost: Some("at 00:01: it was silent for 5 s".to_owned()), ..unmeasured(3) };
    let shard = AgentResult { is_shard: true, ..unmeasured(4) };
    let warnings: Vec<_> = unknown_drifts(&[agent(1), unmeasured(2), lost, shard]).collect();
    let [warning] = warnings.try_into().unwrap();
    assert_eq!((warning.exit_code, warning.kind), (None, FindingKind::AgentSkewed));
    let expected = "the clock of agent 2 of 4 (process 7 on node-3) was not measured at the end";
    assert!(warning.message.starts_with(expected), "{warning}");
}

#[test]
fn findings_about_the_generator_name_the_agent() {
    let layout = crate::measure::Layout::new(&test_support::shop::SHOP, vec![false]);
    let mut load = Load::not_started(Snapshot::new(&layout));
    let plan = Plan { parts: vec![constant_vus(5, Duration::from_secs(1)).plan("a", 1, 1).unwrap()], seed: 1 };
    (load.health.cpu, load.snapshot.parts[0].iterations.interrupted) = (Some(0.97), 5);
    let messages = |load: &Load| {
        let [busy] = generator_warnings(&plan, load).try_into().unwrap();
        let [cut] = load_problems(load, &plan, false).try_into().unwrap();
        [busy, cut].map(|finding: Finding| finding.message)
    };
    let [busy, cut] = messages(&load);
    assert!(busy.starts_with("the generator was at its limit (97"), "{busy}");
    assert!(cut.starts_with("5 iterations cut off") && cut.contains("--rps is too low"), "{cut}");
    load.agents = vec![agent(1), AgentResult { cut_off: 5, ..agent(2) }, agent(3)];
    load.agent_healths = healths([Some(0.2), Some(0.97), None], |cpu| GeneratorHealth { cpu, ..load.health });
    let [busy, cut] = messages(&load);
    assert!(busy.starts_with("agent 2 of 3 (process 7 on node-3) was at its limit (97"), "{busy}");
    assert!(cut.starts_with("5 iterations of agent 2 of 3 (process 7 on node-3) cut off"), "{cut}");
    load.agents[0].cut_off = 1;
    assert!(messages(&load)[1].starts_with("5 iterations of agents 1, 2 cut off"));
    load.agents[2].cut_off = 1;
    assert!(messages(&load)[1].starts_with("5 iterations cut off"));
}
