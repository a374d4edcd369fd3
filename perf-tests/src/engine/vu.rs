//! A virtual user: the argument of a scenario's iteration.

use std::cell::RefCell;
use std::ops::Range;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use monitoring::endpoint::{Endpoint, Method};
use monitoring::measure::Measure;
use monitoring::phase::Phase;
use rand_chacha::ChaCha8Rng;
use tokio::time::Instant;

use super::rate_limit::RateLimit;
use super::stopwatch::Stopwatch;
use crate::clock;
use crate::http::server_timing::ONE_IN;
use crate::http::{ConnectionOwner, CookieJar, HttpClient, HttpConfig, MAIN, Pool};
use crate::measure::{
    DurationParts, FailedRequest, Failure, FailureDetail, IterationEnd, Recorder, SampleKey, Segments,
};
use crate::plan::PhasePlan;

mod cookies;
mod measures_and_checks;
mod outage_wait;
mod parallel;
mod planned_values;
mod request;
mod segment;

pub use cookies::Cookies;
pub(crate) use outage_wait::OutageWait;
pub use parallel::PreparedRequest;
use request::RequestSpec;
pub use request::{FormField, Request, RequestError, Response, UnsignedRequest};

/// Constants that all virtual users of a run share.
#[derive(Debug)]
pub(crate) struct RunContext {
    pub(crate) http: Arc<HttpConfig>,
    pub(crate) endpoints: &'static [Endpoint],
    /// Index of the host of each endpoint; `None` if it has no URL.
    pub(crate) hosts: Vec<Option<usize>>,
    /// For each endpoint, whether the scenario has declared it.
    pub(crate) is_exercised: Vec<bool>,
    pub(crate) measures: &'static [Measure],
    pub(crate) declared_measures: Vec<Measure>,
    pub(crate) seed: u64,
    /// The numbers of each part's virtual users.
    pub(crate) ids: Vec<Range<u32>>,
    pub(crate) phases: Vec<PhasePlan>,
    /// The tags of each part's load that an objective judges.
    pub(crate) tags: Vec<Segments>,
    pub(crate) connection_owner: ConnectionOwner,
    /// Whether the virtual users keep their cookies from one iteration to the next.
    pub(crate) keeps_cookies: bool,
}

/// State that all virtual users of a worker share.
#[derive(Clone)]
pub(crate) struct WorkerContext {
    pub(crate) run: Arc<RunContext>,
    pub(crate) recorder: Rc<RefCell<Recorder>>,
    pub(crate) pool: Pool,
    pub(crate) rate_limit: Rc<RateLimit>,
    pub(crate) load_start: Instant,
    /// A request that cannot be sent. It ends the run, even if the scenario ignores the error.
    pub(crate) unsendable: Rc<RefCell<Option<String>>>,
}

/// The number of an iteration in its sequence. Its random numbers, and so its payloads, follow from
/// it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum IterationId {
    /// The n-th iteration of this virtual user.
    Own(u64),
    /// The n-th iteration of all virtual users, whichever of them runs it.
    Shared(u64),
}

/// A virtual user, with its own HTTP client, headers and random numbers. An iteration receives it
/// and makes its requests with it.
///
/// ```
/// # use std::time::Duration;
/// # use test_support::shop::GET_OFFERS;
/// async fn iteration(vu: &mut perf_tests::Vu) -> anyhow::Result<()> {
///     vu.request(GET_OFFERS).query("day", 1).send().await?;
///     vu.think(Duration::from_secs(1), Duration::from_secs(3)).await;
///     Ok(())
/// }
/// ```
pub struct Vu {
    id: u32,
    part: usize,
    iteration_id: IterationId,
    context: WorkerContext,
    pub(super) http: HttpClient,
    pub(super) headers: Vec<(String, String)>,
    spec: RequestSpec,
    /// The body of the current request. The buffer is kept, so that the next request need not
    /// allocate.
    pub(super) body: Vec<u8>,
    /// Created with the first cookie. Its parallel virtual users share it.
    jar: Option<Rc<RefCell<CookieJar>>>,
    /// Created at the first use. Boxed, because it is large and many iterations do not use it.
    rng: Option<Box<ChaCha8Rng>>,
    /// Whether `rng` is at the position of this iteration. Setting it is expensive, so it happens
    /// at the first use.
    rng_is_set: bool,
    /// Number of requests of the current iteration, by endpoint.
    made: Vec<u64>,
    /// When the current iteration began.
    began: Option<Instant>,
    /// Time from when the current iteration was due to when it began.
    lateness: Duration,
    /// Whether the current iteration counts as late: its latencies may be the generator's fault.
    late: bool,
    segments: Segments,
    responses: u32,
    held: OutageWait,
    /// Index of the host that the last iteration began with.
    first_host: usize,
    /// Whether the current iteration has sent no request.
    sends_first: bool,
    /// Virtual users that each send one of several requests at once. Created when they are first
    /// needed; see [`Vu::all`].
    parallel: Vec<Self>,
}

