//! A stub of the stock game's multiplayer backend, for machines without the real one.
//!
//! It stores rooms and players in memory, and its responses reflect earlier requests. Latencies are
//! drawn from a seeded distribution per endpoint, and faults are set by flags. `/metrics` has the
//! names, labels, buckets and status groups of prometheus-fastapi-instrumentator. It depends on no
//! crate of the load generator.

mod cache;
mod endpoints;
mod faults;
pub mod fixed;
mod latency;
mod metrics;
mod pool;
#[cfg(target_os = "linux")]
mod process_metrics;
mod routes;
mod state;

use std::sync::{Arc, Mutex};

use axum::Router;

pub use faults::Faults;

/// The service: its state, latencies and metrics.
#[derive(Clone)]
pub struct StubServer {
    rooms: Arc<Mutex<state::Rooms>>,
    latency: Arc<latency::Latencies>,
    metrics: Arc<metrics::Metrics>,
    pool: pool::Pool,
    days: Arc<cache::DayCache>,
    seed: u64,
    began: std::time::Instant,
}

impl StubServer {
    /// A service without rooms, whose database pool has `connections` connections.
    ///
    /// # Errors
    /// If the metrics cannot be registered.
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

    /// The router with all routes.
    pub fn router(self) -> Router {
        routes::router(self)
    }
}
