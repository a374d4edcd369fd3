//! Simulated machines, to measure how often a comparison is right.
//!
//! A round's p95 is the product of these factors:
//! - the endpoint's own p95
//! - the effect of the change
//! - the speed of the machine, which wanders from round to round and drifts steadily
//! - sometimes a burst: a busy neighbor that affects all endpoints of one round
//! - the sampling error of a p95 of a few hundred requests
//!
//! The logarithms of the factors are drawn at random. The same seed gives the same rounds.

use rand::{Rng, RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution as _, Exp, Normal};

use perf_report::comparison::{Conclusion, Rule};

use super::{Calibration, HypothesisResult, Looks, count, judge, judge_recorded};

/// Parameters of a simulated machine, as logarithms of factors.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SimulatedMachine {
    /// Standard deviation of an endpoint's p95 in a round, independent of other endpoints.
    pub noise: f64,
    /// Standard deviation of the change of the machine's speed from one round to the next.
    pub wander: f64,
    /// Slow-down of the machine in each round.
    pub drift: f64,
    /// Share of rounds with a burst.
    pub bursts: f64,
    /// Mean size of a burst.
    pub burst: f64,
}

/// A quiet machine.
pub const QUIET: SimulatedMachine =
    SimulatedMachine { noise: 0.01, wander: 0.005, drift: 0.0, bursts: 0.0, burst: 0.0 };
/// A busy shared runner.
pub const SHARED_RUNNER: SimulatedMachine =
    SimulatedMachine { noise: 0.02, wander: 0.02, drift: 0.002, bursts: 0.05, burst: 0.10 };

/// Number of endpoints that are judged together.
pub const ENDPOINTS: usize = 7;
/// Number of sections of a recorded run.
pub(crate) const SECTIONS: usize = 20;
/// Number of pairs of an A/A calibration.
pub(crate) const CALIBRATION_PAIRS: usize = 20;

/// Share of comparisons with a certain result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ResultRate {
    /// Number of comparisons with the result.
    pub matching: usize,
    /// Number of all comparisons.
    pub all: usize,
}

impl SimulatedMachine {
    /// Simulates `pairs` pairs of rounds. Returns the differences of logarithms of each endpoint.
    /// `slowed` is the relative slow-down of each endpoint by the change.
    pub fn differences(&self, rng: &mut impl Rng, pairs: usize, slowed: &[f64; ENDPOINTS]) -> Vec<Vec<f64>> {
        let mut speed = 0.0;
        let mut family = vec![Vec::new(); ENDPOINTS];
        for pair in 0..pairs {
            let (first, second) = (self.round(rng, &mut speed), self.round(rng, &mut speed));
            // The order is base, head, head, base.
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

    /// Calibrates, simulates the needed number of pairs and judges them. `None` if the machine is
    /// too noisy for the rule. Interim checks are part of the plan; the first that finds a
    /// regression ends the comparison.
    pub fn compare(
        &self,
        rng: &mut impl Rng,
        rule: Rule,
        slowed: &[f64; ENDPOINTS],
        looks: usize,
    ) -> Option<[Conclusion; ENDPOINTS]> {
        let same = self.differences(rng, CALIBRATION_PAIRS, &[0.0; ENDPOINTS]);
        let calibration = Calibration::from_differences(same.iter().map(|differences| ("", differences.as_slice())))?;
        let pairs = calibration.needed_pairs_with_looks(rule, looks)?;
        let planned = Looks::new(pairs, looks, rule.alpha);
        let family = self.differences(rng, pairs, slowed);
        let mut last = None;
        for (at, level) in (1..=pairs).filter_map(|at| Some((at, planned.level(at)?))) {
            let so_far: Vec<_> = family.iter().map(|differences| differences[..at].to_vec()).collect();
            let conclusions = conclusions(judge(&so_far, rule, level));
            last = Some(conclusions);
            if conclusions.contains(&Conclusion::Regressed) {
                break;
            }
        }
        last
    }

    /// Compares two runs recorded directly one after the other, section by section. A section is as
    /// long as a round.
    pub fn recorded(&self, rng: &mut impl Rng, rule: Rule, slowed: &[f64; ENDPOINTS]) -> [Conclusion; ENDPOINTS] {
        let mut speed = 0.0;
        let runs: [Vec<_>; 2] = std::array::from_fn(|_| (0..SECTIONS).map(|_| self.round(rng, &mut speed)).collect());
        let [base, head] = runs;
        let differences = |endpoint: usize| {
            let pairs = base.iter().zip(&head);
            pairs.map(|(base, head)| head[endpoint] - base[endpoint] + slowed[endpoint].ln_1p()).collect()
        };
        conclusions(judge_recorded(&(0..ENDPOINTS).map(differences).collect::<Vec<_>>(), rule, rule.alpha))
    }

    /// The conclusions of up to `number` comparisons. One for which the machine is too noisy has
    /// none.
    pub fn comparisons(
        &self,
        seed: u64,
        number: usize,
        rule: Rule,
        slowed: [f64; ENDPOINTS],
    ) -> impl Iterator<Item = [Conclusion; ENDPOINTS]> {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        (0..number).filter_map(move |_| self.compare(&mut rng, rule, &slowed, 1))
    }
}

impl ResultRate {
    /// Counts the comparisons whose conclusions satisfy `has_result`.
    pub fn count(
        comparisons: impl Iterator<Item = [Conclusion; ENDPOINTS]>,
        has_result: impl Fn(&[Conclusion; ENDPOINTS]) -> bool,
    ) -> Self {
        let mut rate = Self { matching: 0, all: 0 };
        for conclusions in comparisons {
            rate.all += 1;
            rate.matching += usize::from(has_result(&conclusions));
        }
        rate
    }

    /// Measured share, from 0 to 1.
    pub fn share(self) -> f64 {
        count(self.matching) / count(self.all.max(1))
    }
}

fn conclusions(judged: Vec<HypothesisResult>) -> [Conclusion; ENDPOINTS] {
    let mut conclusions = judged.into_iter().map(|judged| judged.conclusion);
    std::array::from_fn(|_| conclusions.next().unwrap_or(Conclusion::TooLittleData))
}

fn normal(rng: &mut impl Rng, deviation: f64) -> f64 {
    Normal::new(0.0, deviation).map_or(0.0, |normal| normal.sample(rng))
}

#[cfg(test)]
mod tests;
