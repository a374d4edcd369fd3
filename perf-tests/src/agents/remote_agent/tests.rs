//! Messages that no agent sends: each is taken whole, or its agent is lost.

use monitoring::phase::Phase;
use proptest::prelude::*;
use test_support::shop::SHOP;

use super::*;
use crate::agents::{fold, link, message};
use crate::engine::Stall;
use crate::findings;
use crate::measure::{DurationParts, Failure, Recorder, Sample, SampleKey, Segments};
use crate::plan::{Plan, constant_vus};

const IMPOSSIBLE: &str = "at 00:01: it sent counts that no run has";
const SECOND: Duration = Duration::from_secs(1);

fn layout() -> Layout {
    Layout::new(&SHOP, vec![false])
}

/// An agent whose connection leads nowhere.
fn agent() -> RemoteAgent {
    let (stream, _) = tokio::io::duplex(1);
    let (sender, receiver) = link::open::<ToAgent, _>(Box::new(stream)).unwrap();
    let joined = JoinedAgent { sender, receiver, place: "process 7".to_owned() };
    RemoteAgent::new(1, LoadShare::all(2).next().unwrap(), joined, &Snapshot::new(&layout()))
}

/// Counts of an agent that made this number of requests.
fn counts(requests: u64) -> Snapshot {
    let mut recorder = Recorder::new(layout());
    let started = clock::now();
    for at in 0..requests {
        let finished = started + Duration::from_millis(at + 1);
        let failure = (at % 5 == 0).then_some(Failure::Status);
        let parts = DurationParts::default();
        let sample = Sample { status: Some(200), failure, due: started, started, finished, parts };
        let key = SampleKey { part: 0, endpoint: 0, phase: Phase::Steady, late: false, segments: Segments::default() };
        recorder.record(key, &sample);
    }
    recorder.snapshot()
}

fn load(requests: u64) -> Load {
    let stall = Stall {
        part: 0,
        endpoint: Some(1),
        from: SECOND,
        length: SECOND,
        waiting: 1,
        is_partial: false,
        omitted: vec![(1, 2)],
    };
    Load { stalls: vec![stall], ..Load::not_started(counts(requests)) }
}

fn finished(load: Load) -> FromAgent {
    FromAgent::Finished { load: Box::new(load), leased: vec![0] }
}

/// Why an agent is lost that sends these messages.
fn lost_by(messages: Vec<FromAgent>, aborts_sent: &[AbortCause]) -> Option<String> {
    let mut agent = agent();
    messages.into_iter().for_each(|message| agent.take(SECOND, Ok(message), &layout(), aborts_sent));
    agent.into_load(Snapshot::new(&layout()), vec![0]).lost.map(|(_, why)| why)
}

#[test]
fn counts_that_no_run_has_lose_their_agent() {
    type Change = fn(&mut Load);
    let changes: [(&str, Change); 5] = [
        ("refused", |load| load.snapshot.parts[0].refused[0] = 1),
        ("checks", |load| {
            let tries = load.snapshot.parts[0].checks.entry("has items".into()).or_default();
            tries[0].failed = 1;
        }),
        ("bounds", |load| {
            let cell = load.snapshot.parts[0].cell_mut(0, Phase::Steady);
            cell.parts.pop();
        }),
        ("stall", |load| load.stalls[0].endpoint = Some(99)),
        ("omitted", |load| load.stalls[0].omitted.push((99, 1))),
    ];
    assert_eq!(lost_by(vec![finished(load(9))], &[]), None);
    for (name, change) in changes {
        let mut changed = load(9);
        change(&mut changed);
        let why = lost_by(vec![finished(changed)], &[]);
        assert_eq!(why.as_deref(), Some(IMPOSSIBLE), "{name}");
    }
    let of_two_parts = Snapshot::new(&Layout::new(&SHOP, vec![false, true]));
    assert_eq!(lost_by(vec![FromAgent::Counts(Box::new(of_two_parts))], &[]).as_deref(), Some(IMPOSSIBLE));
}

#[test]
fn an_agent_whose_counts_decrease_is_lost() {
    let sent = |requests| FromAgent::Counts(Box::new(counts(requests)));
    assert_eq!(lost_by(vec![sent(5), sent(5), sent(9), finished(load(9))], &[]), None);
    let smaller = Some("at 00:01: it sent smaller counts than before".to_owned());
    assert_eq!(lost_by(vec![sent(5), sent(4)], &[]), smaller);
    assert_eq!(lost_by(vec![sent(5), finished(load(4))], &[]), smaller);
}

#[test]
fn an_agent_that_ends_early_unasked_is_lost() {
    let interrupted = || finished(Load { interrupted: true, ..load(9) });
    let aborted = || finished(Load { aborted: Some("a reason".to_owned()), ..load(9) });
    for (message, cause, other) in [
        (&interrupted as &dyn Fn() -> FromAgent, AbortCause::Interrupted, AbortCause::Missed),
        (&aborted, AbortCause::Missed, AbortCause::Interrupted),
    ] {
        let why = lost_by(vec![message()], &[other]);
        assert_eq!(why.as_deref(), Some("at 00:01: it ended its load early, and was not asked to"));
        assert_eq!(lost_by(vec![message()], &[other, cause]), None);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn a_message_with_wrong_bytes_is_taken_or_loses_its_agent(
        changes in proptest::collection::vec((any::<prop::sample::Index>(), "[0-9a-z\\[\\]{},:\"\\-.]"), 0..4),
        is_finished in any::<bool>(),
    ) {
        let plan = Plan { parts: vec![constant_vus(6, SECOND * 10).plan("shop", 1, 1).unwrap()], seed: 1 };
        let sent = if is_finished { finished(load(20)) } else { FromAgent::Counts(Box::new(counts(20))) };
        let mut bytes = message::encode(&sent).unwrap();
        let is_changed = !changes.is_empty();
        for (at, byte) in changes {
            let at = 4 + at.index(bytes.len() - 4);
            bytes[at] = byte.as_bytes()[0];
        }
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let arrived = runtime.block_on(message::read::<FromAgent>(&mut &*bytes, message::MAX_MESSAGE));
        let is_message = arrived.is_ok();
        let (mut agent, empty) = (agent(), Snapshot::new(&layout()));
        agent.take(SECOND, arrived, &layout(), &[]);
        if agent.is_active() {
            // It then says no more.
            prop_assert!(is_message);
            agent.take(SECOND * 2, Err(MessageError::Silent), &layout(), &[]);
        }
        let is_taken = matches!(agent.end, Some(RemoteEnd::Finished(_)));
        prop_assert!(is_changed || is_taken == is_finished);
        let all = fold::load(vec![agent.into_load(empty.clone(), vec![0])], &plan, &empty);
        prop_assert!(!all.interrupted && all.aborted.is_none());
        drop(findings::generator_warnings(&plan, &all));
        drop(findings::load_problems(&all, &plan, false));
        let problems = findings::agent_problems(&plan, &all.agents);
        prop_assert!(is_taken || !problems.is_empty(), "{:?}", all.agents);
    }
}
