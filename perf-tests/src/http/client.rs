//! The client of one virtual user: its connections, its time limit, and the parts that a request's time went into.

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

/// Boxed, since it goes in and out of a pool and through futures with every request.
type Idle = Box<Connection<Stream>>;

/// Connections that nobody uses now, and what one worker knows of the target's address.
#[derive(Debug, Clone, Default)]
pub(crate) struct Pool {
    idle: Rc<RefCell<Vec<Idle>>>,
    addresses: Addresses,
}

impl Pool {
    /// The connection that was used last among those that still are good.
    fn take(&self) -> Option<Idle> {
        let mut idle = self.idle.borrow_mut();
        while let Some(connection) = idle.pop() {
            if let Some(connection) = still_open(connection) {
                return Some(connection);
            }
        }
        None
    }
}

/// A connection that was idle, unless the server has closed it or sent something unasked meanwhile.
fn still_open(mut connection: Idle) -> Option<Idle> {
    let quiet = connection.stream().is_quiet().unwrap_or_else(|| connection.is_open());
    quiet.then_some(connection)
}

/// Where a virtual user's idle connections are.
enum Keeping {
    /// Its own: one at most, since it makes one request at a time.
    Own(Option<Idle>),
    /// In its worker's pool.
    Shared,
}

/// One virtual user's client.
pub(crate) struct HttpClient {
    config: Arc<HttpConfig>,
    pool: Pool,
    keeping: Keeping,
    http2: Http2,
    /// Goes off at the time limit of the request under way, or before: then it is set again. A timer for each request
    /// would cost more than all else that is measured of it.
    deadline: Pin<Box<Sleep>>,
    /// The request as it goes out.
    out: Vec<u8>,
}

impl HttpClient {
    /// A client without connections. Those that it makes it keeps to itself, unless they are to be shared by the pool.
    pub(crate) fn new(config: Arc<HttpConfig>, pool: Pool, is_shared: bool) -> Self {
        let deadline = Box::pin(sleep_until(clock::now() + config.settings.request_timeout));
        let keeping = if is_shared { Keeping::Shared } else { Keeping::Own(None) };
        Self { config, pool, keeping, http2: Http2::default(), deadline, out: Vec::with_capacity(256) }
    }

    pub(crate) fn config(&self) -> &HttpConfig {
        &self.config
    }

    /// Sends a request that was begun at `started`, and reads its whole answer, within the time limit. What the request is
    /// made of is needed only until it has been written down: the future is small, since every virtual user has one.
    pub(crate) fn exchange<'a>(
        &'a mut self,
        head: RequestHead<'_>,
        body: &[u8],
        started: Instant,
    ) -> impl Future<Output = Exchange> + use<'a> {
        let Self { config, pool, keeping, http2, deadline, out } = self;
        let (user_agent, close) = (config.settings.user_agent.as_deref(), config.settings.no_connection_reuse);
        let head = RequestHead { user_agent, close, ..head };
        let answer_to = if head.method == "HEAD" { AnswerTo::Head } else { AnswerTo::Other };
        let over_http2 = config.settings.http2.then(|| h2::request(config, head, body));
        if over_http2.is_none() {
            out.clear();
            head.write(&config.target, out);
            out.extend_from_slice(body);
        }
        // On the heap, as it is large, and few need it.
        let over_http2 = over_http2.map(Box::new);
        async move {
            let mut parts = DurationParts::default();
            let until = started + config.settings.request_timeout;
            let done = match over_http2 {
                None => {
                    let work = pin!(exchange(config, (pool, keeping), out, answer_to, (started, &mut parts)));
                    within(deadline, until, work).await
                }
                Some(request) => {
                    let work = h2::exchange(http2, config, &pool.addresses, *request, (started, &mut parts));
                    within(deadline, until, Box::pin(work).as_mut()).await
                }
            };
            let result = done.unwrap_or_else(|| {
                let message = format!("no whole answer within {:?}", config.settings.request_timeout);
                Err(ExchangeError { failure: Failure::Timeout, message })
            });
            match result {
                Ok((reply, finished)) => Exchange { result: Ok(reply), parts, finished },
                Err(broken) => Exchange { result: Err(broken), parts, finished: clock::now() },
            }
        }
    }
}

/// One exchange over HTTP/1.1. A connection that the server has closed while it was idle is no failure: nothing was sent on
/// it, and there is another one to be had.
async fn exchange(
    config: &HttpConfig,
    (pool, keeping): (&Pool, &mut Keeping),
    request: &[u8],
    answer_to: AnswerTo,
    (started, parts): (Instant, &mut DurationParts),
) -> Result<(Reply, Instant), ExchangeError> {
    loop {
        let kept = match keeping {
            Keeping::Own(own) => own.take().and_then(still_open),
            Keeping::Shared => pool.take(),
        };
        let (mut connection, is_used) = match kept {
            Some(connection) => (connection, true),
            None => {
                // On the heap, as it is large, and needed once.
                let connecting = Box::pin(config.connect(&pool.addresses, (started, &mut *parts)));
                (Box::new(Connection::new(connecting.await?, config.limits)), false)
            }
        };
        let answer = match connection.exchange(request, answer_to).await {
            Err(broken) if is_used && !broken.sent_anything && !broken.received_anything => continue,
            answer => answer.map_err(|broken| self::broken(&broken.cause))?,
        };
        let sending_since = started + parts.before_sending();
        let times = answer.timings;
        parts.set(Part::Sending, times.sent.duration_since(sending_since));
        parts.set(Part::Waiting, times.first_byte.duration_since(times.sent));
        parts.set(Part::Receiving, times.finished.duration_since(times.first_byte));
        if !config.settings.no_connection_reuse && connection.is_reusable() {
            match keeping {
                Keeping::Own(own) => *own = Some(connection),
                Keeping::Shared => pool.idle.borrow_mut().push(connection),
            }
        }
        let status = answer.status;
        let (whole, head_len) = answer.into_whole();
        return Ok((Reply::of_own_connection(status, whole, head_len), times.finished));
    }
}

fn broken(cause: &Cause) -> ExchangeError {
    let failure = match cause {
        Cause::Io(error) => failure_of(error, Failure::Reset),
        Cause::Closed(_) => Failure::Reset,
        Cause::Protocol(_) | Cause::TooLarge { .. } => Failure::Protocol,
    };
    ExchangeError { failure, message: cause.to_string() }
}

/// Runs a future until a time. None if it has not come to its end by then.
fn within<T>(
    timer: &mut Pin<Box<Sleep>>,
    until: Instant,
    mut work: Pin<&mut impl Future<Output = T>>,
) -> impl Future<Output = Option<T>> {
    poll_fn(move |context| {
        if let Poll::Ready(done) = work.as_mut().poll(context) {
            return Poll::Ready(Some(done));
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
