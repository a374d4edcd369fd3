//! Addresses of the target. They are looked up once for all workers and used in turn. If the first
//! does not connect at once, others are tried in parallel.

use std::cell::RefCell;
use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use futures::{FutureExt as _, StreamExt as _};
use tokio::net::{TcpStream, lookup_host};
use tokio::sync::Mutex as AsyncMutex;
use tokio::time::{Instant, sleep};

use super::allowed_targets::keep_near;
use super::exchange::ExchangeError;
use super::target::Target;
use crate::clock;

/// Time for which a failed look-up counts. Without this, every request that fails asks the name
/// server again.
const FAILURE_TTL: Duration = Duration::from_secs(1);
/// The next address is tried after this time (RFC 8305, section 5), or once an attempt failed.
const NEXT_ATTEMPT: Duration = Duration::from_millis(250);

#[derive(Debug)]
pub(super) struct Resolver {
    host: String,
    port: u16,
    /// Whether load may go to addresses outside this machine and private networks.
    is_allowed: bool,
    /// The addresses, if the user gave them.
    fixed: Vec<SocketAddr>,
    /// Time for which a result is used.
    ttl: Duration,
    names: NameService,
    /// The latest result. It is not locked during a look-up.
    latest: Mutex<Option<Lookup>>,
    /// Held during a look-up. Workers without an earlier result wait for the look-up. Others use
    /// the earlier result. Requests on open connections need no look-up.
    looking_up: AsyncMutex<()>,
    /// The number of connections so far. It chooses the first address of each.
    turn: AtomicUsize,
}

/// Looks up the addresses of a host and port. Tests replace it.
struct NameService(Box<dyn Fn(String, u16) -> LookingUp + Send + Sync>);

type LookingUp = BoxFuture<'static, io::Result<Vec<SocketAddr>>>;

impl NameService {
    fn system() -> Self {
        Self(Box::new(|host, port| async move { Ok(lookup_host((host, port)).await?.collect()) }.boxed()))
    }
}

impl fmt::Debug for NameService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NameService")
    }
}

#[derive(Debug, Clone)]
struct Lookup {
    until: Instant,
    found: LookupResult,
}

/// The addresses that a look-up found, in the order of the system, or why it failed.
type LookupResult = Result<Arc<[SocketAddr]>, (io::ErrorKind, Arc<str>)>;

/// The result of the latest look-up, as one worker knows it.
#[derive(Debug, Clone, Default)]
pub(super) struct Addresses(Rc<RefCell<Option<Lookup>>>);

impl Lookup {
    fn is_fresh(&self) -> bool {
        clock::now() < self.until
    }
}

impl Resolver {
    pub(super) fn new(target: &Target, fixed: Vec<SocketAddr>, ttl: Duration) -> Self {
        let Target { host, port, is_allowed, .. } = target;
        let (host, port, is_allowed) = (host.clone(), *port, *is_allowed);
        Self {
            host,
            port,
            is_allowed,
            fixed,
            ttl,
            names: NameService::system(),
            latest: Mutex::default(),
            looking_up: AsyncMutex::default(),
            turn: AtomicUsize::new(0),
        }
    }

    #[cfg(test)]
    pub(super) const fn ttl(&self) -> Duration {
        self.ttl
    }

    /// Whether a proxy may look up the target: the user allows load on it wherever it is, and gave
    /// no addresses.
    pub(super) fn is_allowed_without_addresses(&self) -> bool {
        self.is_allowed && self.fixed.is_empty()
    }

    /// Host and port that a proxy connects to: the first address if the user gave addresses.
    /// Otherwise the proxy looks up the name.
    pub(super) fn destination(&self, found: &[SocketAddr]) -> String {
        match found.first().filter(|_| !self.fixed.is_empty()) {
            Some(address) => address.to_string(),
            None if self.host.contains(':') => format!("[{}]:{}", self.host, self.port),
            None => format!("{}:{}", self.host, self.port),
        }
    }

    /// The target's addresses for the next connection, the first one first.
    pub(super) async fn resolve(&self, known: &Addresses) -> io::Result<Vec<SocketAddr>> {
        let mut addresses = self.all(known).await?.to_vec();
        if !addresses.is_empty() {
            let first = self.turn.fetch_add(1, Ordering::Relaxed) % addresses.len();
            addresses.rotate_left(first);
        }
        Ok(addresses)
    }

