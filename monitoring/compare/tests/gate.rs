//! How often the gate is right: thousands of comparisons on machines that drift and burst, each calibrated first.

use perf_compare::gate::simulation::{ENDPOINTS, FindingRate, MACHINES, Machine};
use perf_report::comparison::{Conclusion, Rule};
use rand::SeedableRng as _;
use rand_chacha::ChaCha8Rng;

const RULE: Rule = Rule { alpha: 0.05, margin: 0.05, detect: 0.10 };
const GATES: usize = 1_600;
/// To show a rate of at most 0.1 %, none of 2995 is the least (0.05^(1/2995) is 0.999).
const GATES_OF_DIRECTION: usize = 3_300;

fn any(wanted: Conclusion) -> impl Fn(&[Conclusion; ENDPOINTS]) -> bool {
    move |findings| findings.contains(&wanted)
}

fn one(change: f64) -> [f64; ENDPOINTS] {
    let mut slowed = [0.0; ENDPOINTS];
    slowed[0] = change;
    slowed
}

fn on_each_machine(judge: impl Fn(&str, &Machine) + Sync) {
    let judge = &judge;
    std::thread::scope(|scope| {
        for (name, machine) in &MACHINES {
            scope.spawn(move || judge(name, machine));
        }
    });
}

fn say(name: &str, what: &str, rate: FindingRate) {
    println!(
        "{name}: {what}: {} of {} ({:.2} %; 95 % bounds {:.2} % and {:.2} %)",
        rate.found,
        rate.of,
        rate.share() * 100.0,
        rate.at_least() * 100.0,
        rate.at_most() * 100.0
    );
}

#[test]
fn the_same_code_is_seldom_called_worse() {
    on_each_machine(|name, machine| {
        let rate = machine.rate(1, GATES, RULE, &[0.0; ENDPOINTS], any(Conclusion::Regressed));
        say(name, "A/A called regressed", rate);
        assert!(rate.of > GATES * 9 / 10 && rate.at_most() <= 0.05, "{name}: {rate:?}");
    });
}

/// The worst that is still no regression: every endpoint slower by the margin.
#[test]
fn a_change_of_just_the_margin_is_seldom_called_worse() {
    on_each_machine(|name, machine| {
        let rate = machine.rate(2, GATES, RULE, &[RULE.margin; ENDPOINTS], any(Conclusion::Regressed));
        say(name, "all slower by just the margin, called regressed", rate);
        assert!(rate.at_most() <= 0.05, "{name}: {rate:?}");
    });
}

#[test]
fn a_tenth_slower_is_found() {
    on_each_machine(|name, machine| {
        let rate = machine.rate(3, GATES, RULE, &one(0.10), |findings| findings[0] == Conclusion::Regressed);
        say(name, "one endpoint 10 % slower, found", rate);
        assert!(rate.of > GATES * 9 / 10 && rate.at_least() >= 0.95, "{name}: {rate:?}");
    });
}

#[test]
fn the_direction_is_right() {
    on_each_machine(|name, machine| {
        for (change, wrong) in [(0.10, Conclusion::Improved), (-0.10, Conclusion::Regressed)] {
            let rate = machine.rate(4, GATES_OF_DIRECTION, RULE, &one(change), move |findings| findings[0] == wrong);
            say(name, &format!("{change:+} called {}", wrong.describe()), rate);
            assert!(rate.at_most() <= 0.001, "{name}: {rate:?}");
        }
    });
}

/// What is called unchanged may not hide what must not go unseen.
#[test]
fn a_tenth_slower_is_seldom_called_unchanged() {
    on_each_machine(|name, machine| {
        let rate = machine.rate(5, GATES, RULE, &one(RULE.detect), |findings| findings[0] == Conclusion::NoChangeSeen);
        say(name, "one endpoint 10 % slower, called unchanged", rate);
        assert!(rate.at_most() <= 0.05, "{name}: {rate:?}");
    });
}

/// Looks cost certainty, and what they leave is enough.
#[test]
fn looks_before_the_end_find_as_much_and_raise_no_more_alarms() {
    const LOOKS: usize = 3;
    on_each_machine(|name, machine| {
        let with_looks = |seed, slowed: [f64; ENDPOINTS], looked_for: &dyn Fn(&[Conclusion; ENDPOINTS]) -> bool| {
            let mut rng = ChaCha8Rng::seed_from_u64(seed);
            let gates = (0..GATES).filter_map(|_| machine.gate(&mut rng, RULE, &slowed, LOOKS));
            FindingRate::of(gates, looked_for)
        };
        let false_alarms = with_looks(6, [RULE.margin; ENDPOINTS], &any(Conclusion::Regressed));
        say(name, "three looks, all slower by just the margin, called regressed", false_alarms);
        let found = with_looks(7, one(0.10), &|findings| findings[0] == Conclusion::Regressed);
        say(name, "three looks, one endpoint 10 % slower, found", found);
        assert!(false_alarms.at_most() <= 0.05, "{name}: {false_alarms:?}");
        assert!(found.of > GATES * 8 / 10 && found.at_least() >= 0.95, "{name}: {found:?}");
    });
}

/// Runs that do not take turns: what the machine did between them is blamed on nobody, and what one endpoint did alone is seen where the machine
/// is quiet enough.
#[test]
fn recorded_runs_raise_no_more_alarms() {
    on_each_machine(|name, machine| {
        let compared = |seed, slowed: [f64; ENDPOINTS], looked_for: &dyn Fn(&[Conclusion; ENDPOINTS]) -> bool| {
            let mut rng = ChaCha8Rng::seed_from_u64(seed);
            FindingRate::of((0..GATES).map(|_| machine.recorded(&mut rng, RULE, &slowed)), looked_for)
        };
        let false_alarms = compared(8, [0.0; ENDPOINTS], &any(Conclusion::Regressed));
        say(name, "same code, recorded twice, called regressed", false_alarms);
        let found = compared(9, one(0.10), &|findings| findings[0] == Conclusion::Regressed);
        say(name, "recorded twice, one endpoint 10 % slower, found", found);
        assert!(false_alarms.at_most() <= 0.05, "{name}: {false_alarms:?}");
        assert!(name != "quiet" || found.at_least() >= 0.95, "{name}: {found:?}");
    });
}
