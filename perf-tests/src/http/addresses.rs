//! Addresses of the target: looked up once for all workers, used in turn, and tried in parallel if
//! the first does not connect at once.

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
use super::target::Target;
use crate::clock;

/// Time for which a failed look-up counts. Without this, every request that fails asks the name
/// server again.
const FAILURE_TTL: Duration = Duration::from_secs(1);
/// The next address is tried after this time (RFC 8305, section 5), or once an attempt failed.
const NEXT_ATTEMPT: Duration = Duration::from_millis(250);

/// Looks up the target's addresses, for all workers.
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
    /// Looks up the name.
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
    /// The system's.
    fn system() -> Self {
        Self(Box::new(|host, port| async move { Ok(lookup_host((host, port)).await?.collect()) }.boxed()))
    }
}

impl fmt::Debug for NameService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NameService")
    }
}

/// The result of a look-up.
#[derive(Debug, Clone)]
struct Lookup {
    until: Instant,
    found: Found,
}

/// The addresses that a look-up found, in the order of the system, or why it failed.
type Found = Result<Arc<[SocketAddr]>, (io::ErrorKind, Arc<str>)>;

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

/// The resource that this machine has run out of, and what to do. The service is not the cause.
pub(super) fn exhausted(error: &io::Error) -> Option<&'static str> {
    // EMFILE, ENFILE, EADDRNOTAVAIL: the numbers of Linux and macOS.
    match error.raw_os_error()? {
        24 | 23 => Some("this machine allows no more open files: raise `ulimit -n`, or use fewer VUs"),
        99 | 49 => Some("this machine has no free ports: remove --no-connection-reuse, or use fewer connections"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use futures::future::join_all;
    use tokio::task::yield_now;
    use tokio::time::advance;
    use url::Url;

    use super::*;

    fn resolver(host: &str, fixed: &[&str]) -> Resolver {
        let target = Target::new(&Url::parse(&format!("http://{host}:80")).unwrap(), &[]);
        let fixed = fixed.iter().map(|address| address.parse().unwrap()).collect();
        Resolver::new(&target, fixed, Duration::from_secs(30))
    }

    #[tokio::test]
    async fn addresses_of_a_name_are_used_in_turn() {
        let resolver = resolver("shop.test", &["127.0.0.2:80", "127.0.0.3:80"]);
        let mut first = Vec::new();
        for _ in 0..4 {
            first.push(resolver.resolve(&Addresses::default()).await.unwrap()[0].ip().to_string());
        }
        assert_eq!(first, ["127.0.0.2", "127.0.0.3", "127.0.0.2", "127.0.0.3"]);
    }

    #[tokio::test]
    async fn a_public_address_is_not_used_even_if_the_user_gave_it() {
        let refused = resolver("shop.test", &["203.0.113.7:80"]).resolve(&Addresses::default()).await.unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::PermissionDenied);
    }

    #[tokio::test]
    async fn one_look_up_serves_all_workers_until_it_is_too_old() {
        let resolver = Resolver { ttl: Duration::from_millis(50), ..resolver("localhost", &[]) };
        let (one, other) = (Addresses::default(), Addresses::default());
        let found = resolver.all(&one).await.unwrap();
        assert!(Arc::ptr_eq(&found, &resolver.all(&other).await.unwrap()), "the same look-up");
        sleep(Duration::from_millis(60)).await;
        assert!(!Arc::ptr_eq(&found, &resolver.all(&other).await.unwrap()), "a new look-up");
    }

    #[tokio::test]
    async fn a_failed_look_up_counts_for_a_short_time() {
        let resolver = resolver("no-such-name.invalid", &[]);
        let known = Addresses::default();
        let message = resolver.all(&known).await.unwrap_err().to_string();
        let until = || resolver.latest.lock().unwrap().as_ref().unwrap().until;
        let first = until();
        assert!(first > clock::now() && first <= clock::now() + FAILURE_TTL);
        // Neither this worker nor another one asks again.
        for known in [&known, &Addresses::default()] {
            assert_eq!(resolver.all(known).await.unwrap_err().to_string(), message);
        }
        assert_eq!(until(), first);
        sleep(FAILURE_TTL + Duration::from_millis(50)).await;
        resolver.all(&known).await.unwrap_err();
        assert!(until() > first, "a new look-up");
    }

    #[tokio::test]
    async fn old_addresses_serve_while_another_worker_looks_up() {
        let resolver = Resolver { ttl: Duration::ZERO, ..resolver("localhost", &[]) };
        let before = resolver.all(&Addresses::default()).await.unwrap();
        let looking_up = resolver.looking_up.lock().await;
        let during = tokio::time::timeout(Duration::from_secs(5), resolver.all(&Addresses::default())).await;
        assert!(Arc::ptr_eq(&before, &during.unwrap().unwrap()), "it waits for no look-up");
        drop(looking_up);
        assert!(!Arc::ptr_eq(&before, &resolver.all(&Addresses::default()).await.unwrap()));
    }

    #[tokio::test]
    async fn addresses_stay_if_a_later_look_up_fails() {
        let resolver = Resolver { ttl: Duration::ZERO, ..resolver("no-such-name.invalid", &[]) };
        let found: Arc<[SocketAddr]> = Arc::new([SocketAddr::from(([127, 0, 0, 1], 80))]);
        let old = Lookup { until: clock::now(), found: Ok(found.clone()) };
        *resolver.latest.lock().unwrap() = Some(old);
        assert!(Arc::ptr_eq(&found, &resolver.all(&Addresses::default()).await.unwrap()));
    }

    #[tokio::test]
    async fn the_next_address_is_tried_if_one_refuses() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let open = SocketAddr::new([127, 0, 0, 1].into(), port);
        let refusing = SocketAddr::new([127, 0, 0, 9].into(), port);
        assert_eq!(connect_any(&[refusing, open]).await.unwrap().peer_addr().unwrap(), open);
        assert_eq!(connect_any(&[refusing]).await.unwrap_err().kind(), io::ErrorKind::ConnectionRefused);
        assert_eq!(connect_any(&[]).await.unwrap_err().kind(), io::ErrorKind::AddrNotAvailable);
    }

    const TTL: Duration = Duration::from_secs(30);

    /// Listens on one port of each of two addresses.
    fn listen() -> ([TcpListener; 2], [SocketAddr; 2]) {
        loop {
            let one = TcpListener::bind("127.0.0.2:0").unwrap();
            let first = one.local_addr().unwrap();
            let second = SocketAddr::new([127, 0, 0, 3].into(), first.port());
            // Another program may use the port of the second address.
            if let Ok(other) = TcpListener::bind(second) {
                return ([one, other], [first, second]);
            }
        }
    }

    /// A resolver whose look-ups give these results in turn, the last one again and again, and the
    /// number of its look-ups.
    fn changing(results: Vec<Option<SocketAddr>>) -> (Resolver, Arc<AtomicUsize>) {
        let count = Arc::new(AtomicUsize::new(0));
        let counted = count.clone();
        let names = NameService(Box::new(move |host, _| {
            let at = counted.fetch_add(1, Ordering::SeqCst).min(results.len() - 1);
            let result = results[at].map(|address| vec![address]);
            async move {
                // The other workers ask meanwhile.
                yield_now().await;
                result.ok_or_else(|| io::Error::other(format!("no response about {host}")))
            }
            .boxed()
        }));
        (Resolver { names, ttl: TTL, ..resolver("shop.test", &[]) }, count)
    }

    async fn connected(resolver: &Resolver, known: &Addresses) -> SocketAddr {
        connect_any(&resolver.resolve(known).await.unwrap()).await.unwrap().peer_addr().unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn new_connections_go_to_the_new_address_after_the_ttl() {
        let (_listeners, [old, new]) = listen();
        let (resolver, count) = changing(vec![Some(old), Some(new)]);
        let workers = [Addresses::default(), Addresses::default()];
        assert_eq!(connected(&resolver, &workers[0]).await, old);
        advance(TTL - Duration::from_millis(1)).await;
        assert_eq!([connected(&resolver, &workers[0]).await, connected(&resolver, &workers[1]).await], [old, old]);
        advance(Duration::from_millis(1)).await;
        assert_eq!([connected(&resolver, &workers[0]).await, connected(&resolver, &workers[1]).await], [new, new]);
        assert_eq!(count.load(Ordering::SeqCst), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn the_old_address_stays_while_look_ups_fail() {
        let (_listeners, [old, new]) = listen();
        let (resolver, count) = changing(vec![Some(old), None, Some(new)]);
        let known = Addresses::default();
        for (connects_to, look_ups) in [(old, 1), (old, 2), (new, 3)] {
            assert_eq!(connected(&resolver, &known).await, connects_to);
            assert_eq!(count.load(Ordering::SeqCst), look_ups);
            advance(TTL).await;
        }
    }

    #[tokio::test(start_paused = true)]
    async fn eight_workers_cause_one_look_up() {
        let (_listeners, [old, new]) = listen();
        let (resolver, count) = changing(vec![Some(old), Some(new)]);
        let workers: [Addresses; 8] = Default::default();
        let all = async || join_all(workers.iter().map(|known| resolver.resolve(known))).await;
        for look_ups in [1, 2] {
            assert!(all().await.into_iter().all(|found| found.is_ok()));
            assert_eq!(count.load(Ordering::SeqCst), look_ups);
            advance(TTL).await;
        }
    }
}
