//! Latencies of the endpoints. They are log-normal and seeded, so that the n-th request of an
//! endpoint takes the same time in every run.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution as _, LogNormal};

use crate::endpoints::{ENDPOINTS, EndpointTiming, SIGMA};
use crate::faults::Faults;

/// The outcome of a request.
pub(crate) enum Fate {
    Respond(Duration),
    /// A response with status 500, at once.
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

    /// The outcome of the next request of an endpoint at a time after the start of the service.
    pub(crate) fn next(&self, endpoint: &str, since: Duration) -> Fate {
        let Some(index) = ENDPOINTS.iter().position(|known| known.name == endpoint) else {
            return Fate::Respond(Duration::ZERO);
        };
        let number = self.requests[index].fetch_add(1, Ordering::Relaxed);
        let mut rng = ChaCha8Rng::seed_from_u64(self.seed);
        rng.set_stream(index as u64);
        // Each request has its own range of random numbers, so that one more draw does not shift
        // later requests.
        rng.set_word_pos(u128::from(number) * 64);
        if rng.random_range(0..1_000_000) < self.faults.error_ppm(endpoint, since) {
            return Fate::Error;
        }
        let EndpointTiming { median_ms, .. } = ENDPOINTS[index];
        let ms = LogNormal::new(median_ms.ln(), SIGMA).map_or(median_ms, |latency| latency.sample(&mut rng));
        // Limited to ten times the median, since a long tail would decide a short run by chance.
        let own = Duration::from_secs_f64(ms.min(10.0 * median_ms) / 1e3);
        Fate::Respond(own + self.faults.delay(endpoint, since))
    }
}

#[cfg(test)]
mod tests;
