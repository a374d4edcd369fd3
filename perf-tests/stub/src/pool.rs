//! The database connection pool that the real service has. Each request that uses the database
//! holds a connection for its whole duration. If all connections are in use, it waits for one.

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

    /// Waits for a free connection. `None` only if the pool were closed, which never happens.
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
