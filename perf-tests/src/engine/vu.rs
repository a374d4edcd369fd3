//! A virtual user: what a scenario's iteration is handed.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use monitoring::endpoint::{Endpoint, Method};
use monitoring::phase::Phase;
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use tokio::time::{self, Instant};

use super::rate_limit::RateLimit;
use super::stopwatch::Stopwatch;
use super::think::Think;
use crate::clock;
use crate::http::server_timing::ONE_IN;
use crate::http::{HttpClient, HttpConfig, Pool};
use crate::measure::{DurationParts, Failure, IterationEnd, Recorder, SampleKey, Segment, Segments};
use crate::plan::PhasePlan;

mod request;

pub use request::{Request, RequestError, Response};

/// What all virtual users of a run share, and none changes.
#[derive(Debug)]
pub(crate) struct RunContext {
    pub(crate) http: Arc<HttpConfig>,
    pub(crate) endpoints: &'static [Endpoint],
    pub(crate) exercised: Vec<Endpoint>,
    pub(crate) seed: u64,
    /// Each scenario of the run: what its load is doing when.
    pub(crate) phases: Vec<PhasePlan>,
    /// Connections of a worker's virtual users are shared among them.
    pub(crate) shared_connections: bool,
}

/// What all virtual users of one worker share.
#[derive(Clone)]
pub(crate) struct WorkerContext {
    pub(crate) shared: Arc<RunContext>,
    pub(crate) recorder: Rc<RefCell<Recorder>>,
    pub(crate) pool: Pool,
    pub(crate) rate_limit: Rc<RateLimit>,
    /// When the run began.
    pub(crate) epoch: Instant,
}

/// Which iteration of which sequence: what its random numbers, and so its payloads, follow from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum IterationId {
    /// The n-th of a virtual user that goes through iterations of its own.
    Own(u64),
    /// The n-th of all, whichever virtual user takes it.
    Shared(u64),
}

/// A virtual user: its own HTTP client, headers and random numbers.
pub struct Vu {
    id: u32,
    part: usize,
    iteration_id: IterationId,
    context: WorkerContext,
    pub(super) http: HttpClient,
    pub(super) headers: Vec<(String, String)>,
    /// A request's body, kept so that the next need not ask for memory.
    pub(super) body: Vec<u8>,
    /// Made when the first is asked for, and apart: it is large, and many iterations need none.
    rng: Option<Box<ChaCha8Rng>>,
    /// Whether the random numbers are those of this iteration yet: finding them costs more than many iterations need.
    rng_is_set: bool,
    /// Requests of the iteration under way, by endpoint.
    made: Vec<u64>,
    /// When the iteration under way began.
    began: Option<Instant>,
    /// How long after it was due it began.
    lateness: Duration,
    late: bool,
    segments: Segments,
    /// Answers so far.
    answers: u32,
}

impl Vu {
    pub(crate) fn new(id: u32, part: usize, context: WorkerContext) -> Self {
        Self {
            id,
            part,
            iteration_id: IterationId::Own(0),
            http: HttpClient::new(context.shared.http.clone(), context.pool.clone(), context.shared.shared_connections),
            headers: Vec::new(),
            body: Vec::new(),
            rng: None,
            rng_is_set: false,
            made: vec![0; context.shared.endpoints.len()],
            began: None,
            lateness: Duration::ZERO,
            late: false,
            segments: Segments::default(),
            answers: 0,
            context,
        }
    }

    /// Begins an iteration, now; an open load's was due at a time.
    pub(crate) fn begin(&mut self, now: Instant, iteration_id: IterationId, due: Option<Instant>) {
        self.iteration_id = iteration_id;
        self.made.fill(0);
        self.rng_is_set = false;
        self.segments = Segments::default();
        self.began = Some(now);
        self.lateness = due.map_or(Duration::ZERO, |due| now.saturating_duration_since(due));
        let arrived = || self.context.recorder.borrow_mut().record_arrival(self.part, self.lateness);
        self.late = due.is_some() && arrived();
    }

