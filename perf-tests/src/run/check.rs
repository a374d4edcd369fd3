//! Checks before a run, and the limits that follow from its catalogue.

use std::sync::Arc;
use std::time::Duration;

use monitoring::catalogue::Catalogue;
use monitoring::label;
use monitoring::slo::Slo;
use perf_report::FailureKind;
use perf_report::finding::{Finding, FindingKind, Subject};
use perf_settings::Settings;
use tokio::time;

use super::{RunError, RunSpec};
use crate::clock;
use crate::http::{HttpClient, HttpConfig, Pool, RequestHead};
use crate::report::RunStore;

/// How long a target may take to answer at all.
const TARGET_TIMEOUT: Duration = Duration::from_secs(5);

impl RunSpec {
    pub(super) fn check(&self) -> Result<(), String> {
        self.catalogue.validate().map_err(|error| format!("the catalogue is not valid: {error}"))?;
        label::check_value("scenario", self.name).map_err(|error| error.to_string())?;
        if self.exercised.is_empty() {
            return Err(format!("scenario {} does not say which endpoints it exercises", self.name));
        }
        for (at, part) in self.parts.iter().enumerate() {
            label::check_value("scenario", part.name).map_err(|error| error.to_string())?;
            if self.parts[..at].iter().any(|before| before.name == part.name) {
                return Err(format!("scenario {}: two of its loads are called {:?}", self.name, part.name));
            }
            let tags: Vec<_> = part.load.tags.iter().map(|(name, value)| format!("{name}={value}")).collect();
            label::parse_tags(tags.iter().map(String::as_str)).map_err(|error| error.to_string())?;
        }
        if self.parts.is_empty() {
            return Err(format!("scenario {} has no load", self.name));
        }
        match self.exercised.iter().find(|endpoint| !self.catalogue.endpoints.contains(endpoint)) {
            Some(unknown) => Err(format!("scenario {}: {} is not in the catalogue", self.name, unknown.name)),
            None => Ok(()),
        }
    }
}

/// How long requests may be under way with none coming to its end before it is called a standstill: longer than any
/// request that keeps its promise takes.
pub(super) fn standstill(catalogue: &Catalogue) -> Duration {
    const LEAST: Duration = Duration::from_secs(10);
    let thresholds = catalogue.slos.iter().filter_map(Slo::threshold).map(|threshold| threshold * 2);
    thresholds.fold(LEAST, Duration::max)
}

/// Refuses a testid that the store has. A warning if it could not be asked.
pub(super) async fn refuse_used_testid(store: Option<&RunStore>, testid: &str) -> Result<Option<Finding>, RunError> {
    let Some(store) = store else { return Ok(None) };
    match store.has(testid).await {
        Ok(false) => Ok(None),
        Ok(true) => Err(RunError::Configuration(format!(
            "the store has series of testid {testid:?} already: two runs would be added up as one; choose another"
        ))),
        Err(error) => {
            let message = format!("nobody knows whether testid {testid:?} is new: {error}");
            Ok(Some(Finding::warning(Subject::Store, FindingKind::TestidNotChecked, message)))
        }
    }
}

/// A warning if the store's clock is not ours: then rules and what looks at "now" find nothing, or find it late, long before the store
/// refuses a sample for its time. That it cannot be asked is said elsewhere.
pub(super) async fn clock_skew(store: Option<&RunStore>) -> Option<Finding> {
    let before = clock::unix_ms(clock::wall());
    let theirs = store?.time_ms().await.ok()?;
    let message = describe_skew(before, theirs, clock::unix_ms(clock::wall()))?;
    Some(Finding::warning(Subject::Store, FindingKind::ClockSkew, message))
}

/// What is to be said of the store's time, asked for between two moments of ours.
fn describe_skew(before_ms: i64, theirs_ms: i64, after_ms: i64) -> Option<String> {
    const TOLERATED_MS: u64 = 5_000;
    // A store may say anything.
    let ahead_ms = if theirs_ms < before_ms {
        before_ms.saturating_sub(theirs_ms)
    } else {
        after_ms.saturating_sub(theirs_ms).min(0)
    };
    #[expect(clippy::cast_precision_loss, reason = "for eyes")]
    let seconds = ahead_ms.unsigned_abs() as f64 / 1e3;
    let word = if ahead_ms > 0 { "ahead of" } else { "behind" };
    (ahead_ms.unsigned_abs() > TOLERATED_MS).then(|| {
        format!(
            "this machine's clock is {seconds:.0} s {word} the store's: rules, alerts and the dashboard's \"now\" look at another time; \
             set the clocks (timedatectl set-ntp true)"
        )
    })
}

/// Whether there is a target: any answer proves it.
pub(super) async fn answers(settings: &Settings, config: Arc<HttpConfig>) -> Result<(), RunError> {
    let head = RequestHead {
        method: "GET",
        path: "/",
        query: "",
        headers: [&[], &[]],
        user_agent: None,
        content_type: None,
        content_length: 0,
        close: false,
        absolute: false,
    };
    let mut client = HttpClient::new(config, Pool::default(), false);
    let asked = time::timeout(TARGET_TIMEOUT, client.exchange(head, &[], clock::now())).await;
    let why = match asked.map(|outcome| outcome.result) {
        Ok(Ok(_)) => return Ok(()),
        // It was not asked at all: this machine refuses, or the address is not one that load may go to.
        Ok(Err(broken)) if broken.failure == FailureKind::Other => {
            return Err(RunError::Configuration(broken.message));
        }
        Ok(Err(broken)) => broken.message,
        Err(_) => format!("no answer within {TARGET_TIMEOUT:?}"),
    };
    Err(RunError::Configuration(format!(
        "nothing answers at {}: {why}; start the service there, or name another with --target (or {})",
        prometheus_store::shown_url(&settings.target),
        perf_settings::TARGET
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_is_off_is_told_and_by_how_much() {
        assert_eq!(describe_skew(10_000, 10_020, 10_040), None);
        assert_eq!(describe_skew(10_000, 6_000, 10_040), None, "within what does no harm");
        let ahead = describe_skew(3_700_000, 100_000, 3_700_040).unwrap();
        assert!(ahead.starts_with("this machine's clock is 3600 s ahead of the store's"), "{ahead}");
        let behind = describe_skew(100_000, 160_040, 100_040).unwrap();
        assert!(behind.starts_with("this machine's clock is 60 s behind the store's"), "{behind}");
    }
}
