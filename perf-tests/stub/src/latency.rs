//! How long each endpoint takes: log-normal, seeded, so that the n-th request of an endpoint takes the same time in
//! every run.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution as _, LogNormal};

use crate::endpoints::{ENDPOINTS, EndpointTiming};
use crate::faults::Faults;

/// What becomes of one request.
pub(crate) enum Fate {
    Answer(Duration),
    /// At once, with status 500.
    Error,
}

pub(crate) struct Latencies {
    seed: u64,
    faults: Faults,
    requests: [AtomicU64; ENDPOINTS.len()],
}

impl Latencies {
    pub(crate) fn new(seed: u64, faults: Faults) -> Self {
        Self { seed, faults, requests: Default::default() }
    }

    /// What becomes of the next request of an endpoint, so long after the service began.
    pub(crate) fn next(&self, endpoint: &str, since: Duration) -> Fate {
        let Some(index) = ENDPOINTS.iter().position(|known| known.name == endpoint) else {
            return Fate::Answer(Duration::ZERO);
        };
        let number = self.requests[index].fetch_add(1, Ordering::Relaxed);
        let mut rng = ChaCha8Rng::seed_from_u64(self.seed);
        rng.set_stream(index as u64);
        // Room for each request's own draws, so that one more draw does not shift all that come after.
        rng.set_word_pos(u128::from(number) * 64);
        if rng.random_range(0..1_000_000) < self.faults.error_ppm(endpoint, since) {
            return Fate::Error;
        }
        let EndpointTiming { median_ms, sigma, .. } = ENDPOINTS[index];
        let ms = LogNormal::new(median_ms.ln(), sigma).map_or(median_ms, |latency| latency.sample(&mut rng));
        // Cut at ten times the median: a stub has no use for a tail that decides a short run by luck.
        let own = Duration::from_secs_f64(ms.min(10.0 * median_ms) / 1e3);
        Fate::Answer(own + self.faults.delay(endpoint, since))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn times(seed: u64, faults: &Faults) -> Vec<Option<Duration>> {
        let latencies = Latencies::new(seed, faults.clone());
        let one = |fate| match fate {
            Fate::Answer(time) => Some(time),
            Fate::Error => None,
        };
        (0..2000).map(|_| one(latencies.next("join_room", Duration::ZERO))).collect()
    }

    #[test]
    fn one_seed_gives_the_same_times_twice_and_another_gives_others() {
        assert_eq!(times(1, &Faults::default()), times(1, &Faults::default()));
        assert_ne!(times(1, &Faults::default()), times(2, &Faults::default()));
    }

    #[test]
    fn the_median_is_the_endpoints_own() {
        let mut times: Vec<_> = times(1, &Faults::default()).into_iter().flatten().collect();
        times.sort_unstable();
        let median = times[1000].as_secs_f64() * 1e3;
        assert!((43.0..47.0).contains(&median), "{median}");
    }

    #[test]
    fn the_share_of_errors_is_the_one_asked_for() {
        let faults = Faults::parse(&[], &["join_room=30%".into()]).unwrap();
        let errors = times(1, &faults).iter().filter(|time| time.is_none()).count();
        assert!((540..660).contains(&errors), "{errors} of 2000");
    }
}
