//! The delivery audit: compares the sent requests with those in the store and those the backend
//! counted.
//!
//! The store must have every request. A difference to the backend must be explained from a closed
//! list, to the last request; otherwise the audit fails.

use std::collections::BTreeMap;

use perf_report::evidence::StatusKey;
use perf_report::format::{self, count};
use perf_report::judgement::EndpointResult;

use super::request_counters::RequestCounters;

/// Statuses with which a router, or a middleware before it, responds without calling a handler.
/// They mean no route, another method, a redirect to the route's spelling, no permission, too many
/// requests, or a request that cannot be read.
///
/// A backend that counts in its handlers does not have these.
const ROUTER_STATUSES: [u16; 12] = [404, 405, 301, 307, 308, 401, 403, 429, 400, 406, 415, 421];

/// Statuses with which a proxy in front of the backend responds itself.
///
/// The backend may have counted none to all of these requests, with any status. It may also send
/// these statuses itself. So its count of such a status does not show how many came from the proxy.
const PROXY_STATUSES: [u16; 14] = [408, 413, 414, 431, 502, 503, 504, 520, 521, 522, 523, 524, 525, 526];

#[derive(Debug, Clone)]
pub(crate) struct EndpointAccount {
    pub(crate) name: String,
    /// The fewest responses of an endpoint's handler, if it is the account of all endpoints. `None`
    /// for the account of one route.
    fewest: Option<u64>,
    /// The generator's count of responses, by class of status.
    sent: BTreeMap<String, u64>,
    /// The same by status.
    sent_by_status: BTreeMap<StatusKey, u64>,
    /// The generator's count of requests without a response, or cut off at the end of the run. The
    /// backend may have counted them in any class.
    unanswered: u64,
    /// The store's count, by status.
    stored: Option<BTreeMap<StatusKey, u64>>,
    counted: Option<RequestCounters>,
}

/// Other sources of requests to an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct OtherTraffic {
    /// Requests of setup and teardown that are not yet assigned to another endpoint.
    pub(crate) around: u64,
    /// Whether other clients can reach the backend.
    pub(crate) possible: bool,
}

/// Requests that the backend counted and for which the generator got no response, by their
/// explanation.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Explanation {
    /// Sent by the generator, which got no response, or the response of a proxy.
    pub(crate) unanswered: u64,
    /// Sent by setup and teardown.
    pub(crate) around: u64,
    /// Sent by other clients.
    pub(crate) others: u64,
    /// Responses that the backend did not count, and that a router may have sent.
    pub(crate) of_router: u64,
    /// Responses that the backend did not count, and that a proxy may have sent.
    pub(crate) of_proxy: u64,
    /// Responses that may be among the counts without a status, or lost.
    pub(crate) unclear: u64,
    /// Responses that a total lacks, and that handlers without a counter may have sent.
    pub(crate) of_handlers: u64,
}

impl Explanation {
    /// Notes on data that is not available about the endpoints of this name.
    pub(crate) fn notes(&self, name: &str) -> impl Iterator<Item = String> {
        let of_router = "The backend may not count responses that its router or a middleware sends without a handler \
             (400, 401, 403, 404, 405, 429, redirects). Count them in a middleware around both";
        let of_proxy = "A proxy in front of the backend may have sent them (408, 413, 414, 431, 502 to 504, 520 to 526). Set --target to the backend \
             itself to count all";
        let unclear = "The backend counts some requests with a status and some without, and neither count has all. Count \
             each request once, with its status";
        let of_handlers = "The backend may count only some of its handlers. Count every handler";
        let parts = [
            (self.of_router, of_router),
            (self.of_proxy, of_proxy),
            (self.unclear, unclear),
            (self.of_handlers, of_handlers),
        ];
        let parts = parts.into_iter().filter(|(count, _)| *count > 0);
        parts
            .map(move |(count, why)| format!("{name}: not available for {}. {why}", format::counted(count, "response")))
    }
}

/// Responses that the backend may not have counted, by their sender.
#[derive(Debug, Default)]
struct FromElsewhere {
    of_proxy: u64,
    of_router: u64,
    /// With a status that a router need not have sent, and that the backend never counts.
    of_middleware: u64,
}

fn by_class(by_status: &BTreeMap<StatusKey, u64>) -> (BTreeMap<String, u64>, u64) {
    let (mut classes, mut unanswered) = (BTreeMap::new(), 0);
    for (status, count) in by_status.iter().filter(|(_, count)| **count > 0) {
        match status.class() {
            Some(class) => *classes.entry(class).or_default() += count,
            None => unanswered += count,
        }
    }
    (classes, unanswered)
}

