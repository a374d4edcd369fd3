//! Makes connections, and measures the lookup, the TCP connect and the TLS handshake.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use monitoring::metric::RequestPart;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite, Interest, ReadBuf};
use tokio::net::TcpStream;
#[cfg(unix)]
use tokio::net::UnixStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::addresses::{Addresses, Resolver, connect_any, exhausted};
use super::exchange::ExchangeError;
use super::outage::Outage;
use super::protocol::Protocol;
use super::target::Target;
use super::tls::{HostTlsConfig, explain, explain_handshake, no_protocol};
use super::tunnel::Tunnel;
#[cfg(unix)]
use super::unix_socket;
use crate::clock;
use crate::measure::{DurationParts, Failure};

/// A connection.
#[derive(Debug)]
pub(super) struct Stream {
    transport: Transport,
    /// Whether its host is down. `None` once a byte or the end was read.
    undecided: Option<Outage>,
}

/// A connection, encrypted or not.
#[derive(Debug)]
enum Transport {
    Plain(TcpStream),
    #[cfg(unix)]
    Unix(UnixStream),
    /// With the configuration of its handshake, which explains errors.
    Tls(Box<TlsStream<TcpStream>>, Arc<HostTlsConfig>),
}

impl Stream {
    /// Whether the runtime knows of nothing to read. Unlike a poll, this registers no waker and
    /// makes no system call.
    pub(super) fn is_quiet(&self) -> bool {
        match &self.transport {
            Transport::Plain(stream) => stream.try_io(Interest::READABLE, || Ok(())).is_err(),
            Transport::Tls(stream, _) => {
                let (tcp, session) = stream.get_ref();
                // Otherwise the session has data that was not read.
                session.wants_read() && tcp.try_io(Interest::READABLE, || Ok(())).is_err()
            }
            #[cfg(unix)]
            Transport::Unix(stream) => stream.try_io(Interest::READABLE, || Ok(())).is_err(),
        }
    }

    /// The protocol that the handshake agreed on; HTTP/1.1 if it did not.
    pub(super) fn protocol(&self) -> Protocol {
        self.transport.protocol()
    }
}

impl Transport {
    fn protocol(&self) -> Protocol {
        match self {
            Self::Tls(stream, _) if stream.get_ref().1.alpn_protocol() == Some(Protocol::Http2.alpn()) => {
                Protocol::Http2
            }
            _ => Protocol::Http1,
        }
    }

    fn poll_read(&mut self, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self {
            Self::Plain(stream) => Pin::new(stream).poll_read(context, into),
            #[cfg(unix)]
            Self::Unix(stream) => Pin::new(stream).poll_read(context, into),
            Self::Tls(stream, config) => {
                Pin::new(stream).poll_read(context, into).map_err(|error| explain(error, config))
            }
        }
    }
}

/// The way of one worker to the target: its addresses, and whether it accepts connections.
#[derive(Debug, Clone, Default)]
pub(super) struct Route {
    addresses: Addresses,
    pub(super) outage: Outage,
}

/// Makes the TCP connections to one target, directly or through a proxy.
#[derive(Debug)]
pub(super) struct Dialer {
    pub(super) resolver: Resolver,
    pub(super) tunnel: Option<Box<Tunnel>>,
}

/// Connects and fills in how long each part took.
pub(super) async fn connect(
    target: &Target,
    dialer: &Dialer,
    tls: Option<&Arc<HostTlsConfig>>,
    route: &Route,
    parts: &mut DurationParts,
) -> Result<Stream, ExchangeError> {
    let result = connect_to(target, dialer, tls, &route.addresses, parts).await;
    match &result {
        Ok(_) => route.outage.accepted(),
        // This machine could not connect, or may not.
        Err(ExchangeError { failure: Failure::Other, .. }) => {}
        Err(_) => route.outage.attempt_failed(),
    }
    result.map(|transport| Stream { transport, undecided: Some(route.outage.clone()) })
}

