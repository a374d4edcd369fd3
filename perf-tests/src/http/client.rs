//! The HTTP client of one virtual user: connections, the time limit, and the parts of a request's
//! time.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tokio::task::coop;
use tokio::time::{Instant, Sleep, sleep_until};
use url::Url;

use super::config::{HttpConfig, RedirectError};
use super::connect::{Stream, classify_error};
use super::exchange::{Exchange, ExchangeError, Measured};
use super::h1::{BrokenExchange, Connection, Http1Error, RawResponse, ResponseTo, StreamedRequest};
use super::h2::{self, Http2, Http2Host, WholeRequest};
use super::host_config::HostConfig;
use super::outage::Outage;
use super::pool::{HostPool, IdleConnection, IdleConnections, Pool, still_open};
use super::protocol::Protocol;
use super::request_body::{BodyReader, FileInBody, RequestBody};
use super::request_head::RequestHead;
use super::target::Target;
use crate::clock;
use crate::measure::Failure;

/// One host, as one virtual user knows it.
struct ClientHost {
    config: Arc<HostConfig>,
    pool: Rc<HostPool>,
    idle: Idle,
    http2: Http2,
}

/// The owner of a client's idle connections over HTTP/1.1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ConnectionOwner {
    Client,
    /// All clients of the worker share them.
    Pool,
}

/// Idle connections over HTTP/1.1 that a client may use.
enum Idle {
    /// At most one, of the client itself, because it makes one request at a time.
    Own(Option<IdleConnection>),
    /// Connections of all virtual users of the worker, or of a virtual user and its parallel ones.
    Shared(Rc<IdleConnections>),
}

#[derive(Clone, Copy)]
struct RawRequest<'a> {
    /// Its head and the bytes of its body.
    bytes: &'a [u8],
    /// Its pieces; `None` if it is sent at once.
    pieces: Option<&'a Pieces>,
    response_to: ResponseTo,
    is_idempotent: bool,
}

struct Pieces {
    head_len: usize,
    files: Vec<FileInBody>,
    expects_continue: bool,
}

/// The status of a server that waited too long for a request.
const REQUEST_TIMEOUT: u16 = 408;
/// A server that gave up an idle connection sent its response before the request came, so that it
/// arrives within a round trip. Later ones come from servers that waited for something else.
const LONGEST_ROUND_TRIP: Duration = Duration::from_millis(500);

/// The limits of browsers on connections to a host, and on streams of a connection.
const MOST_CONNECTIONS: usize = 6;
const MOST_STREAMS: usize = 100;

/// Fires at the time limit of the current request or earlier; then it is set again. A new timer for
/// each request would cost more than the rest of the measurement.
struct Deadline {
    timer: Pin<Box<Sleep>>,
    /// The task that it wakes. It need not be polled again for that task.
    wakes: Option<Waker>,
}

pub(crate) struct HttpClient {
    config: Arc<HttpConfig>,
    pool: Pool,
    /// Whether idle connections are kept in the pool.
    owner: ConnectionOwner,
    /// The hosts by index. Origins that redirects lead to follow when they are first needed.
    hosts: Vec<ClientHost>,
    deadline: Deadline,
    /// The bytes of the current request.
    out: Vec<u8>,
}

impl Idle {
    /// Makes the connections available to others, and returns them.
    fn share(&mut self) -> Rc<IdleConnections> {
        match self {
            Self::Shared(idle) => idle.clone(),
            Self::Own(own) => {
                let idle = Rc::<IdleConnections>::default();
                own.take().into_iter().for_each(|connection| idle.put(connection));
                *self = Self::Shared(idle.clone());
                idle
            }
        }
    }
}