impl EndpointAccount {
    /// The account of an endpoint's result. `stored` is by status.
    pub(crate) fn new(
        endpoint: &EndpointResult,
        stored: Option<BTreeMap<StatusKey, u64>>,
        counted: Option<RequestCounters>,
    ) -> Self {
        let (sent, unanswered) = by_class(&endpoint.by_status);
        // Requests that were cut off or sent again had started, so the backend may have counted
        // them.
        let unanswered = unanswered + endpoint.cut + endpoint.reconnects;
        let sent_by_status = endpoint.by_status.iter().filter(|(status, _)| status.class().is_some());
        let sent_by_status = sent_by_status.map(|(status, count)| (*status, *count)).collect();
        Self { name: endpoint.name.clone(), fewest: None, sent, sent_by_status, unanswered, stored, counted }
    }

    /// The account of all endpoints together, without the store's count.
    pub(crate) fn total(accounts: &[&Self], counted: RequestCounters) -> Self {
        let of_handlers =
            accounts.iter().map(|account| account.responses_of_handlers()).filter(|responses| *responses > 0);
        let fewest = Some(of_handlers.min().unwrap_or(u64::MAX));
        Self { name: "all endpoints".to_owned(), fewest, ..Self::joined(accounts, counted) }
    }

    /// The account of several endpoints with the same route together, without the store's count.
    pub(crate) fn joined(accounts: &[&Self], counted: RequestCounters) -> Self {
        let names: Vec<_> = accounts.iter().map(|account| account.name.as_str()).collect();
        let mut sum = Self {
            name: names.join(" and "),
            fewest: None,
            sent: BTreeMap::new(),
            sent_by_status: BTreeMap::new(),
            unanswered: accounts.iter().map(|account| account.unanswered).sum(),
            stored: None,
            counted: Some(counted),
        };
        for (class, count) in accounts.iter().flat_map(|account| &account.sent) {
            *sum.sent.entry(class.clone()).or_default() += count;
        }
        for (status, count) in accounts.iter().flat_map(|account| &account.sent_by_status) {
            *sum.sent_by_status.entry(*status).or_default() += count;
        }
        sum
    }

    /// The number of responses that only a handler of the backend sends.
    fn responses_of_handlers(&self) -> u64 {
        let of_handler = |status: u16| !ROUTER_STATUSES.contains(&status) && !PROXY_STATUSES.contains(&status);
        self.sent_by_status.iter().filter(|(status, _)| of_handler(u16::from(**status))).map(|(_, count)| count).sum()
    }

    /// Takes the backend's count out of the account.
    pub(crate) fn take_counted(&mut self) -> Option<RequestCounters> {
        self.counted.take()
    }

    /// The number of requests that the backend counted.
    pub(crate) fn requests_counted(&self) -> u64 {
        self.counted.as_ref().map_or(0, RequestCounters::requests)
    }

    /// Leaves out responses whose status the backend counts nowhere. Returns their statuses.
    pub(crate) fn leave_out(
        &mut self,
        endpoint: &EndpointResult,
        counts: impl Fn(StatusKey) -> bool,
    ) -> Vec<StatusKey> {
        let mut left_out = Vec::new();
        for (&status, count) in endpoint.by_status.iter().filter(|(_, count)| **count > 0) {
            if let Some(sent) = status.class().and_then(|class| self.sent.get_mut(&class))
                && !counts(status)
            {
                *sent -= count;
                self.sent_by_status.remove(&status);
                left_out.push(status);
            }
        }
        left_out
    }

    /// Explains the difference between sent requests and the counts of the store and the backend.
    ///
    /// # Errors
    /// The message about a difference to the store, or one that the list does not explain.
    pub(crate) fn audit(&self, endpoint: &EndpointResult, others: OtherTraffic) -> Result<Explanation, String> {
        if let Some(stored) = &self.stored
            && let Some(wrong) = first_difference(&endpoint.by_status, stored)
        {
            let (status, sent, found) = wrong;
            return Err(format!(
                "{}: {} got status {status}, and Prometheus has {}",
                self.name,
                format::counted(sent, "request"),
                count(found)
            ));
        }
        self.explain(others)
    }

    /// Responses and the backend's count of them, by class of status: one class if the backend
    /// counts all of them without a status.
    fn by_class<'a>(&'a self, counted: &'a RequestCounters) -> BTreeMap<&'a str, (u64, u64)> {
        let counts = &counted.by_class;
        let sent: u64 = self.sent.values().sum();
        let has_statuses = counts.get("").is_none_or(|without| *without < sent.max(1) && counts.len() > 1);
        let class = |class: &'a String| if has_statuses { class.as_str() } else { "" };
        let mut by_class = BTreeMap::<_, (u64, u64)>::new();
        self.sent.iter().for_each(|(of, sent)| by_class.entry(class(of)).or_default().0 += sent);
        counts.iter().for_each(|(of, found)| by_class.entry(class(of)).or_default().1 += found);
        by_class
    }

