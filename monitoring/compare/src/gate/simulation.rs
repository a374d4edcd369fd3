//! Machines that do not exist, to see how often the gate is right about them.
//!
//! A round's p95 is the endpoint's own, times what the change does, times what the machine does to everyone just then (it wanders
//! from round to round, and drifts all the time), times a burst now and then (a neighbour at work, which lasts for one round and hits
//! all endpoints of it), times the sampling error of a p95 of a few hundred requests. All factors are random as
//! their logarithms are; the same seed gives the same rounds.

use rand::{Rng, RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution as _, Exp, Normal};
use statrs::distribution::{Beta, ContinuousCDF as _};

use perf_report::comparison::{Conclusion, Rule};

use super::{Calibration, Judged, Looks, count, judge, judge_recorded};

/// A machine, in logarithms of factors.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Machine {
    /// The standard deviation of a round's p95 that is the endpoint's alone.
    pub noise: f64,
    /// That of the step by which the machine's speed wanders from one round to the next.
    pub wander: f64,
    /// By how much it gets slower each round.
    pub drift: f64,
    /// The share of rounds that a burst hits.
    pub bursts: f64,
    /// The mean size of a burst.
    pub burst: f64,
}

/// Machines from a quiet one to a busy runner that many share.
pub const MACHINES: [(&str, Machine); 3] = [
    ("quiet", Machine { noise: 0.01, wander: 0.005, drift: 0.0, bursts: 0.0, burst: 0.0 }),
    ("laptop", Machine { noise: 0.015, wander: 0.01, drift: 0.005, bursts: 0.02, burst: 0.05 }),
    ("shared runner", Machine { noise: 0.02, wander: 0.02, drift: 0.002, bursts: 0.05, burst: 0.10 }),
];

/// How many endpoints are judged together.
pub const ENDPOINTS: usize = 7;
/// Sections of a recorded run.
pub const SECTIONS: usize = 20;
/// Pairs of an A/A calibration.
pub const CALIBRATION_PAIRS: usize = 20;

/// A number of comparisons, and in how many of them something was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FindingRate {
    /// In how many.
    pub found: usize,
    /// Of how many.
    pub of: usize,
}

impl Machine {
    /// Differences of logarithms of so many pairs of rounds, endpoint by endpoint, when a change slows each down by so much.
    pub fn differences(&self, rng: &mut impl Rng, pairs: usize, slowed: &[f64; ENDPOINTS]) -> Vec<Vec<f64>> {
        let mut speed = 0.0;
        let mut family = vec![Vec::new(); ENDPOINTS];
        for pair in 0..pairs {
            let (first, second) = (self.round(rng, &mut speed), self.round(rng, &mut speed));
            // Base, head, head, base.
            let (base, head) = if pair % 2 == 0 { (first, second) } else { (second, first) };
            for (endpoint, differences) in family.iter_mut().enumerate() {
                differences.push(head[endpoint] - base[endpoint] + slowed[endpoint].ln_1p());
            }
        }
        family
    }

    fn round(&self, rng: &mut impl Rng, speed: &mut f64) -> [f64; ENDPOINTS] {
        *speed += self.drift + normal(rng, self.wander);
        let is_burst = rng.random_bool(self.bursts);
        let burst = if is_burst { Exp::new(1.0 / self.burst).map_or(0.0, |size| size.sample(rng)) } else { 0.0 };
        let everyone = *speed + burst;
        std::array::from_fn(|_| everyone + normal(rng, self.noise))
    }

    /// Calibrates, runs as many pairs as that names, and says what is found; none if the calibration says that this machine cannot. Looks before
    /// the end are part of the plan, and the first that finds a regression is the last.
    pub fn gate(
        &self,
        rng: &mut impl Rng,
        rule: Rule,
        slowed: &[f64; ENDPOINTS],
        looks: usize,
    ) -> Option<[Conclusion; ENDPOINTS]> {
        let same = self.differences(rng, CALIBRATION_PAIRS, &[0.0; ENDPOINTS]);
        let calibration = Calibration::of(same.iter().map(|differences| ("", differences.as_slice())))?;
        let pairs = calibration.needed_pairs_with_looks(rule, looks)?;
        let planned = Looks::new(pairs, looks, rule.alpha);
        let family = self.differences(rng, pairs, slowed);
        let mut found = None;
        for (at, level) in (1..=pairs).filter_map(|at| Some((at, planned.level(at)?))) {
            let so_far: Vec<_> = family.iter().map(|differences| differences[..at].to_vec()).collect();
            let findings = words(judge(&so_far, rule, level));
            found = Some(findings);
            if findings.contains(&Conclusion::Regressed) {
                break;
            }
        }
        found
    }