impl HttpClient {
    /// A client without connections. The owner keeps those that are idle: the client or `pool`.
    pub(crate) fn new(config: Arc<HttpConfig>, pool: Pool, owner: ConnectionOwner) -> Self {
        let timer = Box::pin(sleep_until(clock::now() + config.settings.request_timeout));
        let deadline = Deadline { timer, wakes: None };
        let hosts = Vec::with_capacity(config.hosts().len());
        let mut client = Self { config, pool, owner, hosts, deadline, out: Vec::with_capacity(256) };
        client.know_host(client.config.hosts().len() - 1);
        client
    }

    pub(crate) fn config(&self) -> &HttpConfig {
        &self.config
    }

    /// Adds hosts up to this index, which the configuration has.
    fn know_host(&mut self, at: usize) {
        while self.hosts.len() <= at {
            let Some(config) = self.config.host(self.hosts.len()) else { break };
            let pool = self.pool.host(self.hosts.len());
            let idle = match self.owner {
                ConnectionOwner::Client => Idle::Own(None),
                ConnectionOwner::Pool => Idle::Shared(pool.idle.clone()),
            };
            self.hosts.push(ClientHost { config, pool, idle, http2: Http2::default() });
        }
    }

    /// A client that shares the connections of this one, to all configured hosts. Each of the two
    /// makes one request at a time.
    pub(crate) fn share_connections(&mut self) -> Self {
        let mut other = Self::new(self.config.clone(), self.pool.clone(), self.owner);
        for (host, shared) in self.hosts.iter_mut().zip(&mut other.hosts) {
            shared.idle = Idle::Shared(host.idle.share());
            shared.http2 = host.http2.clone();
        }
        other
    }

    /// Maximum number of requests at once to this host, as in browsers: connections in HTTP/1.1,
    /// streams of one connection in HTTP/2.
    pub(crate) fn most_at_once(&self, host: usize) -> usize {
        if self.is_http2(host) { MOST_STREAMS } else { MOST_CONNECTIONS }
    }

    fn is_http2(&self, host: usize) -> bool {
        self.hosts[host].config.protocol() == Protocol::Http2
    }

    /// The index of the host that serves a URL; see [`HttpConfig::find_host`].
    pub(crate) fn find_host(&mut self, url: &Url, from: usize) -> Result<usize, RedirectError> {
        let at = self.config.find_host(url, from)?;
        self.know_host(at);
        Ok(at)
    }

    pub(crate) fn target(&self, host: usize) -> &Target {
        &self.hosts[host].config.target
    }

    /// Handles what servers send between requests, so that they do not close connections over
    /// HTTP/2 that do not respond. Wakes the task when there is more.
    pub(crate) fn attend(&self, context: &mut Context<'_>) {
        self.hosts.iter().for_each(|host| host.http2.attend(context));
    }

    /// The pauses between attempts to connect, if the next request to this host needs a connection
    /// and the host accepted none lately.
    pub(crate) fn outage(&self, host: usize) -> Option<&Outage> {
        let ClientHost { config, pool, idle, http2 } = &self.hosts[host];
        let outage = &pool.route.outage;
        if outage.is_over() {
            return None;
        }
        let is_connected = match idle {
            _ if config.protocol() == Protocol::Http2 => http2.is_open(),
            Idle::Own(own) => own.is_some(),
            Idle::Shared(idle) => !idle.is_empty(),
        };
        (!is_connected).then_some(outage)
    }

