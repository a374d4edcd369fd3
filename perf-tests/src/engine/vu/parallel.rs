//! Several requests of a virtual user at once.
//!
//! Each one is sent by a parallel virtual user, which shares the connections, the cookies and the
//! recorder. It has a buffer, a timer and counters of its own. So it sends a request by the same
//! code as a single one.

use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};
use std::panic::Location;
use std::time::Duration;

use futures::StreamExt as _;
use futures::stream::FuturesUnordered;

use super::request::RequestSpec;
use super::{Request, RequestError, Response, Vu};

/// A request for [`Vu::all`], made by [`Request::prepare`].
///
/// ```
/// # use test_support::shop::{GET_OFFERS, GET_PRICES};
/// # use perf_tests::engine::PreparedRequest;
/// # async fn iteration(vu: &mut perf_tests::Vu) -> anyhow::Result<()> {
/// let offers: PreparedRequest = vu.request(GET_OFFERS).query("day", 1).prepare();
/// let prices = vu.request(GET_PRICES).prepare();
/// let [offers, prices] = vu.all([offers, prices]).await;
/// println!("{} and {} bytes", offers?.body().len(), prices?.body().len());
/// # Ok(())
/// # }
/// ```
#[must_use = "a prepared request does nothing until vu.all sends it"]
pub struct PreparedRequest {
    spec: RequestSpec,
    body: Vec<u8>,
    place: &'static Location<'static>,
}

impl Request<'_> {
    /// Prepares the request for [`Vu::all`], which sends it together with others.
    ///
    /// ```
    /// # use test_support::shop::GET_OFFERS;
    /// # async fn iteration(vu: &mut perf_tests::Vu) -> anyhow::Result<()> {
    /// let days = (1..=3).map(|day| vu.request(GET_OFFERS).query("day", day).prepare()).collect();
    /// for offers in vu.all_of(days).await {
    ///     println!("{} bytes", offers?.body().len());
    /// }
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn prepare(self) -> PreparedRequest {
        let place = Location::caller();
        let (spec, body) = self.into_spec();
        PreparedRequest { spec, body, place }
    }
}

impl PreparedRequest {
    async fn send(self, vu: &mut Vu) -> Result<Response, RequestError> {
        Request::from_spec(vu, self.spec, self.body).make(self.place).await
    }
}

impl Vu {
    /// Sends several requests at once, and returns their results in the order of the requests.
    ///
    /// As in browsers, at most 6 requests are under way to each host, each on a connection of its
    /// own; with HTTP/2, 100 streams of one connection. Each further request is due when one
    /// before it ends. A redirect to another host is followed without regard to that host's limit.
    ///
    /// Each request is counted, checked and limited as a single one. All have the headers and the
    /// segment that this virtual user has when they are sent. A cookie of a response is sent with
    /// the requests that begin after it.
    ///
    /// ```
    /// # use test_support::shop::{GET_OFFERS, GET_CART};
    /// # async fn iteration(vu: &mut perf_tests::Vu) -> anyhow::Result<()> {
    /// let offers = vu.request(GET_OFFERS).query("day", 1).prepare();
    /// let state = vu.request(GET_CART).path("cart", "ABCD").prepare();
    /// let [offers, state] = vu.all([offers, state]).await;
    /// println!("{} and {} bytes", offers?.body().len(), state?.body().len());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// Each result is that of [`Request::send`]. One failed request does not stop the others.
    pub async fn all<const N: usize>(&mut self, requests: [PreparedRequest; N]) -> [Result<Response, RequestError>; N] {
        let results = self.all_of(requests.into()).await;
        results.try_into().unwrap_or_else(|_| unreachable!("each request has one result"))
    }

    /// Sends any number of requests at once; see [`Vu::all`].
    ///
    /// ```
    /// # use test_support::shop::GET_OFFERS;
    /// # use perf_tests::engine::PreparedRequest;
    /// # use perf_tests::Vu;
    /// # async fn iteration(vu: &mut Vu, page: Vec<PreparedRequest>) -> anyhow::Result<()> {
    /// let responses: Vec<_> = vu.all_of(page).await.into_iter().collect::<Result<_, _>>()?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn all_of(&mut self, requests: Vec<PreparedRequest>) -> Vec<Result<Response, RequestError>> {
        let mut queues = BTreeMap::<_, VecDeque<_>>::new();
        for (at, request) in requests.into_iter().enumerate() {
            let host = request.spec.host();
            self.note_first_host(host);
            queues.entry(host).or_default().push_back((at, request));
        }
        let with_width =
            |(host, queue): (_, VecDeque<_>)| (queue.len().min(self.http.most_at_once(host)), RefCell::new(queue));
        let queues: Vec<_> = queues.into_iter().map(with_width).collect();
        self.make_parallel(queues.iter().map(|(width, _)| width).sum());
        let mut parallel = self.parallel.iter_mut();
        let mut under_way = FuturesUnordered::new();
        for (width, queue) in &queues {
            under_way.extend(parallel.by_ref().take(*width).map(|vu| send_each(vu, queue)));
        }
        let mut results: Vec<_> = under_way.concat().await;
        results.sort_unstable_by_key(|(at, _)| *at);
        results.into_iter().map(|(_, result)| result).collect()
    }

    /// Makes parallel virtual users, if there are fewer than `count`, and prepares that many for
    /// requests.
    fn make_parallel(&mut self, count: usize) {
        self.jar.get_or_insert_default();
        while self.parallel.len() < count {
            let http = self.http.share_connections();
            self.parallel.push(Self::with_client(self.id, self.part, self.context.clone(), http));
        }
        for vu in &mut self.parallel[..count] {
            vu.headers.clone_from(&self.headers);
            vu.jar.clone_from(&self.jar);
            (vu.lateness, vu.late, vu.segments) = (self.lateness, self.late, self.segments);
        }
    }

    /// Adds the requests and the longest wait of its parallel virtual users to those of the current
    /// iteration.
    pub(super) fn collect_parallel(&mut self) {
        let mut longest = Duration::ZERO;
        for vu in &mut self.parallel {
            let held = vu.take_held();
            longest = longest.max(held.time);
            self.held.is_stopped |= held.is_stopped;
            if !held.time.is_zero() {
                self.held.host = held.host;
            }
            for (made, in_parallel) in self.made.iter_mut().zip(&mut vu.made) {
                *made += std::mem::take(in_parallel);
            }
        }
        self.held.time += longest;
    }
}

/// Sends requests of a queue, one after the other, until it is empty. Returns each result with the
/// request's position.
async fn send_each(
    vu: &mut Vu,
    queue: &RefCell<VecDeque<(usize, PreparedRequest)>>,
) -> Vec<(usize, Result<Response, RequestError>)> {
    let mut results = Vec::new();
    loop {
        let next = queue.borrow_mut().pop_front();
        let Some((at, request)) = next else { return results };
        results.push((at, request.send(vu).await));
    }
}