    /// Compares two runs that were recorded one directly after the other, section by section, of which each is as long as a round.
    pub fn recorded(&self, rng: &mut impl Rng, rule: Rule, slowed: &[f64; ENDPOINTS]) -> [Conclusion; ENDPOINTS] {
        let mut speed = 0.0;
        let runs: [Vec<_>; 2] = std::array::from_fn(|_| (0..SECTIONS).map(|_| self.round(rng, &mut speed)).collect());
        let [base, head] = runs;
        let of = |endpoint: usize| {
            let pairs = base.iter().zip(&head);
            pairs.map(|(base, head)| head[endpoint] - base[endpoint] + slowed[endpoint].ln_1p()).collect()
        };
        words(judge_recorded(&(0..ENDPOINTS).map(of).collect::<Vec<_>>(), rule, rule.alpha))
    }

    /// How often so many gates find what is looked for.
    pub fn rate(
        &self,
        seed: u64,
        of: usize,
        rule: Rule,
        slowed: &[f64; ENDPOINTS],
        looked_for: impl Fn(&[Conclusion; ENDPOINTS]) -> bool,
    ) -> FindingRate {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        FindingRate::of((0..of).filter_map(|_| self.gate(&mut rng, rule, slowed, 1)), looked_for)
    }
}

impl FindingRate {
    /// How often what is looked for is found.
    pub fn of(
        gates: impl Iterator<Item = [Conclusion; ENDPOINTS]>,
        looked_for: impl Fn(&[Conclusion; ENDPOINTS]) -> bool,
    ) -> Self {
        let (mut found, mut of) = (0, 0);
        for findings in gates {
            of += 1;
            found += usize::from(looked_for(&findings));
        }
        Self { found, of }
    }
}

fn words(judged: Vec<Judged>) -> [Conclusion; ENDPOINTS] {
    let mut findings = judged.into_iter().map(|judged| judged.conclusion);
    std::array::from_fn(|_| findings.next().unwrap_or(Conclusion::TooLittleData))
}

fn normal(rng: &mut impl Rng, deviation: f64) -> f64 {
    Normal::new(0.0, deviation).map_or(0.0, |normal| normal.sample(rng))
}

impl FindingRate {
    /// The share.
    pub fn share(self) -> f64 {
        count(self.found) / count(self.of.max(1))
    }

    /// The share's upper bound with 95 % confidence (Clopper and Pearson, Biometrika 26, 1934).
    pub fn at_most(self) -> f64 {
        quantile(count(self.found) + 1.0, count(self.of - self.found), 0.95).unwrap_or(1.0)
    }

    /// The share's lower bound, likewise.
    pub fn at_least(self) -> f64 {
        quantile(count(self.found), count(self.of - self.found) + 1.0, 0.05).unwrap_or(0.0)
    }
}

/// A quantile of the beta distribution; none where it is a single point.
fn quantile(a: f64, b: f64, at: f64) -> Option<f64> {
    Some(Beta::new(a, b).ok()?.inverse_cdf(at))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clopper_and_pearson_by_hand() {
        let none = FindingRate { found: 0, of: 3_000 };
        assert!((none.at_most() - (1.0 - 0.05_f64.powf(1.0 / 3_000.0))).abs() < 1e-9);
        assert!(none.at_least().abs() < 1e-12);
        // R's binom.test(95, 100): 0.8989… one-sided.
        let most = FindingRate { found: 95, of: 100 };
        assert!((most.at_least() - 0.897_740).abs() < 1e-3, "{}", most.at_least());
    }

    #[test]
    fn one_seed_gives_the_same_rounds() {
        let rounds = |seed| MACHINES[2].1.differences(&mut ChaCha8Rng::seed_from_u64(seed), 5, &[0.0; ENDPOINTS]);
        assert_eq!(rounds(1), rounds(1));
        assert_ne!(rounds(1), rounds(2));
    }
}
