//! What a result means, against faults that were injected: thirteen of them, each with a seed of its own, none of which the
//! bands were chosen by.

use crate::real::{Backend, out, run, xtask};
use monitoring::ratio::millis;
use monitoring::services::stock_ai::STOCK_AI;
use monitoring::slo::Sli;

/// A fault of the stand-in, and what has to be read from the result.
struct Fault {
    flags: Vec<String>,
    parts: Vec<String>,
}

/// Each endpoint slow by itself, all of them slow, some of them near their promise, and failures of one, of two and of all.
fn faults() -> Vec<Fault> {
    let slow = STOCK_AI.slos.iter().filter(|slo| matches!(slo.sli, Sli::Latency { .. }));
    let delays: Vec<_> = slow.map(|slo| (slo.endpoint().unwrap().name, slo.threshold().unwrap())).collect();
    let delay = |name: &str, by| format!("--delay={name}={}ms", millis(by));
    let mut faults: Vec<_> = delays
        .iter()
        .map(|(name, threshold)| Fault {
            flags: vec![delay(name, *threshold)],
            parts: vec![format!("problem: slower than promised: {name} at "), "its own query logic".to_owned()],
        })
        .collect();
    faults.push(Fault {
        flags: delays.iter().map(|(name, threshold)| delay(name, *threshold)).collect(),
        parts: vec!["problem: 7 of 7 endpoints are slower than promised".to_owned(), "overload".to_owned()],
    });
    // Half the promise on top of its usual third: beyond 80 %, and not beyond all of it.
    faults.push(Fault {
        flags: vec![delay("get_game_data", delays[6].1 * 11 / 20)],
        parts: vec!["warning: promises are kept with little to spare: get_game_data at ".to_owned()],
    });
    let failing = |names: &[&str], parts: [&str; 2]| Fault {
        flags: names.iter().map(|name| format!("--errors={name}=20%")).collect(),
        parts: parts.map(str::to_owned).to_vec(),
    };
    faults.push(failing(&["get_news"], ["requests to get_news alone failed", "by status"]));
    faults
        .push(failing(&["leaderboard", "get_state"], ["requests to get_state, leaderboard alone failed", "by status"]));
    faults.push(Fault {
        flags: vec!["--pool=2".to_owned()],
        parts: vec!["problem: 7 of 7 endpoints are slower than promised".to_owned(), "connection pool".to_owned()],
    });
    let all: Vec<_> = delays.iter().map(|(name, _)| *name).collect();
    faults.push(failing(&all, ["requests to all endpoints failed", "what they have in common fails"]));
    faults
}

#[test]
#[ignore = "loads the stub backend: run with cargo xtask ci"]
fn injected_faults_of_each_kind_are_read_as_what_they_are() {
    // One endpoint that is slow by itself is like another.
    let slow = STOCK_AI.slos.iter().filter(|slo| matches!(slo.sli, Sli::Latency { .. })).count();
    check(|number| number == 0 || number >= slow);
}

mod full {
    #[test]
    #[ignore = "loads the stub backend: run with cargo xtask ci --full"]
    fn thirteen_injected_faults_are_each_read_as_what_they_are() {
        assert_eq!(super::faults().len(), 13);
        super::check(|_| true);
    }
}

fn check(is_wanted: impl Fn(usize) -> bool) {
    let faults = faults();
    let numbered = faults.iter().zip(101..).enumerate().filter(|(number, _)| is_wanted(*number));
    for (_, (fault, seed)) in numbered {
        let seed = seed.to_string();
        let flags: Vec<_> = fault.flags.iter().map(String::as_str).chain(["--seed", &seed]).collect();
        let (backend, out) = (Backend::start(&flags), out("interpretation"));
        let line =
            ["perf", "--stack", "none", "-q", "-u", "20", "-i", "160", "--seed", &seed, "--target", &backend.url];
        let said = run(xtask(&line).args(["--out", out.to_str().unwrap()]));
        let read: Vec<_> = said.text.lines().filter(|line| line.starts_with("reading: ")).collect();
        for part in &fault.parts {
            assert!(
                read.iter().any(|line| line.contains(part)),
                "{flags:?}: {part:?} is not in {read:?}\n{}",
                said.text
            );
        }
    }
}
