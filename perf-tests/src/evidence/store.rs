//! Queries to the store: whether it has a testid, its clock, and, after a run, the counts that the
//! verdict was made from.

use std::time::{Duration, SystemTime};

use futures::{StreamExt as _, stream};
use monitoring::label::{self, BACKEND_JOB};
use monitoring::objective_counters::{self, ObjectiveCounters};
use monitoring::promql::{Expr, Selector};
use monitoring::slo::Slo;
use perf_report::verdict::Tally;
use prometheus_store::response::ScrapeError;
use prometheus_store::{
    BodyLimit, ClientError, ClientOptions, PrometheusClient, QueryError, StoreAccess, store_client,
};
use tokio::time;
use url::Url;

use crate::clock;
use crate::http::USER_AGENT;

const OPTIONS: ClientOptions = ClientOptions { user_agent: Some(USER_AGENT), timeout: Duration::from_secs(10) };
/// Limit on a response. The queries here return a few numbers.
const MAX_RESPONSE: BodyLimit = BodyLimit(4 << 20);
/// Longest time for which a store may contradict the report. Another replica may have responded.
const PATIENCE: Duration = Duration::from_secs(5);
/// Longest time until a store's responses include accepted samples. VictoriaMetrics shows them
/// after 30 s by default, and caches in front of a store take as long.
pub(crate) const STORE_LATENESS: Duration = Duration::from_secs(45);
/// Time between two attempts.
const PAUSE: Duration = Duration::from_millis(500);
/// Number of concurrent queries.
const CONCURRENT: usize = 8;

/// A count of the run, and the query for the same count in the store.
pub(crate) struct MeasuredCount {
    name: String,
    query: Expr,
    measured: u64,
}

impl MeasuredCount {
    pub(crate) fn requests(testid: &str, sent: u64) -> Self {
        Self { name: "requests sent".to_owned(), query: objective_counters::run_requests(testid), measured: sent }
    }

    /// The good and all requests of an objective, from its ID.
    pub(crate) fn objective(id: &str, slo: &Slo, testid: &str, tally: Tally) -> [Self; 2] {
        let ObjectiveCounters { good, total } = objective_counters::final_counters(slo, testid);
        [
            Self { name: format!("good requests of {id}"), query: good, measured: tally.good },
            Self { name: format!("requests of {id}"), query: total, measured: tally.total },
        ]
    }
}

/// A difference between the store's count and the report's.
struct Difference {
    text: String,
    /// Whether the store has less, and may have the rest later. It never has more than was sent.
    is_late: bool,
}

pub(crate) struct RunStore(PrometheusClient);

impl RunStore {
    pub(crate) fn new(url: Url, access: &StoreAccess) -> Result<Self, ClientError> {
        let http = store_client(&url, access, OPTIONS)?;
        Ok(Self(PrometheusClient::new(url, http, MAX_RESPONSE)))
    }

    /// Its URL for queries, without user and password.
    pub(crate) fn shown(&self) -> String {
        self.0.shown()
    }

    /// Whether it has any series of a run.
    pub(crate) async fn has(&self, testid: &str) -> Result<bool, QueryError> {
        self.0.has_series(&objective_counters::any_series(testid).to_string()).await
    }

    /// The store's clock, in Unix milliseconds.
    pub(crate) async fn time_ms(&self) -> Result<i64, QueryError> {
        self.0.time_ms().await
    }

    /// The value of an expression at a time; `None` if it has no series. Several series are an
    /// error.
    pub(crate) async fn value(&self, expr: &Expr, at_unix_ms: i64) -> Result<Option<f64>, QueryError> {
        self.0.value(&expr.to_string(), at_unix_ms).await
    }

    pub(crate) async fn is_backend_scraped(&self, at_unix_ms: i64) -> Result<bool, QueryError> {
        let up = Selector::new("up").with(label::JOB, BACKEND_JOB).now().max_by(&[]);
        Ok(self.value(&up, at_unix_ms).await? == Some(1.0))
    }

