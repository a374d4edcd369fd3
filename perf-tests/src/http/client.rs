//! The HTTP client of one virtual user: connections, the time limit, and the parts of a request's
//! time.

use std::cell::RefCell;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::Arc;
use std::task::Poll;

use monitoring::metric::Part;
use tokio::time::{Instant, Sleep, sleep_until};

use super::config::HttpConfig;
use super::connect::{Addresses, Stream, failure_of};
use super::exchange::{Exchange, ExchangeError, Reply};
use super::h1::{AnswerTo, Cause, Connection};
use super::h2::{self, Http2};
use super::request_head::RequestHead;
use crate::clock;
use crate::measure::{DurationParts, Failure};

/// Boxed, because every request moves it through a pool and futures.
type IdleConnection = Box<Connection<Stream>>;

/// Idle connections that the virtual users of a worker share, and the resolved addresses of the
/// target.
#[derive(Debug, Clone, Default)]
pub(crate) struct Pool {
    idle: Rc<RefCell<Vec<IdleConnection>>>,
    addresses: Addresses,
}

impl Pool {
    /// The most recently used connection that is still open.
    fn take(&self) -> Option<IdleConnection> {
        let mut idle = self.idle.borrow_mut();
        while let Some(connection) = idle.pop() {
            if let Some(connection) = still_open(connection) {
                return Some(connection);
            }
        }
        None
    }
}

/// Returns the connection unless the server has closed it, or sent data without a request.
fn still_open(mut connection: IdleConnection) -> Option<IdleConnection> {
    let quiet = connection.stream().is_quiet().unwrap_or_else(|| connection.is_open());
    quiet.then_some(connection)
}

/// Where a virtual user keeps its idle connections.
enum ConnectionStorage {
    /// In its client: at most one, because it makes one request at a time.
    Own(Option<IdleConnection>),
    /// In the pool of its worker.
    Shared,
}

/// One virtual user's client.
pub(crate) struct HttpClient {
    config: Arc<HttpConfig>,
    pool: Pool,
    storage: ConnectionStorage,
    http2: Http2,
    /// Fires at the time limit of the current request or earlier; then it is set again. A new timer
    /// for each request would cost more than the rest of the measurement.
    deadline: Pin<Box<Sleep>>,
    /// The bytes of the current request.
    out: Vec<u8>,
}

impl HttpClient {
    /// A client without connections. If `is_shared`, it keeps idle connections in `pool`, otherwise
    /// in itself.
    pub(crate) fn new(config: Arc<HttpConfig>, pool: Pool, is_shared: bool) -> Self {
        let deadline = Box::pin(sleep_until(clock::now() + config.settings.request_timeout));
        let storage = if is_shared { ConnectionStorage::Shared } else { ConnectionStorage::Own(None) };
        Self { config, pool, storage, http2: Http2::default(), deadline, out: Vec::with_capacity(256) }
    }

    pub(crate) fn config(&self) -> &HttpConfig {
        &self.config
    }

