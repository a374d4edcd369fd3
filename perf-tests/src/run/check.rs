//! Checks before a run, and the limits that follow from its catalogue.

use std::time::Duration;

use monitoring::catalogue::Catalogue;
use monitoring::label;
use monitoring::run::{self, Settings};
use monitoring::slo::Sli;

use super::{RunError, Spec, internal};
use crate::http::{client_builder, root_cause};
use crate::report::Store;

/// How long a target may take to answer at all.
const TARGET_TIMEOUT: Duration = Duration::from_secs(5);

impl Spec {
    pub(super) fn check(&self) -> Result<(), String> {
        self.catalogue.validate().map_err(|error| format!("the catalogue is not valid: {error}"))?;
        label::check_value("scenario", self.name).map_err(|error| error.to_string())?;
        if self.exercised.is_empty() {
            return Err(format!("scenario {} does not say which endpoints it exercises", self.name));
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
    let thresholds = catalogue.slos.iter().filter_map(|slo| match slo.sli {
        Sli::Latency { threshold, .. } => Some(threshold * 2),
        Sli::Success { .. } | Sli::NoError => None,
    });
    thresholds.fold(LEAST, Duration::max)
}

/// Refuses a testid that the store has. A warning if it could not be asked.
pub(super) async fn refuse_used_testid(settings: &Settings, testid: &str) -> Result<Option<String>, RunError> {
    let Some(url) = settings.query_url() else { return Ok(None) };
    match Store::new(url).map_err(internal)?.has(testid).await {
        Ok(false) => Ok(None),
        Ok(true) => Err(RunError::Configuration(format!(
            "the store has series of testid {testid:?} already: two runs would be added up as one; choose another"
        ))),
        Err(error) => Ok(Some(format!("nobody knows whether testid {testid:?} is new: {error}"))),
    }
}

/// Whether there is a target: any answer proves it.
pub(super) async fn answers(settings: &Settings) -> Result<(), RunError> {
    let client = client_builder().timeout(TARGET_TIMEOUT).build().map_err(internal)?;
    let shown = run::shown(&settings.target);
    match client.get(settings.target.clone()).send().await {
        Ok(_) => Ok(()),
        Err(error) => Err(RunError::Configuration(format!(
            "nothing answers at {shown}: {}; start the service there, or name another with --target (or {})",
            root_cause(error),
            run::TARGET
        ))),
    }
}