    /// The time of the newest scrape of the backend that the store shows at a time. Of several
    /// instances, the one whose newest scrape is the oldest. `None` without any.
    pub(crate) async fn newest_scrape(&self, at_unix_ms: i64) -> Result<Option<SystemTime>, QueryError> {
        let newest = Selector::new("up").with(label::JOB, BACKEND_JOB).now().timestamp().min_by(&[]);
        let since_epoch = |seconds: f64| Duration::try_from_secs_f64((seconds * 1e3).round() / 1e3).ok();
        let seconds = self.value(&newest, at_unix_ms).await?;
        Ok(seconds.and_then(since_epoch).map(|since| SystemTime::UNIX_EPOCH + since))
    }

    /// Why the store has no scrape of the backend, and what to do. The reason is the store's own if
    /// it names one.
    pub(crate) async fn why_not_scraped(&self) -> String {
        let errors = self.0.scrape_errors(BACKEND_JOB).await.unwrap_or_default();
        match errors.first() {
            Some(error @ ScrapeError { url, why }) if error.is_unreadable_login() => {
                let remedy = match error.is_in_container() {
                    true => "a Prometheus in a container may not read the login: use --stack native",
                    // The user's own.
                    false => "let it read that file",
                };
                format!("the store cannot scrape {url}: {why}: {remedy}")
            }
            Some(ScrapeError { url, why }) => format!(
                "the store cannot scrape {url}: {why}: check the path of the metrics, and the login (user and password of \
                 the target's URL, or PERF_METRICS_TOKEN)"
            ),
            None => {
                "the store has not scraped the backend: add its /metrics to the store's scrape targets, or correct \
                     the path (a Unix socket cannot be scraped)"
                    .to_owned()
            }
        }
    }

    /// Compares the store's counts with the measured ones, and describes each difference.
    ///
    /// The query's time is the last push, at which the counts are exactly the integers that were
    /// sent. Some stores return accepted samples only after a while: as long as a store only lacks
    /// counts, or does not respond, the query is repeated for 45 s. `show` prints that the run
    /// waits.
    pub(crate) async fn differences(
        &self,
        at_unix_ms: i64,
        counts: &[MeasuredCount],
        show: &dyn Fn(&str),
    ) -> Result<Vec<String>, QueryError> {
        let (begin, mut is_shown) = (clock::now(), false);
        loop {
            let differences = self.differences_now(at_unix_ms, counts).await;
            let waited = clock::now() - begin;
            let longest = match &differences {
                Ok(differences) if differences.is_empty() => Duration::ZERO,
                Ok(differences) if differences.iter().any(|difference| !difference.is_late) => PATIENCE,
                Err(error) if !error.is_temporary() => Duration::ZERO,
                Ok(_) | Err(_) => STORE_LATENESS,
            };
            if waited >= longest {
                return Ok(differences?.into_iter().map(|difference| difference.text).collect());
            }
            if waited >= PATIENCE && !is_shown {
                let limit = STORE_LATENESS.as_secs();
                show(&format!("waiting up to {limit} s for the store, whose responses lack the last pushes"));
                is_shown = true;
            }
            time::sleep(PAUSE).await;
        }
    }

    async fn differences_now(&self, at_unix_ms: i64, counts: &[MeasuredCount]) -> Result<Vec<Difference>, QueryError> {
        let mut differences = Vec::new();
        // Concurrent, because a slow store takes seconds for each response.
        let query = async |count: &MeasuredCount| self.value(&count.query, at_unix_ms).await;
        let mut results = stream::iter(counts).map(async |count| (count, query(count).await)).buffered(CONCURRENT);
        while let Some((MeasuredCount { name, measured, .. }, stored)) = results.next().await {
            let measured = *measured;
            #[expect(clippy::cast_precision_loss, reason = "exact for any count a run can reach")]
            match stored? {
                Some(stored) if stored == measured as f64 => {}
                Some(stored) => {
                    let text = format!("{name}: {measured} measured, {stored} in the store");
                    differences.push(Difference { text, is_late: stored < measured as f64 });
                }
                // A sum over series that do not exist has no value.
                None if measured == 0 => {}
                None => {
                    let text = format!("{name}: {measured} measured, nothing in the store");
                    differences.push(Difference { text, is_late: true });
                }
            }
        }
        Ok(differences)
    }
}

#[cfg(test)]
mod tests;
