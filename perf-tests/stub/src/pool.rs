//! The pool of connections to the database that the real service has: each request that needs the database holds one for as
//! long as it takes, and waits for one where all are taken.

use std::sync::Arc;

use prometheus::IntGauge;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::metrics::Metrics;

#[derive(Clone)]
pub(crate) struct Pool {
    free: Arc<Semaphore>,
    used: IntGauge,
    idle: IntGauge,
}

/// A connection in use, until it is dropped.
pub(crate) struct Connection {
    _permit: OwnedSemaphorePermit,
    used: IntGauge,
    idle: IntGauge,
}

impl Pool {
    pub(crate) fn new(connections: usize, metrics: &Metrics) -> Self {
        let (used, idle) = metrics.connections(connections);
        Self { free: Arc::new(Semaphore::new(connections)), used, idle }
    }

    /// A connection, once one is free; none only if the pool were closed, which it never is.
    pub(crate) async fn take(&self) -> Option<Connection> {
        let permit = self.free.clone().acquire_owned().await.ok()?;
        self.used.inc();
        self.idle.dec();
        Some(Connection { _permit: permit, used: self.used.clone(), idle: self.idle.clone() })
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.used.dec();
        self.idle.inc();
    }
}