    /// Ends the iteration under way, if there is one. Gives the time, which the next begins at.
    pub(crate) fn end(&mut self, end: IterationEnd) -> Instant {
        let now = clock::now();
        if let Some(began) = self.began.take() {
            let took = now.duration_since(began);
            self.context.recorder.borrow_mut().record_iteration(self.part, end, took, &self.made);
        }
        now
    }

    /// Which of the run's scenarios it belongs to.
    pub(crate) const fn part(&self) -> usize {
        self.part
    }

    /// When the run began.
    #[cfg(test)]
    pub(crate) const fn epoch(&self) -> Instant {
        self.context.epoch
    }

    /// When the iteration under way began.
    #[cfg(test)]
    pub(crate) const fn began(&self) -> Option<Instant> {
        self.began
    }

    /// The virtual user's number, from 1; 0 in setup and teardown.
    pub const fn id(&self) -> u32 {
        self.id
    }

    /// The number of this iteration, from 0: of this virtual user's own, or, where iterations are shared or due at planned
    /// times, of all.
    pub const fn iteration(&self) -> u64 {
        match self.iteration_id {
            IterationId::Own(number) | IterationId::Shared(number) => number,
        }
    }

    /// A name for this iteration that no other of the scenario has, and that is the same in every run of the same plan,
    /// whichever virtual user takes it: "3-17", or "17" where iterations are shared.
    pub fn iteration_name(&self) -> String {
        match self.iteration_id {
            IterationId::Own(number) => format!("{}-{number}", self.id),
            IterationId::Shared(number) => number.to_string(),
        }
    }

    /// Random numbers that are the same in every run with the same seed, for this iteration.
    pub fn rng(&mut self) -> &mut ChaCha8Rng {
        const WORDS_PER_ITERATION: u128 = 1 << 24;
        let seed = self.context.shared.seed;
        let rng = self.rng.get_or_insert_with(|| Box::new(ChaCha8Rng::seed_from_u64(seed)));
        if !self.rng_is_set {
            self.rng_is_set = true;
            let (stream, number) = match self.iteration_id {
                IterationId::Own(number) => (self.id.into(), number),
                // Streams beyond those of virtual users.
                IterationId::Shared(number) => ((self.part as u64 + 1) << 32, number),
            };
            rng.set_stream(stream);
            rng.set_word_pos(u128::from(number) * WORDS_PER_ITERATION);
        }
        rng
    }

    /// One of several, by weight: `vu.choose(&[(70, "browse"), (30, "trade")])`.
    ///
    /// # Panics
    /// If there is nothing to choose, or all weights are 0. The panic ends this virtual user and the run says so.
    pub fn choose<T: Copy>(&mut self, weighted: &[(u32, T)]) -> T {
        let whole: u64 = weighted.iter().map(|(weight, _)| u64::from(*weight)).sum();
        assert!(whole > 0, "there is nothing to choose from: all weights are 0");
        let mut at = self.rng().random_range(0..whole);
        for &(weight, choice) in weighted {
            match at.checked_sub(weight.into()) {
                Some(rest) => at = rest,
                None => return choice,
            }
        }
        unreachable!("a number below the sum of all weights lies within one of them")
    }

    /// Sends that header with every request from now on, in place of an earlier one of that name: a bearer token, say.
    pub fn header(&mut self, name: &str, value: &str) {
        self.headers.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
        self.headers.push((name.to_owned(), value.to_owned()));
    }

    /// Tells the requests from here to the end of the iteration, or to the next call with that name, apart from others: the
    /// report has their latencies by endpoint and segment, such as `("day", 3)`. Three names at a time, a fourth takes the
    /// place of the third; at most 1000 segments.
    pub fn segment(&mut self, name: &'static str, number: u32) {
        let is_its = |place: &Option<Segment>| place.is_none_or(|(known, _)| known == name);
        let last = self.segments.len() - 1;
        let place = self.segments.iter().position(is_its).unwrap_or(last);
        self.segments[place] = Some((name, number));
    }

    /// Counts whether something is as it should be, under a name that an objective can speak of. Gives what it was given.
    pub fn check(&mut self, name: &'static str, passed: bool) -> bool {
        let phase = self.phase_at(clock::now());
        self.count_check(phase, name, passed);
        passed
    }

