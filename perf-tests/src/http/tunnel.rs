//! Tunnels through an HTTP proxy (CONNECT, RFC 9110, section 9.3.6), for `--proxy`.
//!
//! Load goes through a tunnel to each target, with TLS or without. So requests do not change, and
//! do not contain the proxy's credentials. A failure of the proxy is distinguished from the
//! target's.

use std::io;

use perf_settings::{HttpSettings, ProxyUrl};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::addresses::{Addresses, Resolver, connect_any, exhausted};
use super::exchange::ExchangeError;
use super::request_head::USER_AGENT;
use super::target::Target;
use crate::measure::Failure;

/// Limit on the head of the proxy's response, in bytes.
const MOST_HEAD: usize = 64 << 10;

#[derive(Debug)]
pub(super) struct Tunnel {
    proxy: ProxyUrl,
    resolver: Resolver,
    /// The header `proxy-authorization`, made from user and password of the proxy's URL.
    authorization: Option<String>,
}

impl Tunnel {
    pub(super) fn new(proxy: &ProxyUrl, settings: &HttpSettings) -> Self {
        let target = Target::new(proxy.url(), &settings.allowed);
        let resolver = Resolver::new(&target, Vec::new(), settings.dns_ttl);
        Self { proxy: proxy.clone(), resolver, authorization: target.authorization }
    }

    /// Opens a tunnel to `destination`, a host and port.
    pub(super) async fn open(&self, destination: &str) -> Result<TcpStream, ExchangeError> {
        let found = self.resolver.resolve(&Addresses::default()).await;
        let found = found.map_err(|error| match error.kind() {
            io::ErrorKind::PermissionDenied => ExchangeError::local(error),
            _ => self.failed(&format!("has a name that cannot be resolved: {error}; check --proxy")),
        })?;
        let stream = connect_any(&found).await.map_err(|error| {
            let refused = || self.failed(&format!("accepts no connection: {error}; start it, or change --proxy"));
            exhausted(&error).unwrap_or_else(refused)
        })?;
        let (stream, status) = self.ask(stream, destination).await.map_err(|error| {
            self.failed(&format!(
                "sent no valid response to CONNECT {destination}: {error}; check that it is an HTTP proxy"
            ))
        })?;
        match status {
            200..=299 => Ok(stream),
            _ => Err(self.failed(&describe_refusal(status, destination))),
        }
    }

    async fn ask(&self, mut stream: TcpStream, destination: &str) -> io::Result<(TcpStream, u16)> {
        let authorization = self.authorization.iter().map(|value| format!("proxy-authorization: {value}\r\n"));
        let request = format!(
            "CONNECT {destination} HTTP/1.1\r\nhost: {destination}\r\nuser-agent: {USER_AGENT}\r\n{}\r\n",
            authorization.collect::<String>()
        );
        stream.set_nodelay(true)?;
        stream.write_all(request.as_bytes()).await?;
        let head = read_head(&mut stream).await?;
        let status = parse_status(&head).ok_or_else(|| io::Error::other("it is not HTTP/1"))?;
        Ok((stream, status))
    }

    /// A failure of the proxy. The target is not its cause.
    fn failed(&self, what: &str) -> ExchangeError {
        ExchangeError { failure: Failure::Proxy, message: format!("the proxy {} {what}", self.proxy) }
    }
}

fn describe_refusal(status: u16, destination: &str) -> String {
    match status {
        407 => "requires another user or password (status 407): give them as --proxy http://USER:PASSWORD@HOST:PORT"
            .to_owned(),
        403 | 405 => {
            format!("refuses a tunnel to {destination} (status {status}): let it accept CONNECT to this host and port")
        }
        _ => format!("has no connection to {destination} (status {status}): see its log"),
    }
}

/// Reads the head of a response, and no byte after it: the next ones are the target's.
async fn read_head(stream: &mut TcpStream) -> io::Result<Vec<u8>> {
    let (mut head, mut buffer) = (Vec::new(), [0; 1024]);
    while head.len() < MOST_HEAD {
        let (before, peeked) = (head.len(), stream.peek(&mut buffer).await?);
        if peeked == 0 {
            return Err(io::Error::other("the connection ended"));
        }
        head.extend_from_slice(&buffer[..peeked]);
        let end = head.windows(4).position(|window| window == b"\r\n\r\n").map(|at| at + 4);
        head.truncate(end.unwrap_or(head.len()));
        stream.read_exact(&mut buffer[..head.len() - before]).await?;
        if end.is_some() {
            return Ok(head);
        }
    }
    Err(io::Error::other("its head is too long"))
}

/// The status of a response: 200 in "HTTP/1.1 200 OK".
fn parse_status(head: &[u8]) -> Option<u16> {
    let line = head.split(|byte| *byte == b'\r').next()?;
    let (version, rest) = std::str::from_utf8(line).ok()?.split_once(' ')?;
    let status = rest.get(..3).filter(|_| version.starts_with("HTTP/1."))?;
    status.parse().ok().filter(|status| (100..600).contains(status))
}

#[cfg(test)]
mod tests;
