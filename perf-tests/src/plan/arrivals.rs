//! The times at which iterations of an open load are due.
//!
//! A rate is a sequence of straight lines over time. The area below the lines is the number of
//! arrivals so far. Arrival `i`, counted from 0, is due when the area reaches `i`. Areas are
//! integers (in half arrivals times nanoseconds), so the number of arrivals is exactly the
//! profile's, for any stages.

use std::time::Duration;

use perf_settings::{Rate, Stage};
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use super::nanos;

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Spacing {
    /// Evenly, like k6.
    #[default]
    Even,
    /// Like independent people: a Poisson process, conditioned on the total number, so that every
    /// run has exactly the planned number. The times follow from the seed.
    Poisson,
}

/// The spacing of the arrivals of one part, with its random numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct SeededSpacing {
    pub(super) spacing: Spacing,
    pub(super) seed: u64,
    /// The seed's random stream: parts of one run use different streams and do not arrive in step.
    pub(super) stream: u64,
}

/// Planned arrivals. Times are from the start of the run.
#[derive(Debug, Clone, PartialEq)]
pub struct Arrivals {
    start: Duration,
    lines: Vec<Line>,
    /// Length of the period that rates count arrivals in, in nanoseconds.
    unit: u64,
    total: u64,
    spacing: SeededSpacing,
}

/// A rate that changes in a straight line. Times are in nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Line {
    start: u64,
    duration: u64,
    from: u64,
    to: u64,
    /// Twice the area below all earlier lines, in arrivals per unit times nanoseconds.
    before: u128,
}

impl Line {
    fn area(&self) -> u128 {
        (u128::from(self.from) + u128::from(self.to)) * u128::from(self.duration)
    }

    /// The time from the line's start, in nanoseconds, at which twice the area below it reaches
    /// `area`. With a rate `a + (b - a) t / d`, twice the area is `2 a t + (b - a) t² / d`. It is
    /// solved in the form that loses no digits when `a` and `b` are close.
    fn when(&self, area: u128) -> u64 {
        if self.from == self.to {
            let time = area / (2 * u128::from(self.from)).max(1);
            return u64::try_from(time).unwrap_or(u64::MAX).min(self.duration);
        }
        #[expect(clippy::cast_precision_loss, reason = "exact to a nanosecond for what lasts less than 100 days")]
        let (area, from, to, duration) = (area as f64, self.from as f64, self.to as f64, self.duration as f64);
        let slope = (to - from) / duration;
        let root = (from * from + slope * area).max(0.0).sqrt();
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "casts of floats saturate")]
        let time = (area / (from + root)) as u64;
        time.min(self.duration)
    }
}

impl Arrivals {
    /// A constant or ramped rate, from `first` through stages. Each target is a number of arrivals
    /// in the period of the first rate.
    pub(super) fn new(start: Duration, first: Rate, stages: &[Stage], spacing: SeededSpacing) -> Self {
        let (mut lines, mut now, mut at, mut before) = (Vec::new(), 0, first.count, 0_u128);
        for stage in stages {
            let line = Line { start: now, duration: nanos(stage.duration), from: at, to: stage.target, before };
            (now, at, before) = (now + line.duration, stage.target, before + line.area());
            lines.push(line);
        }
        let unit = nanos(first.per);
        let total = u64::try_from(before.div_ceil(2 * u128::from(unit))).unwrap_or(u64::MAX);
        Self { start, lines, unit, total, spacing }
    }

    /// The number of arrivals.
    pub const fn total(&self) -> u64 {
        self.total
    }

    /// The time of each arrival, ascending.
    pub fn iter(&self) -> Iter<'_> {
        let mut rng = ChaCha8Rng::seed_from_u64(self.spacing.seed);
        rng.set_stream(self.spacing.stream);
        Iter { arrivals: self, next: 0, line: 0, rng, left: 1.0 }
    }

    /// The number of arrivals due from one time to another.
    pub fn between(&self, from: Duration, to: Duration) -> u64 {
        self.due_before(to).saturating_sub(self.due_before(from))
    }

    /// The number of evenly spread arrivals due before a time: the area up to then.
    fn due_before(&self, time: Duration) -> u64 {
        let time = nanos(time.saturating_sub(self.start));
        let Some(line) = self.lines.iter().rev().find(|line| line.start <= time) else { return 0 };
        let within = time.saturating_sub(line.start).min(line.duration);
        let (from, to, t, d) =
            (i128::from(line.from), i128::from(line.to), i128::from(within), i128::from(line.duration));
        let area = 2 * from * t + if d > 0 { (to - from) * t / d * t } else { 0 };
        let area = line.before + u128::try_from(area).unwrap_or(0);
        u64::try_from(area.div_ceil(2 * u128::from(self.unit))).unwrap_or(u64::MAX).min(self.total)
    }

    fn twice(&self, arrivals: u64) -> u128 {
        2 * u128::from(arrivals) * u128::from(self.unit)
    }
}

/// Iterates over the times of arrivals.
#[derive(Debug)]
pub struct Iter<'plan> {
    arrivals: &'plan Arrivals,
    next: u64,
    line: usize,
    rng: ChaCha8Rng,
    /// For Poisson arrivals: the share of the whole area after the last arrival.
    left: f64,
}

impl Iter<'_> {
    fn area(&mut self) -> u128 {
        match self.arrivals.spacing.spacing {
            Spacing::Even => self.arrivals.twice(self.next),
            Spacing::Poisson => {
                // The smallest of n uniform numbers leaves 1 - U^(1/n) below it. The same holds for
                // those above it, one by one (Bentley and Saxe, "Generating sorted lists of random
                // numbers", 1980). The crate libm gives the same digits on every machine.
                #[expect(clippy::cast_precision_loss, reason = "a random number needs no more")]
                let remaining = (self.arrivals.total - self.next) as f64;
                let uniform: f64 = self.rng.random_range(f64::MIN_POSITIVE..1.0);
                self.left *= libm::exp(libm::log(uniform) / remaining);
                let whole = self.arrivals.lines.last().map_or(0, |line| line.before + line.area());
                #[expect(
                    clippy::cast_precision_loss,
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "a random number needs no more"
                )]
                let area = ((1.0 - self.left) * whole as f64) as u128;
                area.min(whole.saturating_sub(1))
            }
        }
    }
}

impl Iterator for Iter<'_> {
    type Item = Duration;

    fn next(&mut self) -> Option<Duration> {
        if self.next >= self.arrivals.total {
            return None;
        }
        let area = self.area();
        self.next += 1;
        let mut line = &self.arrivals.lines[self.line];
        while area >= line.before + line.area() && self.line + 1 < self.arrivals.lines.len() {
            self.line += 1;
            line = &self.arrivals.lines[self.line];
        }
        Some(self.arrivals.start + Duration::from_nanos(line.start + line.when(area.saturating_sub(line.before))))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = usize::try_from(self.arrivals.total - self.next).unwrap_or(usize::MAX);
        (left, Some(left))
    }
}

#[cfg(test)]
mod tests;
