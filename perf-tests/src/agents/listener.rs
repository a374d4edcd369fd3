//! The address at which agents join. A peer without the token gets nothing.

use std::io::{self, ErrorKind};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use perf_settings::{AGENT_CA, AGENT_TOKEN, LISTEN_CERTIFICATE};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Handle;
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinHandle;
use tokio::time;
use tokio_rustls::TlsAcceptor;

use super::encryption::{self, AgentStream, HandshakeError};
use super::identity;
use super::link::{self, LinkReceiver, LinkSender};
use super::message::{self, FirstMessage, FromAgent, Hello, MAX_HELLO, MessageError, SILENCE, ToAgent};
use super::refused_peers::{RefusedPeer, RefusedPeers};

/// Peers that may try to join at a time. Others wait.
const MOST_AT_ONCE: usize = 64;
/// The first three bytes of a peer that uses TLS, which look like a length.
const TLS_HELLO: usize = 0x16_03_01;
/// Pause after the system refused a connection, for example because all file descriptors are used.
const PAUSE: Duration = Duration::from_millis(100);

/// A listening socket. It is closed when it is dropped.
pub(super) struct AgentListener {
    pub(super) address: SocketAddr,
    /// `None` once all peers are refused.
    peers: Option<mpsc::Receiver<PeerResult>>,
    refused: Arc<Mutex<RefusedPeers>>,
    /// Whether the load has ended. Late agents get it as the reason of their refusal.
    has_ended: Arc<AtomicBool>,
    runtime: Handle,
    task: JoinHandle<()>,
}

/// A peer that connected: whether it can take part.
type PeerResult = Result<JoinedAgent, RefusedPeer>;

pub(super) struct JoinedAgent {
    pub(super) sender: LinkSender,
    pub(super) receiver: LinkReceiver<FromAgent>,
    /// Process and machine.
    pub(super) place: String,
}

impl AgentListener {
    /// Listens for agents whose identity is that of `here`, over TLS if `encryption` is given.
    pub(super) fn open(address: SocketAddr, encryption: Option<TlsAcceptor>, here: Hello) -> io::Result<Self> {
        let runtime = link::runtime()?;
        let listener = std::net::TcpListener::bind(address).or_else(|error| match (address.ip(), error.kind()) {
            (_, ErrorKind::AddrInUse | ErrorKind::PermissionDenied) => Err(error),
            // This machine may have no IPv6.
            (IpAddr::V6(Ipv6Addr::UNSPECIFIED), _) => {
                std::net::TcpListener::bind((Ipv4Addr::UNSPECIFIED, address.port()))
            }
            _ => Err(error),
        })?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let entered = runtime.enter();
        let listener = TcpListener::from_std(listener)?;
        drop(entered);
        let (sender, peers) = mpsc::channel(MOST_AT_ONCE);
        let (here, places) = (Arc::new(here), Arc::new(Semaphore::new(MOST_AT_ONCE)));
        let task = runtime.spawn(async move {
            loop {
                // The semaphore is never closed.
                let Ok(place) = places.clone().acquire_owned().await else { return };
                let Ok((stream, peer)) = listener.accept().await else {
                    time::sleep(PAUSE).await;
                    continue;
                };
                let peer = SocketAddr::new(peer.ip().to_canonical(), peer.port());
                let (here, sender, encryption) = (here.clone(), sender.clone(), encryption.clone());
                tokio::spawn(async move {
                    let peer = match encrypt(stream, encryption.as_ref()).await {
                        Ok(stream) => receive(stream, peer, &here).await,
                        Err(error) => {
                            let why = format!("{error}: {}", encryption::advise());
                            Err(RefusedPeer { peer: peer.to_string(), why })
                        }
                    };
                    // If the receiver is gone, the run is over.
                    drop(sender.send(peer).await);
                    drop(place);
                });
            }
        });
        let (refused, has_ended) = (Arc::default(), Arc::default());
        Ok(Self { address, peers: Some(peers), refused, has_ended, runtime, task })
    }

    /// The next agent that can take part. `show` shows peers that cannot.
    pub(super) async fn next(&mut self, show: &dyn Fn(&str)) -> JoinedAgent {
        let Some(peers) = &mut self.peers else { return std::future::pending().await };
        loop {
            match peers.recv().await {
                Some(Ok(agent)) => return agent,
                Some(Err(peer)) => lock(&self.refused).add(peer, show),
                // The task ends only with the listener.
                None => return std::future::pending().await,
            }
        }
    }

