//! A stub of the stock game's multiplayer backend, for machines that do not have the real one.
//!
//! It keeps rooms and players, and answers agree with what was written. Latencies are drawn from a seeded
//! distribution per endpoint, faults are set by flags, and `/metrics` has the names, labels, buckets and status groups of
//! prometheus-fastapi-instrumentator. It knows nothing of the load harness.

mod cache;
mod endpoints;
mod faults;
pub mod fixed;
mod latency;
mod metrics;
mod pool;
mod routes;
mod state;

use std::sync::{Arc, Mutex};

use axum::Router;

pub use faults::Faults;

/// The service: its state, its latencies and its metrics.
#[derive(Clone)]
pub struct StubServer {
    rooms: Arc<Mutex<state::Rooms>>,
    latency: Arc<latency::Latencies>,
    metrics: Arc<metrics::Metrics>,
    pool: pool::Pool,
    days: Arc<cache::Days>,
    seed: u64,
    began: std::time::Instant,
}

impl StubServer {
    /// A service without rooms, whose database takes so many connections.
    ///
    /// # Errors
    /// If its metrics cannot be registered.
    pub fn new(seed: u64, faults: Faults, connections: usize) -> anyhow::Result<Self> {
        let metrics = Arc::new(metrics::Metrics::new()?);
        let pool = pool::Pool::new(connections, &metrics);
        Ok(Self {
            rooms: Arc::default(),
            latency: Arc::new(latency::Latencies::new(seed, faults)),
            metrics,
            pool,
            days: Arc::default(),
            seed,
            #[expect(clippy::disallowed_methods, reason = "a server's own clock, not a measurement's")]
            began: std::time::Instant::now(),
        })
    }

    /// Its routes.
    pub fn router(self) -> Router {
        routes::router(self)
    }
}