impl Vu {
    pub(crate) fn new(id: u32, part: usize, context: WorkerContext) -> Self {
        let run = &context.run;
        let http = HttpClient::new(run.http.clone(), context.pool.clone(), run.connection_owner);
        Self::with_client(id, part, context, http)
    }

    fn with_client(id: u32, part: usize, context: WorkerContext, http: HttpClient) -> Self {
        let made = context.recorder.borrow().made();
        Self {
            id,
            part,
            iteration_id: IterationId::Own(0),
            http,
            headers: Vec::new(),
            spec: RequestSpec::default(),
            body: Vec::new(),
            jar: None,
            rng: None,
            rng_is_set: false,
            made,
            began: None,
            lateness: Duration::ZERO,
            late: false,
            segments: Segments::default(),
            responses: 0,
            held: OutageWait::default(),
            first_host: MAIN,
            sends_first: true,
            parallel: Vec::new(),
            context,
        }
    }

    /// Begins an iteration. In an open load, it was due at `due`.
    pub(crate) fn begin(&mut self, now: Instant, iteration_id: IterationId, due: Option<Instant>) {
        self.iteration_id = iteration_id;
        self.made.fill(0);
        self.sends_first = true;
        self.rng_is_set = false;
        self.reset_cookies();
        self.segments = self.context.run.tags.get(self.part).copied().unwrap_or_default();
        self.began = Some(now);
        self.lateness = due.map_or(Duration::ZERO, |due| now.saturating_duration_since(due));
        let record = || self.context.recorder.borrow_mut().record_arrival(self.part, self.lateness);
        self.late = due.is_some() && record();
    }

    /// Ends the current iteration, if there is one. Returns the current time, at which the next
    /// begins.
    pub(crate) fn end(&mut self, end: IterationEnd) -> Instant {
        let now = clock::now();
        if let Some(began) = self.began.take() {
            self.collect_parallel();
            self.record_if_stopped(began);
            let end = if self.held.is_not_started { IterationEnd::NotStarted } else { end };
            let took = now.duration_since(began);
            let mut recorder = self.context.recorder.borrow_mut();
            recorder.record_iteration(self.part, end, took, &self.made);
            recorder.iteration_ended(self.part, now.saturating_duration_since(self.context.load_start));
        }
        now
    }

    pub(crate) const fn part(&self) -> usize {
        self.part
    }

    #[cfg(test)]
    pub(crate) const fn load_start(&self) -> Instant {
        self.context.load_start
    }

    #[cfg(test)]
    pub(crate) const fn began(&self) -> Option<Instant> {
        self.began
    }

    /// The virtual user's number in the run, from 1. It is 0 in setup and teardown.
    ///
    /// ```
    /// # fn iteration(vu: &mut perf_tests::Vu) {
    /// let seat = vu.id() % 30;
    /// # }
    /// ```
    pub const fn id(&self) -> u32 {
        self.id
    }

    /// Sends a header with all later requests of this virtual user, in place of an earlier one of
    /// that name. An invalid header is an error when a request is sent.
    ///
    /// The headers `authorization`, `proxy-authorization` and `cookie` go to the main target only.
    /// A request to another host can have its own; see [`Request::header`].
    ///
    /// ```
    /// # fn iteration(vu: &mut perf_tests::Vu, token: &str) {
    /// vu.header("authorization", &format!("Bearer {token}"));
    /// # }
    /// ```
    pub fn header(&mut self, name: &str, value: &str) {
        self.headers.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
        self.headers.push((name.to_owned(), value.to_owned()));
    }

