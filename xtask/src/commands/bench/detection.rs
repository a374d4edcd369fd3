//! `cargo xtask bench gate`: simulates how often a comparison detects a slow-down of a given size,
//! and draws this operating characteristic.

use perf_compare::significance::simulation::{ENDPOINTS, QUIET, ResultRate, SHARED_RUNNER, SimulatedMachine};
use perf_report::comparison::{Conclusion, Rule};
use perf_report::exit_code::ExitCode;
use perf_report::render::html;

use crate::host::terminal::print_line;
use crate::host::{files, workspace};

/// The picture in monitoring/compare/README.md.
const PICTURE: &str = "monitoring/operating-characteristic.svg";
/// Simulated slow-downs of one endpoint, in thousandths.
const CHANGES: std::ops::RangeInclusive<u32> = 0..=200;
const STEP: usize = 10;
const SEED: u64 = 7;

/// Simulates, prints a table, and writes the picture.
pub(super) fn run(gates: usize) -> anyhow::Result<ExitCode> {
    let rule = Rule::default();
    let [quiet, busy] = std::thread::scope(|scope| {
        let curve = |machine: &'static SimulatedMachine| scope.spawn(move || curve(machine, rule, gates));
        [&QUIET, &SHARED_RUNNER].map(curve).map(|thread| thread.join().unwrap_or_default())
    });
    anyhow::ensure!(!quiet.is_empty() && !busy.is_empty(), "a simulation panicked");
    print_line(&format!(
        "slow-down  quiet    shared runner   share of {gates} comparisons that call the one slower endpoint of {ENDPOINTS} regressed"
    ));
    for ((change, quiet), (_, busy)) in quiet.iter().zip(&busy) {
        print_line(&format!("{:>7.0} %  {:>6.1} %  {:>6.1} %", change * 100.0, quiet * 100.0, busy * 100.0));
    }
    let path = workspace::root().join(PICTURE);
    let svg = html::operating_characteristic(&busy, &quiet, rule.margin, rule.detect);
    files::write(&path, svg)?;
    print_line(PICTURE);
    Ok(ExitCode::Met)
}

/// Pairs of a slow-down and the share of comparisons that call the slower endpoint regressed.
fn curve(machine: &SimulatedMachine, rule: Rule, gates: usize) -> Vec<(f64, f64)> {
    let at = |thousandths: u32| {
        let change = f64::from(thousandths) / 1e3;
        let mut slowed = [0.0; ENDPOINTS];
        slowed[0] = change;
        let comparisons = machine.comparisons(SEED, gates, rule, slowed);
        let rate = ResultRate::count(comparisons, |conclusions| conclusions[0] == Conclusion::Regressed);
        (change, rate.share())
    };
    CHANGES.step_by(STEP).map(at).collect()
}
