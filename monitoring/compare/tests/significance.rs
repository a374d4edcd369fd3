//! Error rates of the statistics, from thousands of simulated comparisons on machines with drift
//! and bursts. Each comparison is calibrated first.

use perf_compare::significance::simulation::{ENDPOINTS, QUIET, ResultRate, SHARED_RUNNER, SimulatedMachine};
use perf_report::comparison::{Conclusion, Rule};
use rand::SeedableRng as _;
use rand_chacha::ChaCha8Rng;
use statrs::distribution::{Beta, ContinuousCDF as _};

const RULE: Rule = Rule { alpha: 0.05, margin: 0.05, detect: 0.10 };
const COMPARISONS: usize = 1_600;
/// A rate of at most 0.1 % needs at least 2995 comparisons without an error, since
/// 0.05^(1/2995) is 0.999.
const COMPARISONS_OF_DIRECTION: usize = 3_300;

/// A laptop in use.
const LAPTOP: SimulatedMachine =
    SimulatedMachine { noise: 0.015, wander: 0.01, drift: 0.005, bursts: 0.02, burst: 0.05 };

/// Bounds of the true share, each with 95 % confidence (Clopper and Pearson, Biometrika 26, 1934).
trait Bounds {
    fn upper_bound(self) -> f64;
    fn lower_bound(self) -> f64;
}

impl Bounds for ResultRate {
    fn upper_bound(self) -> f64 {
        quantile(self.matching + 1, self.all - self.matching, 0.95).unwrap_or(1.0)
    }

    fn lower_bound(self) -> f64 {
        quantile(self.matching, self.all - self.matching + 1, 0.05).unwrap_or(0.0)
    }
}

/// Quantile of the beta distribution. `None` if a parameter is zero, where the distribution is a
/// single point.
fn quantile(a: usize, b: usize, at: f64) -> Option<f64> {
    Some(Beta::new(a as f64, b as f64).ok()?.inverse_cdf(at))
}

#[test]
fn bounds_of_a_share_match_published_values() {
    let none = ResultRate { matching: 0, all: 3_000 };
    assert!((none.upper_bound() - (1.0 - 0.05_f64.powf(1.0 / 3_000.0))).abs() < 1e-9);
    assert!(none.lower_bound().abs() < 1e-12);
    // R's binom.test(95, 100): 0.8989… one-sided.
    let most = ResultRate { matching: 95, all: 100 };
    assert!((most.lower_bound() - 0.897_740).abs() < 1e-3, "{}", most.lower_bound());
}

fn any(wanted: Conclusion) -> impl Fn(&[Conclusion; ENDPOINTS]) -> bool {
    move |conclusions| conclusions.contains(&wanted)
}

fn one(change: f64) -> [f64; ENDPOINTS] {
    let mut slowed = [0.0; ENDPOINTS];
    slowed[0] = change;
    slowed
}

fn on_each_machine(judge: impl Fn(&str, &SimulatedMachine) + Sync) {
    let judge = &judge;
    std::thread::scope(|scope| {
        for (name, machine) in [("quiet", QUIET), ("laptop", LAPTOP), ("shared runner", SHARED_RUNNER)] {
            scope.spawn(move || judge(name, &machine));
        }
    });
}

fn print_rate(name: &str, what: &str, rate: ResultRate) {
    println!(
        "{name}: {what}: {} of {} ({:.2} %; 95 % bounds {:.2} % and {:.2} %)",
        rate.matching,
        rate.all,
        rate.share() * 100.0,
        rate.lower_bound() * 100.0,
        rate.upper_bound() * 100.0
    );
}

#[test]
fn the_same_code_is_rarely_called_regressed() {
    on_each_machine(|name, machine| {
        let comparisons = machine.comparisons(1, COMPARISONS, RULE, [0.0; ENDPOINTS]);
        let rate = ResultRate::count(comparisons, any(Conclusion::Regressed));
        print_rate(name, "A/A called regressed", rate);
        assert!(rate.all > COMPARISONS * 9 / 10 && rate.upper_bound() <= 0.05, "{name}: {rate:?}");
    });
}

/// The largest change that is not a regression: every endpoint is slower by the margin.
#[test]
fn a_change_equal_to_the_margin_is_rarely_called_regressed() {
    on_each_machine(|name, machine| {
        let comparisons = machine.comparisons(2, COMPARISONS, RULE, [RULE.margin; ENDPOINTS]);
        let rate = ResultRate::count(comparisons, any(Conclusion::Regressed));
        print_rate(name, "all slower by the margin, called regressed", rate);
        assert!(rate.upper_bound() <= 0.05, "{name}: {rate:?}");
    });
}

