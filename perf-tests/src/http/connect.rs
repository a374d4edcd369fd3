//! Makes connections, and measures the lookup, the TCP connect and the TLS handshake.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use monitoring::metric::Part;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::addresses::{Addresses, Resolver, connect_any};
use super::exchange::ExchangeError;
use super::outage::Outage;
use super::target::Target;
use crate::clock;
use crate::measure::{DurationParts, Failure};

/// A connection, encrypted or not.
#[derive(Debug)]
pub(super) enum Stream {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

impl Stream {
    /// Whether the runtime knows of no data to read; `None` if a cheap check is not possible.
    /// Unlike a poll, this registers no waker. It makes a system call only if there may be
    /// something to read.
    pub(super) fn is_quiet(&self) -> Option<bool> {
        match self {
            Self::Plain(stream) => {
                Some(stream.try_read(&mut [0]).is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock))
            }
            Self::Tls(_) => None,
        }
    }
}

/// The way of one worker to the target: its addresses, and whether it accepts connections.
#[derive(Debug, Clone, Default)]
pub(super) struct Route {
    addresses: Addresses,
    pub(super) outage: Outage,
}

/// Connects and fills in how long each part took.
pub(super) async fn connect(
    (target, resolver): (&Target, &Resolver),
    tls: Option<&Arc<ClientConfig>>,
    route: &Route,
    parts: &mut DurationParts,
) -> Result<Stream, ExchangeError> {
    let result = connect_to((target, resolver), tls, &route.addresses, parts).await;
    match &result {
        Ok(_) => route.outage.connected(clock::now()),
        // This machine could not connect, or may not.
        Err(ExchangeError { failure: Failure::Other, .. }) => {}
        Err(_) => route.outage.attempt_failed(clock::now()),
    }
    result
}

async fn connect_to(
    (target, resolver): (&Target, &Resolver),
    tls: Option<&Arc<ClientConfig>>,
    addresses: &Addresses,
    parts: &mut DurationParts,
) -> Result<Stream, ExchangeError> {
    let refused = |message: String| ExchangeError { failure: Failure::Refused, message };
    let mut at = clock::now();
    let mut lap = |part: Part| {
        let before = std::mem::replace(&mut at, clock::now());
        parts.set(part, at.duration_since(before));
    };
    let found = resolver.resolve(addresses).await;
    lap(Part::LookingUp);
    let found = found.map_err(|error| match error.kind() {
        io::ErrorKind::PermissionDenied => ExchangeError { failure: Failure::Other, message: error.to_string() },
        _ => refused(format!("cannot resolve {}: {error}", target.host)),
    })?;
    let tcp = connect_any(&found).await;
    lap(Part::Connecting);
    let tcp = tcp.map_err(|error| match exhausted(&error) {
        Some(hint) => ExchangeError { failure: Failure::Other, message: format!("{error}: {hint}") },
        None => ExchangeError { failure: failure_of(&error, Failure::Refused), message: error.to_string() },
    })?;
    // Small requests must go out at once. This fails only if the connection is gone, and then the
    // first write fails too.
    let _ = tcp.set_nodelay(true);
    let Some(tls) = tls else { return Ok(Stream::Plain(tcp)) };
    let tls_error = |message: String| ExchangeError { failure: Failure::Tls, message };
    let name = ServerName::try_from(target.host.clone()).map_err(|error| tls_error(error.to_string()))?;
    let stream = TlsConnector::from(tls.clone()).connect(name, tcp).await;
    lap(Part::TlsHandshaking);
    stream.map(|stream| Stream::Tls(Box::new(stream))).map_err(|error| tls_error(error.to_string()))
}

/// The resource that this machine has run out of, and what to do. The service is not the cause.
fn exhausted(error: &io::Error) -> Option<&'static str> {
    // EMFILE, ENFILE, EADDRNOTAVAIL: the numbers of Linux and macOS.
    match error.raw_os_error()? {
        24 | 23 => Some("this machine allows no more open files: raise `ulimit -n`, or use fewer VUs"),
        99 | 49 => Some("this machine has no free ports: remove --no-connection-reuse, or use fewer connections"),
        _ => None,
    }
}

/// Classifies an error of a connection.
pub(super) fn failure_of(error: &io::Error, otherwise: Failure) -> Failure {
    use io::ErrorKind;
    if error.get_ref().is_some_and(|inner| inner.is::<rustls::Error>()) {
        return Failure::Tls;
    }
    match error.kind() {
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
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_read(context, into),
            Self::Tls(stream) => Pin::new(stream).poll_read(context, into),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write(context, bytes),
            Self::Tls(stream) => Pin::new(stream).poll_write(context, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_flush(context),
            Self::Tls(stream) => Pin::new(stream).poll_flush(context),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_shutdown(context),
            Self::Tls(stream) => Pin::new(stream).poll_shutdown(context),
        }
    }
}