    /// Why the latest look-up failed. `None` if it found addresses, or none was needed.
    pub(super) fn failure(&self) -> Option<String> {
        let latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner);
        latest.as_ref()?.found.as_ref().err().map(|(_, why)| why.to_string())
    }

    async fn all(&self, known: &Addresses) -> io::Result<Arc<[SocketAddr]>> {
        let address = self.host.parse::<IpAddr>().ok().map(|address| SocketAddr::new(address, self.port));
        let fixed: Vec<_> = if self.fixed.is_empty() { address.into_iter().collect() } else { self.fixed.clone() };
        if !fixed.is_empty() {
            return self.allowed(fixed);
        }
        let known_found =
            known.0.borrow().as_ref().filter(|lookup| lookup.is_fresh()).map(|lookup| lookup.found.clone());
        let found = match known_found {
            Some(found) => found,
            None => {
                let lookup = self.look_up().await;
                known.0.borrow_mut().insert(lookup).found.clone()
            }
        };
        found.map_err(|(kind, why)| io::Error::new(kind, &*why))
    }

    /// The latest look-up, or a new one if it is too old.
    async fn look_up(&self) -> Lookup {
        let latest = || self.latest.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let before = latest();
        if let Some(lookup) = before.as_ref().filter(|lookup| lookup.is_fresh()) {
            return lookup.clone();
        }
        let _looking_up = match (self.looking_up.try_lock(), &before) {
            (Ok(guard), _) => guard,
            // Another worker is looking up: the old addresses serve until it has new ones.
            (Err(_), Some(old @ Lookup { found: Ok(_), .. })) => return old.clone(),
            (Err(_), _) => self.looking_up.lock().await,
        };
        if let Some(lookup) = latest().filter(Lookup::is_fresh) {
            return lookup;
        }
        let found = (self.names.0)(self.host.clone(), self.port).await;
        let lookup = match (found.and_then(|found| self.allowed(found)), before) {
            (Ok(found), _) => Lookup { until: clock::now() + self.ttl, found: Ok(found) },
            // A name server that fails for a moment does not end a load (RFC 8767).
            (Err(_), Some(Lookup { found: Ok(found), .. })) => {
                Lookup { until: clock::now() + self.ttl, found: Ok(found) }
            }
            (Err(error), _) => {
                Lookup { until: clock::now() + FAILURE_TTL, found: Err((error.kind(), error.to_string().into())) }
            }
        };
        *self.latest.lock().unwrap_or_else(PoisonError::into_inner) = Some(lookup.clone());
        lookup
    }

    fn allowed(&self, found: Vec<SocketAddr>) -> io::Result<Arc<[SocketAddr]>> {
        let near = if self.is_allowed { found } else { keep_near(&self.host, found)? };
        Ok(near.into())
    }
}

/// Connects to the first address that accepts: Happy Eyeballs, RFC 8305, without its sorting.
pub(super) async fn connect_any(addresses: &[SocketAddr]) -> io::Result<TcpStream> {
    let mut last = io::Error::new(io::ErrorKind::AddrNotAvailable, "the name has no address");
    let (mut attempts, mut rest) = (FuturesUnordered::new(), addresses.iter());
    loop {
        match rest.next() {
            Some(next) => attempts.push(TcpStream::connect(next)),
            None if attempts.is_empty() => return Err(last),
            None => {}
        }
        tokio::select! {
            biased;
            Some(result) = attempts.next() => match result {
                Ok(stream) => return Ok(stream),
                Err(error) => last = error,
            },
            () = sleep(NEXT_ATTEMPT), if rest.len() > 0 => {}
        }
    }
}

/// The error of a connection for which this machine has run out of files or ports, and what to do.
pub(super) fn exhausted(error: &io::Error) -> Option<ExchangeError> {
    // EMFILE, ENFILE, EADDRNOTAVAIL: the numbers of Linux and macOS.
    let hint = match error.raw_os_error()? {
        24 | 23 => "this machine allows no more open files: raise `ulimit -n`, or use fewer VUs",
        99 | 49 => "this machine has no free ports: remove --no-connection-reuse, or use fewer connections",
        _ => return None,
    };
    Some(ExchangeError::local(format!("{error}: {hint}")))
}

#[cfg(test)]
mod tests;
