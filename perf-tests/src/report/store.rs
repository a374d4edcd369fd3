//! Asks the store: whether a testid is new, and, after a run, for the very numbers that the verdict was made from.

use std::time::Duration;

use futures::{StreamExt as _, stream};
use monitoring::label::{self, BACKEND_JOB};
use monitoring::objective_counters;
use monitoring::promql::{Expr, Selector};
use monitoring::slo::Slo;
use perf_report::ObjectiveResult;
use prometheus_store::{BodyLimit, ClientError, ClientOptions, Prometheus, QueryError, StoreAccess, store_client};
use tokio::time;
use url::Url;

use crate::clock;
use crate::http::USER_AGENT;

const OPTIONS: ClientOptions = ClientOptions { user_agent: Some(USER_AGENT), timeout: Duration::from_secs(10) };
/// A response to what is asked here is a number or a few.
const RESPONSE: BodyLimit = BodyLimit(4 << 20);
/// How long a store may take to answer with what it took.
const PATIENCE: Duration = Duration::from_secs(5);
const PAUSE: Duration = Duration::from_millis(500);
/// Questions that are under way together.
const AT_ONCE: usize = 8;

/// The store of a run.
pub(crate) struct RunStore(Prometheus);

impl RunStore {
    pub(crate) fn new(url: Url, access: &StoreAccess) -> Result<Self, ClientError> {
        let http = store_client(&url, access, OPTIONS)?;
        Ok(Self(Prometheus::new(url, http, RESPONSE)))
    }

    /// Whether there are any series of that run.
    pub(crate) async fn has(&self, testid: &str) -> Result<bool, QueryError> {
        self.0.has_series(&objective_counters::any_series_of(testid).to_string()).await
    }

    /// Its clock, Unix milliseconds.
    pub(crate) async fn time_ms(&self) -> Result<i64, QueryError> {
        self.0.time_ms().await
    }

    /// The only value of an expression at a time; none if it has no series.
    pub(crate) async fn value(&self, expr: &Expr, at_unix_ms: i64) -> Result<Option<f64>, QueryError> {
        self.0.value(&expr.to_string(), at_unix_ms).await
    }

    /// Whether the store has scraped the backend of late.
    pub(crate) async fn is_backend_scraped(&self, at_unix_ms: i64) -> Result<bool, QueryError> {
        let up = Selector::new("up").with(label::JOB, BACKEND_JOB).now().max_by(&[]);
        Ok(self.value(&up, at_unix_ms).await? == Some(1.0))
    }

    /// Where the store's counts differ from the report's: a sentence for each. Counts are asked for at the time of the
    /// last push, where they are the very integers that were sent. Some stores answer with what they took only after a
    /// moment: they are asked again for a while.
    pub(crate) async fn differences(
        &self,
        testid: &str,
        at_unix_ms: i64,
        sent: u64,
        objectives: &[(&Slo, &ObjectiveResult)],
    ) -> Result<Vec<String>, QueryError> {
        let give_up = clock::now() + PATIENCE;
        loop {
            let differences = self.differences_now(testid, at_unix_ms, sent, objectives).await?;
            if differences.is_empty() || clock::now() >= give_up {
                return Ok(differences);
            }
            time::sleep(PAUSE).await;
        }
    }

    async fn differences_now(
        &self,
        testid: &str,
        at_unix_ms: i64,
        sent: u64,
        objectives: &[(&Slo, &ObjectiveResult)],
    ) -> Result<Vec<String>, QueryError> {
        let mut questions = vec![("requests sent".to_owned(), objective_counters::requests_of(testid), sent)];
        for (slo, result) in objectives {
            let Some(tally) = result.tally() else { continue };
            let (good, total) = objective_counters::of_run(slo, testid);
            questions.push((format!("good requests of {}", result.id), good, tally.good));
            questions.push((format!("requests of {}", result.id), total, tally.total));
        }
        let mut differences = Vec::new();
        // A store that takes seconds for an answer is not waited for a dozen times.
        let ask =
            async |(what, expr, measured): (String, Expr, u64)| (what, measured, self.value(&expr, at_unix_ms).await);
        let mut answers = stream::iter(questions).map(ask).buffered(AT_ONCE);
        while let Some((what, measured, stored)) = answers.next().await {
            #[expect(clippy::cast_precision_loss, reason = "exact for any count a run can reach")]
            match stored? {
                Some(stored) if stored == measured as f64 => {}
                Some(stored) => differences.push(format!("{what}: {measured} measured, {stored} in the store")),
                // A sum over series that were never born has no value.
                None if measured == 0 => {}
                None => differences.push(format!("{what}: {measured} measured, nothing in the store")),
            }
        }
        Ok(differences)
    }
}