    /// Sends a request and reads the whole response. The time limit counts from `started`.
    ///
    /// The returned future does not borrow `head` and `body`, which are encoded at once, except
    /// files. This keeps the future small, and every virtual user has one.
    pub(crate) fn exchange<'a>(
        &'a mut self,
        host: usize,
        head: RequestHead<'_>,
        body: RequestBody<'_>,
        started: Instant,
    ) -> impl Future<Output = Exchange> + use<'a> {
        let Self { config, hosts, deadline, out, .. } = self;
        let host = &mut hosts[host];
        let (user_agent, close) = (config.settings.user_agent.as_deref(), config.settings.no_connection_reuse);
        let head = RequestHead { user_agent, close, compression: config.settings.compression, ..head };
        let response_to = match head.method {
            "HEAD" => ResponseTo::Head,
            _ if head.discards_body => ResponseTo::Discarded,
            _ => ResponseTo::Other,
        };
        let is_idempotent = is_idempotent(head.method);
        out.clear();
        head.write(&host.config.target, out);
        let head_len = out.len();
        let pieces = Pieces::split(&head, body, head_len);
        out.extend_from_slice(body.bytes);
        async move {
            let mut measured = Measured::new(started);
            let until = started + config.settings.request_timeout;
            let result = match host.config.protocol() {
                Protocol::Http1 => {
                    let request = RawRequest { bytes: out, pieces: pieces.as_deref(), response_to, is_idempotent };
                    let work = pin!(exchange(config, host, request, &mut measured));
                    deadline.within(until, work).await
                }
                Protocol::Http2 => {
                    let (head, bytes) = out.split_at(head_len);
                    let body = RequestBody { bytes, files: pieces.as_deref().map_or(&[], |it| &it.files) };
                    let expects_continue = pieces.as_deref().is_some_and(|it| it.expects_continue);
                    let request = WholeRequest { head, body, response_to, is_idempotent, expects_continue };
                    let host = Http2Host { http2: &host.http2, config: &host.config, route: &host.pool.route };
                    let work = pin!(h2::exchange(host, config, request, &mut measured));
                    deadline.within(until, work).await
                }
            };
            let result = result.unwrap_or_else(|| {
                let awaited = match host.config.target.tls && measured.is_without_handshake() {
                    true => "TLS handshake",
                    false => "response",
                };
                let message = format!("no complete {awaited} within {:?}", config.settings.request_timeout);
                Err(ExchangeError { failure: Failure::Timeout, message })
            });
            let times = result.as_ref().ok().map(|response| response.timings);
            if let Some(times) = times {
                measured.responded(times);
            }
            let finished = times.map_or_else(clock::now, |times| times.finished);
            Exchange { result, parts: measured.parts, finished, is_resent: measured.is_resent }
        }
    }
}

impl Pieces {
    /// The pieces of a request. `None` if it can be sent at once.
    fn split(head: &RequestHead<'_>, body: RequestBody<'_>, head_len: usize) -> Option<Box<Self>> {
        let expects_continue = head.expects_continue;
        let is_whole = body.files.is_empty() && !expects_continue;
        (!is_whole).then(|| Box::new(Self { head_len, files: body.files.to_vec(), expects_continue }))
    }

    async fn exchange(
        &self,
        connection: &mut Connection<Stream>,
        request: RawRequest<'_>,
    ) -> Result<RawResponse, BrokenExchange> {
        let (head, body) = request.bytes.split_at(self.head_len);
        let (head, mut reader) = match self.expects_continue {
            true => (Some(head), BodyReader::new(body, 0, &self.files)),
            false => (None, BodyReader::new(request.bytes, self.head_len, &self.files)),
        };
        let streamed = StreamedRequest { head, next: |piece: &mut Vec<u8>| reader.read(piece) };
        connection.exchange_streamed(streamed, request.response_to).await
    }
}

/// Whether sending the request twice has the effect of sending it once (RFC 9110, section 9.2.2).
fn is_idempotent(method: &str) -> bool {
    matches!(method, "GET" | "HEAD" | "PUT" | "DELETE" | "OPTIONS" | "TRACE")
}

