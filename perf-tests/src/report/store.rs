//! Asks the store: whether a testid is new, and, after a run, for the very numbers that the verdict was made from.

use std::time::Duration;

use futures::{StreamExt as _, stream};
use monitoring::label::{self, BACKEND_JOB};
use monitoring::objective_counters;
use monitoring::promql::{Expr, Selector};
use monitoring::slo::Slo;
use perf_report::ObjectiveResult;
use perf_settings::StoreAccess;
use prometheus_store::response::{self, NoAnswer};
use serde_json::Value;
use tokio::time;
use url::Url;

use crate::clock;
use crate::http::ClientError;

const TIMEOUT: Duration = Duration::from_secs(10);
/// How long a store may take to answer with what it took.
const PATIENCE: Duration = Duration::from_secs(5);
const PAUSE: Duration = Duration::from_millis(500);
/// Questions that are under way together.
const AT_ONCE: usize = 8;
/// An answer to what is asked here is a number or a few.
const LONGEST: usize = 4 << 20;

/// Prometheus' query API, <https://prometheus.io/docs/prometheus/latest/querying/api/>.
pub(crate) struct Store {
    http: reqwest::Client,
    url: Url,
}

/// The store could not be asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum QueryError {
    #[error("{0} could not be reached: {1}")]
    Unreachable(String, String),
    #[error("{0} answered {1}")]
    Status(String, u16),
    #[error("{0} did not answer as Prometheus does: {1}")]
    Answer(String, String),
}

impl Store {
    pub(crate) fn new(url: Url, access: &StoreAccess) -> Result<Self, ClientError> {
        Ok(Self { http: crate::http::store_client(&url, access)?.timeout(TIMEOUT).build()?, url })
    }

    /// Whether there are any series of that run.
    pub(crate) async fn has(&self, testid: &str) -> Result<bool, QueryError> {
        let selector = objective_counters::any_series_of(testid).to_string();
        let query = [("match[]", selector.as_str()), ("limit", "1")];
        self.read(response::has_series, self.ask("series", &query).await?)
    }

    /// Its clock, Unix milliseconds.
    pub(crate) async fn time_ms(&self) -> Result<i64, QueryError> {
        let seconds = self.read(response::scalar, self.ask("query", &[("query", "time()")]).await?)?;
        #[expect(clippy::cast_possible_truncation, reason = "milliseconds since 1970")]
        Ok((seconds * 1e3) as i64)
    }

    /// The only value of an expression at a time; none if it has no series.
    pub(crate) async fn value(&self, expr: &Expr, at_unix_ms: i64) -> Result<Option<f64>, QueryError> {
        let time = format!("{}.{:03}", at_unix_ms / 1000, at_unix_ms % 1000);
        self.read(response::value, self.ask("query", &[("query", &expr.to_string()), ("time", &time)]).await?)
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

    async fn ask(&self, path: &str, query: &[(&str, &str)]) -> Result<Value, QueryError> {
        let mut url = self.url.clone();
        let base = url.path().trim_end_matches('/').to_owned();
        url.set_path(&format!("{base}/api/v1/{path}"));
        let unreachable = |error| QueryError::Unreachable(self.shown(), crate::http::root_cause(error));
        let mut response = self.http.get(url).query(query).send().await.map_err(unreachable)?;
        if !response.status().is_success() {
            return Err(QueryError::Status(self.shown(), response.status().as_u16()));
        }
        let text = crate::http::beginning(&mut response, LONGEST + 1).await;
        let text = text.map_err(|error| self.unlike(&error.without_url()))?;
        if text.len() > LONGEST {
            return Err(self.unlike(&format_args!("more than {LONGEST} bytes")));
        }
        serde_json::from_slice(&text).map_err(|error| self.unlike(&error))
    }

    fn read<T>(&self, read: fn(&Value) -> Result<T, NoAnswer>, answer: Value) -> Result<T, QueryError> {
        read(&answer).map_err(|why| self.unlike(&why))
    }

    fn shown(&self) -> String {
        perf_settings::shown(&self.url)
    }

    fn unlike(&self, what: &dyn std::fmt::Display) -> QueryError {
        QueryError::Answer(self.shown(), what.to_string())
    }
}
