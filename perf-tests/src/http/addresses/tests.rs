//! Tests of `addresses`.

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