#[test]
fn a_slow_down_of_ten_percent_is_detected() {
    on_each_machine(|name, machine| {
        let comparisons = machine.comparisons(3, COMPARISONS, RULE, one(0.10));
        let rate = ResultRate::count(comparisons, |conclusions| conclusions[0] == Conclusion::Regressed);
        print_rate(name, "one endpoint 10 % slower, detected", rate);
        assert!(rate.all > COMPARISONS * 9 / 10 && rate.lower_bound() >= 0.95, "{name}: {rate:?}");
    });
}

#[test]
fn the_direction_of_a_change_is_right() {
    on_each_machine(|name, machine| {
        for (change, wrong) in [(0.10, Conclusion::Improved), (-0.10, Conclusion::Regressed)] {
            let comparisons = machine.comparisons(4, COMPARISONS_OF_DIRECTION, RULE, one(change));
            let rate = ResultRate::count(comparisons, |conclusions| conclusions[0] == wrong);
            print_rate(name, &format!("{change:+} called {}", wrong.describe()), rate);
            assert!(rate.upper_bound() <= 0.001, "{name}: {rate:?}");
        }
    });
}

/// "No change measured" must not hide a slow-down that the rule must detect.
#[test]
fn a_slow_down_of_ten_percent_is_rarely_called_unchanged() {
    on_each_machine(|name, machine| {
        let comparisons = machine.comparisons(5, COMPARISONS, RULE, one(RULE.detect));
        let rate = ResultRate::count(comparisons, |conclusions| conclusions[0] == Conclusion::NoChangeMeasured);
        print_rate(name, "one endpoint 10 % slower, called unchanged", rate);
        assert!(rate.upper_bound() <= 0.05, "{name}: {rate:?}");
    });
}

/// Interim checks use part of alpha; the rest must still be enough.
#[test]
fn interim_checks_keep_the_error_rates() {
    const LOOKS: usize = 3;
    on_each_machine(|name, machine| {
        let with_looks = |seed, slowed: [f64; ENDPOINTS], has_result: &dyn Fn(&[Conclusion; ENDPOINTS]) -> bool| {
            let mut rng = ChaCha8Rng::seed_from_u64(seed);
            let comparisons = (0..COMPARISONS).filter_map(|_| machine.compare(&mut rng, RULE, &slowed, LOOKS));
            ResultRate::count(comparisons, has_result)
        };
        let false_alarms = with_looks(6, [RULE.margin; ENDPOINTS], &any(Conclusion::Regressed));
        print_rate(name, "three checks, all slower by the margin, called regressed", false_alarms);
        let found = with_looks(7, one(0.10), &|conclusions| conclusions[0] == Conclusion::Regressed);
        print_rate(name, "three checks, one endpoint 10 % slower, detected", found);
        assert!(false_alarms.upper_bound() <= 0.05, "{name}: {false_alarms:?}");
        assert!(found.all > COMPARISONS * 8 / 10 && found.lower_bound() >= 0.95, "{name}: {found:?}");
    });
}

/// Recorded runs: changes of the machine between them are not attributed to endpoints. A slow-down
/// of one endpoint is detected if the machine is quiet enough.
#[test]
fn recorded_runs_keep_the_rate_of_false_alarms() {
    on_each_machine(|name, machine| {
        let compared = |seed, slowed: [f64; ENDPOINTS], has_result: &dyn Fn(&[Conclusion; ENDPOINTS]) -> bool| {
            let mut rng = ChaCha8Rng::seed_from_u64(seed);
            ResultRate::count((0..COMPARISONS).map(|_| machine.recorded(&mut rng, RULE, &slowed)), has_result)
        };
        let false_alarms = compared(8, [0.0; ENDPOINTS], &any(Conclusion::Regressed));
        print_rate(name, "same code, recorded twice, called regressed", false_alarms);
        let found = compared(9, one(0.10), &|conclusions| conclusions[0] == Conclusion::Regressed);
        print_rate(name, "recorded twice, one endpoint 10 % slower, detected", found);
        assert!(false_alarms.upper_bound() <= 0.05, "{name}: {false_alarms:?}");
        assert!(name != "quiet" || found.lower_bound() >= 0.95, "{name}: {found:?}");
    });
}