    pub(super) fn count_check(&self, phase: Phase, name: &'static str, passed: bool) {
        self.context.recorder.borrow_mut().record_check(self.part, phase, name, passed);
    }

    /// A request to an endpoint of the catalogue; method, path and objective come from there.
    pub fn request(&mut self, endpoint: Endpoint) -> Request<'_> {
        let index = self.index_of(endpoint);
        Request::new(self, Some(index), endpoint.name, endpoint.method, endpoint.path)
    }

    /// A request that no objective speaks of, such as creating a room. It is counted apart.
    pub fn unjudged(&mut self, method: Method, path: &'static str) -> Request<'_> {
        Request::new(self, None, path, method, path)
    }

    /// Measures any other future as a request to that endpoint: a database call, a WebSocket exchange.
    ///
    /// # Errors
    /// [`RequestError::Failed`] with the future's own message: it counts as a failed request.
    pub async fn time<T, E: std::fmt::Display>(
        &mut self,
        endpoint: Endpoint,
        future: impl Future<Output = Result<T, E>>,
    ) -> Result<T, RequestError> {
        let index = self.index_of(endpoint);
        let stopwatch = self.start(Some(index)).await;
        let result = future.await;
        let failure = result.is_err().then_some(Failure::Other);
        stopwatch.stop(None, failure, DurationParts::default(), clock::now());
        let name = endpoint.name;
        result.map_err(|error| RequestError::Failed { name, judged: true, message: error.to_string() })
    }

    /// Waits, as a person does between two clicks, for a random time between the two.
    pub async fn think(&mut self, least: Duration, most: Duration) {
        self.think_as(Think::Between(least, most)).await;
    }

    /// Waits for a random time of that distribution.
    pub async fn think_as(&mut self, think: Think) {
        let pause = think.draw(self.rng());
        time::sleep(pause).await;
    }

    /// Counts an answer. True of every so manieth, the first among them.
    pub(super) const fn reads_server_timing(&mut self) -> bool {
        let reads = self.answers.is_multiple_of(ONE_IN);
        self.answers = self.answers.wrapping_add(1);
        reads
    }

    /// Panics on an endpoint that the scenario has not declared: its objectives would go unjudged without a word. The
    /// panic ends this virtual user and the run says so.
    fn index_of(&self, endpoint: Endpoint) -> usize {
        let shared = &self.context.shared;
        let index = shared.endpoints.iter().position(|known| *known == endpoint);
        match index {
            Some(index) if self.id == 0 || shared.exercised.contains(&endpoint) => index,
            _ => panic!("the scenario requests {} but does not declare it with `exercises`", endpoint.name),
        }
    }

    fn phase_at(&self, moment: Instant) -> Phase {
        let elapsed = moment.saturating_duration_since(self.context.epoch);
        self.context.shared.phases.get(self.part).map_or(Phase::Steady, |phases| phases.at(elapsed))
    }

    /// Starts the stopwatch of a request, once the pace allows it. It was due when the scenario makes it, or before that, if
    /// the iteration began late: then each of its requests comes so much later than it should.
    pub(super) async fn start(&mut self, endpoint: Option<usize>) -> Stopwatch {
        let wanted = clock::now();
        let due = wanted.checked_sub(self.lateness).unwrap_or(wanted);
        let started = if self.context.rate_limit.is_limited() {
            self.context.rate_limit.wait().await;
            clock::now()
        } else {
            wanted
        };
        let at = endpoint.map(|endpoint| {
            self.made[endpoint] += 1;
            let (part, phase) = (self.part, self.phase_at(due));
            SampleKey { part, endpoint, phase, late: self.late, segments: self.segments }
        });
        Stopwatch::start(self.context.recorder.clone(), at, due, started)
    }
}

impl Drop for Vu {
    /// Whatever stopped the virtual user in the middle of an iteration, that is counted.
    fn drop(&mut self) {
        self.end(IterationEnd::Interrupted);
    }
}

impl std::fmt::Debug for Vu {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Vu").field("id", &self.id).field("iteration_id", &self.iteration_id).finish_non_exhaustive()
    }
}