    /// Sends a request and reads the whole response. The time limit counts from `started`.
    ///
    /// The returned future does not borrow `head` and `body`, which are encoded at once. This keeps
    /// the future small, and every virtual user has one.
    pub(crate) fn exchange<'a>(
        &'a mut self,
        head: RequestHead<'_>,
        body: &[u8],
        started: Instant,
    ) -> impl Future<Output = Exchange> + use<'a> {
        let Self { config, pool, storage, http2, deadline, out } = self;
        let (user_agent, close) = (config.settings.user_agent.as_deref(), config.settings.no_connection_reuse);
        let head = RequestHead { user_agent, close, ..head };
        let answer_to = if head.method == "HEAD" { AnswerTo::Head } else { AnswerTo::Other };
        let over_http2 = config.settings.http2.then(|| h2::request(config, head, body));
        if over_http2.is_none() {
            out.clear();
            head.write(&config.target, out);
            out.extend_from_slice(body);
        }
        // Boxed, because it is large and rarely used.
        let over_http2 = over_http2.map(Box::new);
        async move {
            let mut parts = DurationParts::default();
            let until = started + config.settings.request_timeout;
            let result = match over_http2 {
                None => {
                    let work = pin!(exchange(config, (pool, storage), out, answer_to, (started, &mut parts)));
                    within(deadline, until, work).await
                }
                Some(request) => {
                    let work = h2::exchange(http2, config, &pool.addresses, *request, (started, &mut parts));
                    within(deadline, until, Box::pin(work).as_mut()).await
                }
            };
            let result = result.unwrap_or_else(|| {
                let message = format!("no complete response within {:?}", config.settings.request_timeout);
                Err(ExchangeError { failure: Failure::Timeout, message })
            });
            match result {
                Ok((reply, finished)) => Exchange { result: Ok(reply), parts, finished },
                Err(error) => Exchange { result: Err(error), parts, finished: clock::now() },
            }
        }
    }
}

/// One exchange over HTTP/1.1. If the server closed a connection while it was idle, the request is
/// sent on another one. This is not a failure, because nothing was sent on the closed connection.
async fn exchange(
    config: &HttpConfig,
    (pool, storage): (&Pool, &mut ConnectionStorage),
    request: &[u8],
    answer_to: AnswerTo,
    (started, parts): (Instant, &mut DurationParts),
) -> Result<(Reply, Instant), ExchangeError> {
    loop {
        let kept = match storage {
            ConnectionStorage::Own(own) => own.take().and_then(still_open),
            ConnectionStorage::Shared => pool.take(),
        };
        let (mut connection, is_used) = match kept {
            Some(connection) => (connection, true),
            None => {
                // Boxed, because it is large and needed only once.
                let connecting = Box::pin(config.connect(&pool.addresses, (started, &mut *parts)));
                (Box::new(Connection::new(connecting.await?, config.limits)), false)
            }
        };
        let response = match connection.exchange(request, answer_to).await {
            Err(error) if is_used && !error.sent_anything && !error.received_anything => continue,
            result => result.map_err(|error| exchange_error(&error.cause))?,
        };
        let sending_since = started + parts.before_sending();
        let times = response.timings;
        parts.set(Part::Sending, times.sent.duration_since(sending_since));
        parts.set(Part::Waiting, times.first_byte.duration_since(times.sent));
        parts.set(Part::Receiving, times.finished.duration_since(times.first_byte));
        if !config.settings.no_connection_reuse && connection.is_reusable() {
            match storage {
                ConnectionStorage::Own(own) => *own = Some(connection),
                ConnectionStorage::Shared => pool.idle.borrow_mut().push(connection),
            }
        }
        let status = response.status;
        let (whole, head_len) = response.into_whole();
        return Ok((Reply::from_own_connection(status, whole, head_len), times.finished));
    }
}

fn exchange_error(cause: &Cause) -> ExchangeError {
    let failure = match cause {
        Cause::Io(error) => failure_of(error, Failure::Reset),
        Cause::Closed(_) => Failure::Reset,
        Cause::Protocol(_) | Cause::TooLarge { .. } => Failure::Protocol,
    };
    ExchangeError { failure, message: cause.to_string() }
}

/// Runs a future until a deadline. Returns `None` if it has not finished by then.
fn within<T>(
    timer: &mut Pin<Box<Sleep>>,
    until: Instant,
    mut work: Pin<&mut impl Future<Output = T>>,
) -> impl Future<Output = Option<T>> {
    poll_fn(move |context| {
        if let Poll::Ready(output) = work.as_mut().poll(context) {
            return Poll::Ready(Some(output));
        }
        while timer.as_mut().poll(context).is_ready() {
            if timer.deadline() >= until {
                return Poll::Ready(None);
            }
            timer.as_mut().reset(until);
        }
        Poll::Pending
    })
}