    /// Responses of a class that the backend may not have counted: those that a router may have
    /// sent, and those of a proxy. A status that the backend counts exactly for this route is not a
    /// router's.
    fn responses_from_elsewhere(&self, class: &str, counted: &RequestCounters) -> FromElsewhere {
        let mut responses = FromElsewhere::default();
        let is_of_class = |status: &StatusKey| class.is_empty() || status.class().as_deref() == Some(class);
        // A redirect, or an error of the client, that the route never counts is a middleware's.
        let counts_class = counted.by_status.is_empty() && counted.by_class.contains_key(class);
        let is_never_counted = ["3xx", "4xx"].contains(&class) && !counts_class;
        for (status, sent) in self.sent_by_status.iter().filter(|(status, _)| is_of_class(status)) {
            let found = counted.by_status.get(status);
            let missing = sent.saturating_sub(found.copied().unwrap_or_default());
            match u16::from(*status) {
                code if PROXY_STATUSES.contains(&code) => responses.of_proxy += missing,
                _ if found.is_some() && self.fewest.is_none() => {}
                code if ROUTER_STATUSES.contains(&code) => responses.of_router += missing,
                _ if is_never_counted => responses.of_middleware += missing,
                _ => {}
            }
        }
        responses
    }

    /// The responses that a total lacks because it leaves out some handlers: at least those of one
    /// endpoint. `missing` has a class of status, its responses and the backend's count.
    ///
    /// # Errors
    /// The message about responses that are missing for another reason.
    fn responses_without_counter(&self, missing: &[(&str, u64, u64)], others: OtherTraffic) -> Result<u64, String> {
        let Some((class, sent, found)) = missing.first() else { return Ok(0) };
        let lacks = missing.iter().map(|(_, sent, found)| sent - found).sum();
        // The total may have requests of setup and teardown in their place.
        if others.possible && self.fewest.is_some_and(|fewest| lacks + others.around >= fewest) {
            return Ok(lacks);
        }
        let status = if class.is_empty() { "came".to_owned() } else { format!("had status {class}") };
        Err(format!(
            "{}: {} {status}, and the backend counted {}: another server sent the rest, or the backend did not count \
             them",
            self.name,
            format::counted(*sent, "response"),
            count(*found)
        ))
    }

    /// Explains the difference between sent requests and the backend's count.
    ///
    /// # Errors
    /// The message about a difference that the list does not explain.
    pub(crate) fn explain(&self, others: OtherTraffic) -> Result<Explanation, String> {
        let Some(counted) = &self.counted else { return Ok(Explanation::default()) };
        let mut explained = Explanation::default();
        let (mut surplus, mut without, mut never_counted, mut unexplained) = (0, 0, 0, Vec::new());
        // The counts without a status come first, and may be of responses that other classes lack.
        for (class, (sent, found)) in self.by_class(counted) {
            let FromElsewhere { of_proxy, of_router, of_middleware } = self.responses_from_elsewhere(class, counted);
            let missing = sent.saturating_sub(found);
            if missing > 0 && others.possible && missing <= of_proxy + of_router + of_middleware {
                let of_proxy = of_proxy.min(missing);
                explained.of_proxy += of_proxy;
                explained.of_router += missing - of_proxy;
                never_counted += missing.saturating_sub(of_proxy + of_router);
            } else if missing > 0 && missing <= without {
                explained.unclear += missing;
                without -= missing;
            } else if missing > 0 {
                unexplained.push((class, sent, found));
            } else {
                surplus += found - sent;
                if class.is_empty() {
                    without = surplus;
                }
            }
        }
        explained.of_handlers = self.responses_without_counter(&unexplained, others)?;
        surplus -= explained.unclear;
        let unanswered = surplus.min(self.unanswered + explained.of_proxy);
        let around = (surplus - unanswered).min(others.around);
        let rest = surplus - unanswered - around;
        if rest > 0 && !others.possible {
            return Err(format!(
                "{}: the backend counted {} that this run did not send, and it has no other clients",
                self.name,
                format::counted(rest, "request")
            ));
        }
        // The route counted as many too many as it never counted: these are the same responses with
        // another status.
        if rest > 0 && surplus == never_counted {
            return Err(format!(
                "{}: the backend counted {} with another status than they had",
                self.name,
                format::counted(surplus, "response")
            ));
        }
        Ok(Explanation { unanswered, around, others: rest, ..explained })
    }

    /// The number of responses that the backend has not counted.
    pub(crate) fn uncounted(&self) -> u64 {
        let Some(counted) = &self.counted else { return 0 };
        self.by_class(counted).values().map(|(sent, found)| sent.saturating_sub(*found)).sum()
    }
}

/// The first key whose counts differ, with both counts.
fn first_difference(
    sent: &BTreeMap<StatusKey, u64>,
    stored: &BTreeMap<StatusKey, u64>,
) -> Option<(StatusKey, u64, u64)> {
    let count = |map: &BTreeMap<StatusKey, u64>, key: &StatusKey| map.get(key).copied().unwrap_or_default();
    let mut keys = sent.keys().chain(stored.keys());
    let key = keys.find(|key| count(sent, key) != count(stored, key))?;
    Some((*key, count(sent, key), count(stored, key)))
}

#[cfg(test)]
mod tests;
