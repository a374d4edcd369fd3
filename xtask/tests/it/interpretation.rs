//! Tests of the findings that explain a result, with thirteen injected faults.
//!
//! Each fault has a seed of its own. The bands of the findings were chosen with other seeds.

use crate::real::{Backend, out, report, run, xtask};
use monitoring::ratio::millis;
use monitoring::services::stock_ai::STOCK_AI;
use perf_report::findings::run_findings;

/// Flags of the stub backend for a fault, and the parts of the expected findings.
struct Fault {
    flags: Vec<String>,
    parts: Vec<String>,
}

/// Each endpoint slow, all slow, one near its objective, and failures of one, of two and of all.
fn faults() -> Vec<Fault> {
    let slow = STOCK_AI.slos.iter().filter(|slo| slo.is_latency());
    let delays: Vec<_> = slow.map(|slo| (slo.endpoint().unwrap().name, slo.threshold().unwrap())).collect();
    let delay = |name: &str, by| format!("--delay={name}={}ms", millis(by));
    let mut faults: Vec<_> = delays
        .iter()
        .map(|(name, threshold)| Fault {
            flags: vec![delay(name, *threshold)],
            parts: vec![
                format!("warning: {name} was over its objective from the start"),
                format!("Check the handler of {name}"),
            ],
        })
        .collect();
    faults.push(Fault {
        flags: delays.iter().map(|(name, threshold)| delay(name, *threshold)).collect(),
        parts: vec!["problem: 7 of 7 endpoints are slower than their objectives".to_owned(), "overload".to_owned()],
    });
    // 55 % of the objective on top of the usual third of it: more than 80 %, and less than 100 %.
    faults.push(Fault {
        flags: vec![delay("get_game_data", delays[6].1 * 11 / 20)],
        parts: vec!["warning: latencies are close to their limits: get_game_data at ".to_owned()],
    });
    let failing = |names: &[&str], parts: [&str; 2]| Fault {
        flags: names.iter().map(|name| format!("--errors={name}=20%")).collect(),
        parts: parts.map(str::to_owned).to_vec(),
    };
    faults.push(failing(&["get_news"], ["requests to get_news failed (", "× 500 Internal Server Error {"]));
    faults.push(failing(
        &["leaderboard", "get_state"],
        ["requests to get_state, leaderboard failed (", "× 500 Internal Server Error {"],
    ));
    faults.push(Fault {
        flags: vec!["--pool=2".to_owned()],
        parts: vec![
            "problem: 7 of 7 endpoints are slower than their objectives".to_owned(),
            "connection pool".to_owned(),
        ],
    });
    let all: Vec<_> = delays.iter().map(|(name, _)| *name).collect();
    faults.push(failing(&all, ["requests to all endpoints failed (", "See the service's log"]));
    faults
}

#[test]
#[ignore = "loads the stub backend: run with cargo xtask ci"]
fn each_kind_of_fault_has_the_right_finding() {
    // One slow endpoint stands for the others.
    let slow = STOCK_AI.slos.iter().filter(|slo| slo.is_latency()).count();
    check(|number| number == 0 || number >= slow);
}

mod full {
    #[test]
    #[ignore = "loads the stub backend: run with cargo xtask ci --full"]
    fn all_thirteen_faults_have_the_right_finding() {
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
        let output = run(xtask(&line).args(["--out", out.to_str().unwrap()]));
        // The terminal has the causes of failed requests, and the pages the number of them, too.
        let of_pages = run_findings(&report(&out)).into_iter().map(|finding| finding.to_string());
        let findings: Vec<_> = output.text.lines().map(str::to_owned).chain(of_pages).collect();
        for part in &fault.parts {
            assert!(
                findings.iter().any(|line| line.contains(part)),
                "{flags:?}: {part:?} is not in {findings:?}\n{}",
                output.text
            );
        }
    }
}