    /// Refuses all peers from now on, also while the thread of the run is blocked.
    pub(super) fn refuse_others(&mut self) {
        let Some(mut peers) = self.peers.take() else { return };
        let (refused, has_ended) = (self.refused.clone(), self.has_ended.clone());
        self.runtime.spawn(async move {
            while let Some(peer) = peers.recv().await {
                let peer = match peer {
                    Err(peer) => peer,
                    Ok(joined) => {
                        let why = match has_ended.load(Ordering::Relaxed) {
                            true => "the load of the run has ended",
                            false => "all agents of the run have joined",
                        };
                        let peer = RefusedPeer { peer: joined.place.clone(), why: why.to_owned() };
                        tokio::spawn(joined.refuse(vec![why.to_owned()]));
                        peer
                    }
                };
                lock(&refused).add(peer, &|_| ());
            }
        });
    }

    /// Tells agents that come from now on that the load has ended.
    pub(super) fn end_load(&self) {
        self.has_ended.store(true, Ordering::Relaxed);
    }

    /// A text for each reason for which peers were refused.
    pub(super) fn refused(&self) -> Vec<String> {
        lock(&self.refused).texts().collect()
    }
}

impl Drop for AgentListener {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn lock(refused: &Mutex<RefusedPeers>) -> MutexGuard<'_, RefusedPeers> {
    refused.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The peer's connection. Small messages, such as those that measure clocks, do not wait for more.
async fn encrypt(stream: TcpStream, encryption: Option<&TlsAcceptor>) -> Result<AgentStream, HandshakeError> {
    // If the system refuses, they are only later.
    drop(stream.set_nodelay(true));
    match encryption {
        Some(acceptor) => encryption::accept(acceptor, stream).await,
        None => Ok(Box::new(stream)),
    }
}

async fn receive(mut stream: AgentStream, peer: SocketAddr, here: &Hello) -> PeerResult {
    let refused = |why: &str| Err(RefusedPeer { peer: peer.to_string(), why: why.to_owned() });
    // A limit on the whole message: a peer that sends it byte by byte keeps others out.
    let hello = match time::timeout(SILENCE, message::read(&mut stream, MAX_HELLO)).await {
        Ok(Ok(FirstMessage::Hello(hello))) => hello,
        Ok(Err(MessageError::Invalid(_))) => return refused("its first message was not that of an agent"),
        Ok(Err(MessageError::TooLong { length, .. })) if length >> 8 == TLS_HELLO => {
            return refused(&format!(
                "it uses TLS, and this coordinator does not: add --listen-certificate (or {LISTEN_CERTIFICATE}), or \
                 remove its {AGENT_CA}"
            ));
        }
        Ok(Err(error)) => return refused(&error.to_string()),
        Err(_) => return refused(&MessageError::Silent.to_string()),
    };
    if !identity::is_same_token(&hello.token, &here.token) {
        return refused(&format!("its token is wrong: set its {AGENT_TOKEN} to that of the coordinator"));
    }
    let place = monitoring::sanitize::one_line(&hello.place);
    let (sender, receiver) = match link::open::<ToAgent, _>(stream) {
        Ok(link) => link,
        Err(error) => return refused(&error.to_string()),
    };
    let joined = JoinedAgent { sender, receiver, place };
    let differences = identity::differences(&identity::process_values(&hello), &identity::process_values(here));
    if differences.is_empty() {
        // The agent may wait long for its share. This message tells it that its token is right.
        drop(joined.sender.offer(&ToAgent::Alive));
        return Ok(joined);
    }
    let advice = "start the same file on each machine, with the name of the same scenario";
    let why: Vec<_> = differences.into_iter().chain([advice.to_owned()]).collect();
    let (peer, all) = (format!("{peer} ({})", joined.place), why.join("; "));
    joined.refuse(why).await;
    Err(RefusedPeer { peer, why: all })
}

impl JoinedAgent {
    /// Whether its connection works, as far as this side has noticed.
    pub(super) fn is_connected(&self) -> bool {
        self.sender.is_connected()
    }

    /// Tells an agent why it cannot take part, and waits until it has closed the connection.
    pub(super) async fn refuse(mut self, why: Vec<String>) {
        if self.sender.send(&ToAgent::Refused(why)).await.is_ok() {
            let closed = async { while self.receiver.receive().await.is_ok() {} };
            // A peer that does not close it is left.
            drop(time::timeout(SILENCE, closed).await);
        }
    }
}

#[cfg(test)]
mod tests;