async fn connect_to(
    target: &Target,
    dialer: &Dialer,
    tls: Option<&Arc<HostTlsConfig>>,
    addresses: &Addresses,
    parts: &mut DurationParts,
) -> Result<Transport, ExchangeError> {
    let refused = |message: String| ExchangeError { failure: Failure::Refused, message };
    let mut at = clock::now();
    let mut lap = |part: RequestPart| {
        let before = std::mem::replace(&mut at, clock::now());
        parts.set(part, at.duration_since(before));
    };
    #[cfg(unix)]
    if let Some(path) = &target.socket {
        let stream = unix_socket::connect(path).await;
        lap(RequestPart::Connecting);
        let failed = |error| exhausted(&error).unwrap_or_else(|| unix_socket::explain(path, &error));
        return stream.map(Transport::Unix).map_err(failed);
    }
    let found = match &dialer.tunnel {
        Some(_) if dialer.resolver.is_allowed_without_addresses() => Ok(Vec::new()),
        _ => dialer.resolver.resolve(addresses).await,
    };
    lap(RequestPart::LookingUp);
    let found = found.map_err(|error| match (error.kind(), &dialer.tunnel) {
        (io::ErrorKind::PermissionDenied, _) => ExchangeError::local(error),
        (_, None) => refused(format!("cannot resolve {}: {error}", target.host)),
        // The proxy may know names that this machine does not.
        (_, Some(_)) => ExchangeError::local(format!(
            "cannot resolve {name}, to know whether it is in a private network: {error}; if you may load it, pass \
             --allow-target {name}",
            name = target.host
        )),
    })?;
    let tcp = match &dialer.tunnel {
        Some(tunnel) => tunnel.open(&dialer.resolver.destination(&found)).await,
        None => connect_any(&found).await.map_err(|error| {
            let failure = classify_error(&error, Failure::Refused);
            exhausted(&error).unwrap_or_else(|| ExchangeError { failure, message: error.to_string() })
        }),
    };
    lap(RequestPart::Connecting);
    let tcp = tcp?;
    // Small requests must go out at once. This fails only if the connection is gone, and then the
    // first write fails too.
    let _ = tcp.set_nodelay(true);
    let Some(tls) = tls else { return Ok(Transport::Plain(tcp)) };
    let name = ServerName::try_from(target.server_name.clone()).map_err(tls_error)?;
    let stream = handshake(name, tcp, tls).await;
    lap(RequestPart::TlsHandshaking);
    stream
}

async fn handshake(
    name: ServerName<'static>,
    tcp: TcpStream,
    tls: &Arc<HostTlsConfig>,
) -> Result<Transport, ExchangeError> {
    let stream = TlsConnector::from(tls.client.clone()).connect(name, tcp).await;
    let stream = stream.map_err(|error| tls_error(explain_handshake(error, tls)))?;
    tls.shook_hands();
    let stream = Transport::Tls(Box::new(stream), tls.clone());
    // A server without ALPN agrees on nothing.
    if tls.client.alpn_protocols.iter().any(|offered| offered == stream.protocol().alpn()) {
        Ok(stream)
    } else {
        Err(tls_error(no_protocol(&tls.client)))
    }
}

fn tls_error(why: impl ToString) -> ExchangeError {
    ExchangeError { failure: Failure::Tls, message: why.to_string() }
}

pub(super) fn classify_error(error: &io::Error, otherwise: Failure) -> Failure {
    use io::ErrorKind;
    match error.kind() {
        // Only TLS makes these errors.
        ErrorKind::InvalidData => Failure::Tls,
        ErrorKind::TimedOut => Failure::Timeout,
        ErrorKind::ConnectionReset
        | ErrorKind::ConnectionAborted
        | ErrorKind::BrokenPipe
        | ErrorKind::NotConnected
        | ErrorKind::UnexpectedEof => Failure::Reset,
        _ => otherwise,
    }
}

impl AsyncRead for Stream {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let Self { transport, undecided } = self.get_mut();
        let before = into.filled().len();
        let polled = transport.poll_read(context, into);
        if polled.is_ready()
            && let Some(outage) = undecided.take()
        {
            match into.filled().len() > before {
                true => outage.connected(),
                false => outage.closed_unanswered(),
            }
        }
        polled
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match &mut self.get_mut().transport {
            Transport::Plain(stream) => Pin::new(stream).poll_write(context, bytes),
            #[cfg(unix)]
            Transport::Unix(stream) => Pin::new(stream).poll_write(context, bytes),
            Transport::Tls(stream, _) => Pin::new(stream).poll_write(context, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().transport {
            Transport::Plain(stream) => Pin::new(stream).poll_flush(context),
            #[cfg(unix)]
            Transport::Unix(stream) => Pin::new(stream).poll_flush(context),
            Transport::Tls(stream, _) => Pin::new(stream).poll_flush(context),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().transport {
            Transport::Plain(stream) => Pin::new(stream).poll_shutdown(context),
            #[cfg(unix)]
            Transport::Unix(stream) => Pin::new(stream).poll_shutdown(context),
            Transport::Tls(stream, _) => Pin::new(stream).poll_shutdown(context),
        }
    }
}
