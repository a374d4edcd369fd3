//! Idle connections that the virtual users of a worker share, and the worker's ways to the hosts.

use std::cell::RefCell;
use std::rc::Rc;

use tokio::time::Instant;

use super::connect::{Route, Stream};
use super::h1::Connection;
use super::outage_times::OutageTimes;

/// Boxed, because every request moves it through a pool and futures.
pub(super) type IdleConnection = Box<Connection<Stream>>;

/// The hosts as one worker knows them, by index.
#[derive(Debug, Clone, Default)]
pub(crate) struct Pool(Rc<RefCell<Vec<Rc<HostPool>>>>);

/// One host: its idle connections, if virtual users share them, and the way to it.
#[derive(Debug, Default)]
pub(super) struct HostPool {
    pub(super) idle: Rc<IdleConnections>,
    pub(super) route: Route,
}

#[derive(Debug, Default)]
pub(super) struct IdleConnections(RefCell<Vec<IdleConnection>>);

impl Pool {
    pub(super) fn host(&self, at: usize) -> Rc<HostPool> {
        let mut hosts = self.0.borrow_mut();
        while hosts.len() <= at {
            hosts.push(Rc::default());
        }
        hosts[at].clone()
    }

    /// The outages of all hosts until `now`.
    pub(crate) fn outages(&self, load_start: Instant, now: Instant) -> OutageTimes {
        let mut all = OutageTimes::default();
        self.0.borrow().iter().for_each(|host| all.merge(host.route.outage.times(load_start, now)));
        all
    }
}

impl IdleConnections {
    /// The most recently used connection that is still open.
    pub(super) fn take(&self) -> Option<IdleConnection> {
        let mut idle = self.0.borrow_mut();
        while let Some(connection) = idle.pop() {
            if let Some(connection) = still_open(connection) {
                return Some(connection);
            }
        }
        None
    }

    pub(super) fn put(&self, connection: IdleConnection) {
        self.0.borrow_mut().push(connection);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.borrow().is_empty()
    }
}

/// Returns the connection unless the server has closed it, or sent data without a request.
pub(super) fn still_open(mut connection: IdleConnection) -> Option<IdleConnection> {
    let is_open = connection.stream().is_quiet() || connection.is_open();
    is_open.then_some(connection)
}