    /// A request to an endpoint of the catalogue. Method, path and objective come from there.
    ///
    /// ```
    /// # use test_support::shop::GET_OFFERS;
    /// # async fn iteration(vu: &mut perf_tests::Vu) -> anyhow::Result<()> {
    /// let offers = vu.request(GET_OFFERS).query("day", 1).send().await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Panics
    /// If the scenario has not declared the endpoint with
    /// [`exercises`](crate::Scenario::exercises), because its objectives would not be judged. The
    /// run exits with code 104.
    #[track_caller]
    pub fn request(&mut self, endpoint: Endpoint) -> Request<'_> {
        let index = self.endpoint_index(&endpoint);
        let host = self.context.run.hosts.get(index).copied().flatten();
        let request = Request::new(self, Some(index), endpoint.name, endpoint.method, endpoint.path);
        request.expecting(endpoint.expected).on_index(host, endpoint.host)
    }

    /// A request that belongs to no objective, such as opening a room. It is counted apart.
    ///
    /// ```
    /// # use monitoring::endpoint::Method;
    /// # async fn setup(vu: &mut perf_tests::Vu) -> anyhow::Result<()> {
    /// vu.unjudged(Method::Post, "/carts").send().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn unjudged(&mut self, method: Method, path: &'static str) -> Request<'_> {
        Request::new(self, None, path, method, path)
    }

    /// Measures any other future as a request to an endpoint, such as a database query or a
    /// WebSocket exchange.
    ///
    /// ```
    /// # use test_support::shop::GET_OFFERS;
    /// # async fn query_offers() -> Result<String, std::io::Error> { Ok(String::new()) }
    /// # async fn iteration(vu: &mut perf_tests::Vu) -> anyhow::Result<()> {
    /// let offers = vu.time(GET_OFFERS, query_offers()).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`RequestError::Failed`] with the future's error as its message. It is counted as a failed
    /// request.
    ///
    /// # Panics
    /// If the scenario has not declared the endpoint, as in [`Vu::request`].
    pub async fn time<T, E: std::fmt::Display>(
        &mut self,
        endpoint: Endpoint,
        future: impl Future<Output = Result<T, E>>,
    ) -> Result<T, RequestError> {
        let index = self.endpoint_index(&endpoint);
        let wanted = self.wait_for_turn().await;
        let stopwatch = self.start(Some(index), wanted);
        let result = future.await.map_err(|error| error.to_string());
        let finished = clock::now();
        let failure = result.is_err().then_some(Failure::Other);
        stopwatch.stop(None, failure, DurationParts::default(), finished);
        let name = endpoint.name;
        result.map_err(|message| {
            let (kind, status) = (Failure::Other, None);
            let detail = FailureDetail::Client { kind, message: message.as_str().into() };
            self.record_cause(FailedRequest { request: name, detail, body: &[], sent: "" }, finished);
            let message = format!("{name} failed: {message}");
            RequestError::Failed { name, judged: true, kind, status, response: None, place: None, message }
        })
    }

    /// Ends the run because of a request that cannot be sent.
    pub(super) fn end_run(&self, error: RequestError) -> RequestError {
        self.context.unsendable.borrow_mut().get_or_insert_with(|| error.to_string());
        error
    }

    pub(super) fn record_cause(&self, failed: FailedRequest<'_>, finished: Instant) {
        let since_start = finished.saturating_duration_since(self.context.load_start);
        self.context.recorder.borrow_mut().record_cause(failed, since_start);
    }

    /// Counts a response. Returns true for the first and then for every [`ONE_IN`]-th.
    pub(super) const fn reads_server_timing(&mut self) -> bool {
        let reads = self.responses.is_multiple_of(ONE_IN);
        self.responses = self.responses.wrapping_add(1);
        reads
    }

    /// The endpoint's index in the catalogue. Panics if the scenario has not declared the endpoint.
    #[track_caller]
    fn endpoint_index(&self, endpoint: &Endpoint) -> usize {
        let run = &self.context.run;
        let index = run.endpoints.iter().position(|known| known == endpoint);
        match index {
            Some(index) if self.id == 0 || run.is_exercised[index] => index,
            _ => panic!("the scenario requests {} but does not declare it: add it to exercises(&[…])", endpoint.name),
        }
    }

    fn phase_at(&self, moment: Instant) -> Phase {
        let elapsed = moment.saturating_duration_since(self.context.load_start);
        self.context.run.phases.get(self.part).map_or(Phase::Steady, |phases| phases.at(elapsed))
    }

    /// Waits until the rate limit allows a request. Returns the time before the wait.
    async fn wait_for_turn(&self) -> Instant {
        let wanted = clock::now();
        if self.context.rate_limit.is_limited() {
            self.context.rate_limit.wait().await;
        }
        wanted
    }

    /// Starts the stopwatch of a request that waited for its turn since `wanted`. It is due then,
    /// minus the lateness of the iteration: a late iteration delays each of its requests.
    pub(super) fn start(&mut self, endpoint: Option<usize>, wanted: Instant) -> Stopwatch {
        let due = wanted.checked_sub(self.lateness).unwrap_or(wanted);
        let started = if self.context.rate_limit.is_limited() { clock::now() } else { wanted };
        let at = endpoint.map(|endpoint| {
            let (part, phase) = (self.part, self.phase_at(due));
            let at = SampleKey { part, endpoint, phase, late: self.late, segments: self.segments };
            self.context.recorder.borrow().count_made(&mut self.made, &at);
            at
        });
        Stopwatch::start(self.context.recorder.clone(), self.part, at, due, started)
    }
}

impl Drop for Vu {
    /// Counts an iteration that has not ended, for example after a panic, as interrupted.
    fn drop(&mut self) {
        self.end(IterationEnd::Interrupted);
    }
}

impl std::fmt::Debug for Vu {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Vu").field("id", &self.id).field("iteration_id", &self.iteration_id).finish_non_exhaustive()
    }
}
