//! Decides when a query that a busy store refused is sent again.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use reqwest::StatusCode;
use reqwest::header::{HeaderMap, RETRY_AFTER};
use tokio::sync::{Mutex, MutexGuard};

/// Number of times that a query is sent.
const MAX_TRIES: u32 = 4;
/// Pause after the first response. It triples with each try.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// Longest `Retry-After` that is respected.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(10);
/// Limit on the pauses of all queries of a client together, so that a store which is always busy
/// does not hold up a run.
const MAX_WAIT: Duration = Duration::from_secs(30);

/// Pauses of all queries of a client.
#[derive(Debug, Default)]
pub(crate) struct Retries {
    waited_ms: AtomicU64,
    /// Whether the store has refused a query. Queries then go one after another, until the client
    /// is dropped.
    is_busy: AtomicBool,
    permit: Mutex<()>,
}

/// The right to send a query to a busy store.
pub(crate) struct QueryPermit<'a> {
    _guard: MutexGuard<'a, ()>,
    /// Whether another query had it, so that its pauses have passed.
    pub(crate) has_waited: bool,
}

impl Retries {
    /// The permit of a query, if the store is known to be busy.
    pub(crate) async fn permit_if_busy(&self) -> Option<QueryPermit<'_>> {
        if self.is_busy.load(Ordering::Relaxed) { Some(self.wait_for_permit().await) } else { None }
    }

    /// The permit of a query that the store has refused. `None` if the response is final.
    pub(crate) async fn permit_after(&self, status: StatusCode) -> Option<QueryPermit<'_>> {
        if !is_temporary(status) {
            return None;
        }
        self.is_busy.store(true, Ordering::Relaxed);
        Some(self.wait_for_permit().await)
    }

    async fn wait_for_permit(&self) -> QueryPermit<'_> {
        match self.permit.try_lock() {
            Ok(guard) => QueryPermit { _guard: guard, has_waited: false },
            Err(_) => QueryPermit { _guard: self.permit.lock().await, has_waited: true },
        }
    }

    /// The pause before the next try. `None` if the response is final.
    pub(crate) fn pause(&self, status: StatusCode, headers: &HeaderMap, tries: u32) -> Option<Duration> {
        if !is_temporary(status) || tries >= MAX_TRIES {
            return None;
        }
        let pause = retry_after(headers).unwrap_or_default().max(FIRST_PAUSE * 3_u32.pow(tries.saturating_sub(1)));
        let whole_ms = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        let add = |waited: u64| Some(waited.saturating_add(whole_ms(pause))).filter(|sum| *sum <= whole_ms(MAX_WAIT));
        self.waited_ms.fetch_update(Ordering::Relaxed, Ordering::Relaxed, add).ok().map(|_| pause)
    }
}

/// Whether the same query may succeed soon: the store limits the rate of queries, or it or a proxy
/// in front of it is overloaded.
fn is_temporary(status: StatusCode) -> bool {
    matches!(
        status,
        StatusCode::TOO_MANY_REQUESTS
            | StatusCode::BAD_GATEWAY
            | StatusCode::SERVICE_UNAVAILABLE
            | StatusCode::GATEWAY_TIMEOUT
    )
}

/// The pause that the store asks for in seconds, <https://www.rfc-editor.org/rfc/rfc9110#name-retry-after>.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds).min(MAX_RETRY_AFTER))
}

#[cfg(test)]
mod tests;
