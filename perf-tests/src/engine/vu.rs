//! A virtual user: what a scenario's iteration is handed.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use monitoring::catalogue::{Endpoint, Method};
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use tokio::time::{self, Instant};
use url::Url;

use super::clock;
use crate::http::{HttpClient, Request, RequestError};
use crate::measure::{Failure, Recorder, Sample};

/// What all VUs of a run share, and none changes.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) target: Url,
    pub(crate) endpoints: &'static [Endpoint],
    pub(crate) exercised: Vec<Endpoint>,
    pub(crate) seed: u64,
}

impl Shared {
    pub(crate) fn is_tls(&self) -> bool {
        self.target.scheme() == "https"
    }
}

/// A virtual user: its own HTTP client, headers and random numbers.
#[derive(Debug)]
pub struct Vu {
    id: u32,
    iteration: u64,
    shared: Arc<Shared>,
    http: HttpClient,
    headers: Vec<(String, String)>,
    rng: ChaCha8Rng,
    recorder: Rc<RefCell<Recorder>>,
    /// Requests of the iteration under way, by endpoint.
    made: Vec<u64>,
}

impl Vu {
    pub(crate) fn new(id: u32, shared: Arc<Shared>, recorder: Rc<RefCell<Recorder>>, http: HttpClient) -> Self {
        let rng = ChaCha8Rng::seed_from_u64(shared.seed);
        let made = vec![0; shared.endpoints.len()];
        let mut vu = Self { id, iteration: 0, shared, http, headers: Vec::new(), rng, recorder, made };
        vu.begin(0);
        vu
    }

    /// Each iteration has random numbers of its own, whatever the one before it used up.
    pub(crate) fn begin(&mut self, iteration: u64) {
        const WORDS_PER_ITERATION: u128 = 1 << 24;
        self.iteration = iteration;
        self.made.fill(0);
        self.rng.set_stream(self.id.into());
        self.rng.set_word_pos(u128::from(iteration) * WORDS_PER_ITERATION);
    }

    pub(crate) fn made(&self) -> &[u64] {
        &self.made
    }

    /// The VU's number, from 1; 0 in setup and teardown.
    pub const fn id(&self) -> u32 {
        self.id
    }

    /// How many iterations this VU has begun before this one.
    pub const fn iteration(&self) -> u64 {
        self.iteration
    }

    /// Random numbers that are the same in every run with the same seed, for this VU and iteration.
    pub const fn rng(&mut self) -> &mut ChaCha8Rng {
        &mut self.rng
    }

    /// Sends that header with every request from now on, in place of an earlier one of that name: a bearer token, say.
    pub fn header(&mut self, name: &str, value: &str) {
        self.headers.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
        self.headers.push((name.to_owned(), value.to_owned()));
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
        let stopwatch = self.start(Some(self.index_of(endpoint)));
        let result = future.await;
        let failure = result.is_err().then_some(Failure::Other);
        stopwatch.stop(None, failure, Duration::ZERO);
        let name = endpoint.name;
        result.map_err(|error| RequestError::Failed { name, judged: true, message: error.to_string() })
    }

    /// Waits, as a person does between two clicks, for a random time between the two.
    pub async fn think(&mut self, least: Duration, most: Duration) {
        let nanos = |duration: Duration| u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        let (least, most) = (nanos(least), nanos(most));
        let pause = Duration::from_nanos(self.rng.random_range(least..=most.max(least)));
        time::sleep(pause).await;
    }

    /// Panics on an endpoint that the scenario has not declared: its objectives would go unjudged without a word. The
    /// panic ends this VU and the run says so.
    fn index_of(&self, endpoint: Endpoint) -> usize {
        let index = self.shared.endpoints.iter().position(|known| *known == endpoint);
        match index {
            Some(index) if self.id == 0 || self.shared.exercised.contains(&endpoint) => index,
            _ => panic!("the scenario requests {} but does not declare it with `exercises`", endpoint.name),
        }
    }

    pub(crate) fn target(&self) -> &Url {
        &self.shared.target
    }

    pub(crate) const fn http(&self) -> &HttpClient {
        &self.http
    }

    pub(crate) fn headers(&self) -> &[(String, String)] {
        &self.headers
    }

    pub(crate) fn start(&mut self, endpoint: Option<usize>) -> Stopwatch {
        if let Some(endpoint) = endpoint {
            self.made[endpoint] += 1;
        }
        self.recorder.borrow_mut().begin_request();
        Stopwatch { recorder: self.recorder.clone(), endpoint, started: clock::now(), seen: false }
    }
}

/// Measures one request. Dropped before it is stopped, it counts the request as unknown: it was begun, and nobody saw
/// how it ended.
pub(crate) struct Stopwatch {
    recorder: Rc<RefCell<Recorder>>,
    endpoint: Option<usize>,
    started: Instant,
    seen: bool,
}

impl Stopwatch {
    pub(crate) fn stop(mut self, status: Option<u16>, failure: Option<Failure>, connecting: Duration) {
        self.seen = true;
        let (due, started, finished) = (self.started, self.started, clock::now());
        let mut recorder = self.recorder.borrow_mut();
        match self.endpoint {
            Some(endpoint) => {
                recorder.record(endpoint, &Sample { status, failure, due, started, finished, connecting });
            }
            None => recorder.record_around(failure.is_some()),
        }
        drop(recorder);
    }
}

impl Drop for Stopwatch {
    fn drop(&mut self) {
        let mut recorder = self.recorder.borrow_mut();
        recorder.end_request();
        if !self.seen {
            recorder.record_unknown(self.endpoint);
        }
    }
}