/// One exchange over HTTP/1.1.
///
/// If the server closed a connection while it was idle, the request is sent on another one. This is
/// not a failure, because nothing was sent on the closed connection. If the server closes a reused
/// connection while an idempotent request is on its way, the request is sent once more. It gets a
/// new connection. The time until then is part of its latency.
async fn exchange(
    config: &HttpConfig,
    host: &mut ClientHost,
    request: RawRequest<'_>,
    measured: &mut Measured,
) -> Result<RawResponse, ExchangeError> {
    loop {
        let kept = match &mut host.idle {
            _ if measured.is_resent => None,
            Idle::Own(own) => own.take().and_then(still_open),
            Idle::Shared(idle) => idle.take(),
        };
        let (mut connection, is_used) = match kept {
            Some(connection) => (connection, true),
            None => {
                // Boxed, because it is large and needed only once.
                let connecting = Box::pin(host.config.connect(&host.pool.route, measured));
                (Box::new(Connection::new(connecting.await?, config.limits)), false)
            }
        };
        let exchanged = match request.pieces {
            None => pin!(connection.exchange(request.bytes, request.response_to)).await,
            // Boxed, because it is large and rarely used.
            Some(pieces) => Box::pin(pieces.exchange(&mut connection, request)).await,
        };
        let response = match exchanged {
            Err(error) if matches!(error.cause, Http1Error::RequestBody(_)) => {
                return Err(exchange_error(&error.cause));
            }
            Err(error) if is_used && !error.sent_anything && !error.received_anything => continue,
            Err(error) if is_used && is_unanswered(&error) => {
                if !request.is_idempotent {
                    return Err(ExchangeError { failure: Failure::Unanswered, message: error.cause.to_string() });
                }
                measured.resend();
                continue;
            }
            result => result.map_err(|error| exchange_error(&error.cause))?,
        };
        // The server gave up an idle connection while the request was on its way (RFC 9110,
        // 15.5.9).
        let is_unasked = is_used && response.status == REQUEST_TIMEOUT && !connection.is_reusable();
        if is_unasked && request.is_idempotent && measured.since_blocked() < LONGEST_ROUND_TRIP {
            measured.resend();
            continue;
        }
        if !config.settings.no_connection_reuse && connection.is_reusable() {
            match &mut host.idle {
                Idle::Own(own) => *own = Some(connection),
                Idle::Shared(idle) => idle.put(connection),
            }
        }
        return Ok(response);
    }
}

/// Whether the server closed the connection without one byte of a response.
fn is_unanswered(error: &BrokenExchange) -> bool {
    !error.received_anything && exchange_error(&error.cause).failure == Failure::Reset
}

fn exchange_error(cause: &Http1Error) -> ExchangeError {
    let failure = match cause {
        Http1Error::Io(error) => classify_error(error, Failure::Reset),
        Http1Error::RequestBody(error) => return ExchangeError::local(error),
        Http1Error::ExpectsTls => Failure::Tls,
        Http1Error::Closed(_) => Failure::Reset,
        Http1Error::Protocol(_) | Http1Error::TooLarge { .. } => Failure::Protocol,
    };
    ExchangeError { failure, message: cause.to_string() }
}

impl Deadline {
    /// Runs a future until a deadline. Returns `None` if it has not finished by then.
    fn within<T>(
        &mut self,
        until: Instant,
        mut work: Pin<&mut impl Future<Output = T>>,
    ) -> impl Future<Output = Option<T>> {
        let Self { timer, wakes } = self;
        poll_fn(move |context| {
            if let Poll::Ready(output) = work.as_mut().poll(context) {
                return Poll::Ready(Some(output));
            }
            if !timer.is_elapsed() && wakes.as_ref().is_some_and(|waker| waker.will_wake(context.waker())) {
                return Poll::Pending;
            }
            // Unconstrained, since tokio neither sets nor reads a timer for a task without budget.
            // A server that sends without end may leave none at any poll.
            while pin!(coop::unconstrained(timer.as_mut())).poll(context).is_ready() {
                if timer.deadline() >= until {
                    return Poll::Ready(None);
                }
                timer.as_mut().reset(until);
            }
            *wakes = Some(context.waker().clone());
            Poll::Pending
        })
    }
}

#[cfg(test)]
mod tests;
