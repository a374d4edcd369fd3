//! Values of a virtual user that are the same in every run of a plan. They are the iteration's
//! number and name, random numbers, and think times.

use std::future::poll_fn;
use std::pin::pin;
use std::time::Duration;

use perf_report::format::hex;
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use serde::de::DeserializeOwned;
use sha2::{Digest as _, Sha256};
use tokio::time;

use super::{IterationId, Vu};
use crate::data::{Feeder, FeederError};
use crate::engine::think::Think;

impl Vu {
    /// The number of this iteration, from 0. It counts the virtual user's own iterations. If
    /// iterations are shared or due at planned times, it counts those of all virtual users.
    ///
    /// ```
    /// # fn iteration(vu: &mut perf_tests::Vu) {
    /// let is_first = vu.iteration() == 0;
    /// # }
    /// ```
    pub const fn iteration(&self) -> u64 {
        match self.iteration_id {
            IterationId::Own(number) | IterationId::Shared(number) => number,
        }
    }

    /// A name of this iteration, unique in its scenario: "3-17", or "17" if iterations are shared.
    /// It is the same in every run of the plan, whichever virtual user runs the iteration.
    ///
    /// ```
    /// # fn iteration(vu: &mut perf_tests::Vu) {
    /// let student = format!("Student {}", vu.iteration_name());
    /// # }
    /// ```
    pub fn iteration_name(&self) -> String {
        match self.iteration_id {
            IterationId::Own(number) => format!("{}-{number}", self.id),
            IterationId::Shared(number) => number.to_string(),
        }
    }

    /// A text that does not occur in a body: a hash of the seed and the iteration.
    pub(super) fn boundary(&self) -> String {
        let unique = format!("{} {} {}", self.context.run.seed, self.part, self.iteration_name());
        let hash = Sha256::digest(unique);
        format!("perf-tests-{}", hex(&hash[..16]))
    }

    /// The row of this iteration, whichever virtual user runs it. Every call in an iteration gives
    /// the same row. Iterations of one part have different rows. Virtual users that are faster
    /// than others skip rows. As a [`serde_json::Value`], a row of a CSV file is an object of
    /// strings by the names of their columns.
    ///
    /// ```
    /// use perf_tests::data::Feeder;
    ///
    /// #[derive(serde::Deserialize)]
    /// struct Student {
    ///     name: String,
    /// }
    ///
    /// # fn iteration(vu: &mut perf_tests::Vu, students: &Feeder) -> anyhow::Result<()> {
    /// let student: Student = vu.row(students)?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// If the row does not have this type, or if the file has changed. Also if all rows were taken
    /// and the feeder does not cycle. An iteration that returns the error makes the run
    /// inconclusive. If there are no more rows, it also stops this virtual user, unless iterations
    /// are due at planned times.
    pub fn row<T: DeserializeOwned + 'static>(&self, feeder: &Feeder) -> Result<T, FeederError> {
        let run = &self.context.run;
        let number = match (self.iteration_id, run.ids.get(self.part)) {
            (IterationId::Own(number), Some(ids)) => {
                let nth = u64::from(self.id.saturating_sub(ids.start));
                number * (ids.len() as u64) + nth
            }
            (IterationId::Shared(number) | IterationId::Own(number), _) => number,
        };
        feeder.take(number, run.seed)
    }

    /// The random numbers of this iteration. They are the same in every run with the same seed,
    /// whichever virtual user runs the iteration.
    ///
    /// ```
    /// use rand::RngExt as _;
    ///
    /// # fn iteration(vu: &mut perf_tests::Vu) {
    /// let day = vu.rng().random_range(1..=30);
    /// # }
    /// ```
    pub fn rng(&mut self) -> &mut ChaCha8Rng {
        const WORDS_PER_ITERATION: u128 = 1 << 24;
        let seed = self.context.run.seed;
        let rng = self.rng.get_or_insert_with(|| Box::new(ChaCha8Rng::seed_from_u64(seed)));
        if !self.rng_is_set {
            self.rng_is_set = true;
            let (stream, number) = match self.iteration_id {
                IterationId::Own(number) => (self.id.into(), number),
                // Stream numbers above all virtual user ids.
                IterationId::Shared(number) => ((self.part as u64 + 1) << 32, number),
            };
            rng.set_stream(stream);
            rng.set_word_pos(u128::from(number) * WORDS_PER_ITERATION);
        }
        rng
    }

    /// A random choice. Each value is chosen with a probability in proportion to its weight.
    ///
    /// ```
    /// # fn iteration(vu: &mut perf_tests::Vu) {
    /// match vu.choose(&[(70, "browse"), (30, "trade")]) {
    ///     "browse" => { /* … */ }
    ///     _ => { /* … */ }
    /// }
    /// # }
    /// ```
    ///
    /// # Panics
    /// If the list is empty or all weights are 0. The panic ends this virtual user, and the run
    /// exits with code 104.
    pub fn choose<T: Copy>(&mut self, weighted: &[(u32, T)]) -> T {
        let whole: u64 = weighted.iter().map(|(weight, _)| u64::from(*weight)).sum();
        assert!(whole > 0, "choose() needs at least one weight above 0");
        let mut at = self.rng().random_range(0..whole);
        for &(weight, choice) in weighted {
            match at.checked_sub(weight.into()) {
                Some(rest) => at = rest,
                None => return choice,
            }
        }
        unreachable!("a number below the sum of all weights lies within one of them")
    }

    /// Waits for a random time between `least` and `most`, uniformly distributed, as a person does
    /// between two clicks.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # async fn iteration(vu: &mut perf_tests::Vu) {
    /// vu.think(Duration::from_millis(100), Duration::from_millis(300)).await;
    /// # }
    /// ```
    pub async fn think(&mut self, least: Duration, most: Duration) {
        self.think_as(Think::Between(least, most)).await;
    }

    /// Waits for a random time from a distribution, at most an hour.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use perf_tests::Think;
    /// # async fn iteration(vu: &mut perf_tests::Vu) {
    /// let (median, p95) = (Duration::from_secs(2), Duration::from_secs(8));
    /// vu.think_as(Think::Lognormal { median, p95 }).await;
    /// # }
    /// ```
    pub async fn think_as(&mut self, think: Think) {
        let pause = think.draw(self.rng());
        let mut pause = pin!(time::sleep(pause));
        poll_fn(|context| {
            self.http.attend(context);
            pause.as_mut().poll(context)
        })
        .await;
    }
}
