//! Checks before a run, and limits that follow from its catalogue.

use std::time::Duration;

use monitoring::catalogue::Catalogue;
use monitoring::endpoint::Endpoint;
use monitoring::label;
use monitoring::services;
use monitoring::slo::Slo;
use monitoring::span::Span;
use perf_report::finding::{Finding, FindingKind, Subject};
use perf_report::format::seconds;
use perf_settings::{AGENTS, SHARD, Settings};
use prometheus_store::OtherScheme;

use super::spec::SpecError;
use super::{RunError, RunSpec, configuration};
use crate::clock;
use crate::engine::{self, StallLimit};
use crate::evidence::RunStore;
use crate::plan::Plan;
use crate::remote_write::Client;

impl RunSpec {
    pub(super) fn check(&self) -> Result<(), SpecError> {
        let scenario = self.name;
        self.catalogue.validate()?;
        label::check_value("scenario", scenario)?;
        if self.exercised.is_empty() {
            return Err(SpecError::NoEndpoints(scenario));
        }
        for (at, part) in self.parts.iter().enumerate() {
            label::check_value("scenario", part.name)?;
            if self.parts[..at].iter().any(|before| before.name == part.name) {
                return Err(SpecError::SamePart { scenario, part: part.name });
            }
            let tags: Vec<_> = part.load.tags.iter().map(|(name, value)| format!("{name}={value}")).collect();
            label::parse_tags(tags.iter().map(String::as_str))?;
        }
        if self.parts.is_empty() {
            return Err(SpecError::NoLoad(scenario));
        }
        if let Some(unknown) = self.measures.iter().find(|measure| !self.catalogue.measures.contains(measure)) {
            return Err(SpecError::UnknownMeasure { scenario, measure: unknown.name });
        }
        match self.exercised.iter().find(|endpoint| !self.catalogue.endpoints.contains(endpoint)) {
            Some(unknown) => Err(SpecError::UnknownEndpoint { scenario, endpoint: unknown.name }),
            None => Ok(()),
        }
    }
}

/// A stall is reported if no request finishes for longer than this while requests are under way. It
/// is longer than any request that meets its objective: twice the highest threshold, and at least
/// 10 s.
pub(super) fn stall_limit(catalogue: &Catalogue) -> Duration {
    const LEAST: Duration = Duration::from_secs(10);
    let thresholds = catalogue.slos.iter().filter_map(Slo::threshold).map(|threshold| threshold * 2);
    thresholds.fold(LEAST, Duration::max)
}

/// For each endpoint of the catalogue: the objective by which its stalls are found. It is the main
/// one on latency, so that a p99 of several seconds beside a p95 of 300 ms hides no stall. Without
/// one, it is that with the lowest threshold on a span that a response ends. Connecting may end
/// while no response comes.
pub(super) fn stall_limits(catalogue: &Catalogue) -> Vec<Option<StallLimit>> {
    let limit = |slo: &Slo| Some(StallLimit { threshold: slo.threshold()?, objective: Some(slo.objective) });
    let has_response = |slo: &&Slo| slo.limited_span().is_some_and(|span| span != Span::Connecting);
    let strictest = |endpoint: &Endpoint| {
        let slos = catalogue.slos.iter().filter(|slo| slo.endpoint() == Some(endpoint));
        slos.filter(has_response).min_by_key(|slo| slo.threshold())
    };
    let of_endpoint = |endpoint| catalogue.first_latency_slo(endpoint).or_else(|| strictest(endpoint)).and_then(limit);
    catalogue.endpoints.iter().map(of_endpoint).collect()
}

/// Checks that each agent or shard has a part of the load.
pub(super) fn check_shares(settings: &Settings, plan: &Plan) -> Result<(), RunError> {
    let (setting, shares, noun) = match (settings.shard, settings.agents) {
        (Some(shard), _) => (settings.with_value(SHARD, &shard.to_string()), shard.of, "shard"),
        (None, agents) => {
            let agents = agents.unwrap_or(1);
            (settings.with_value(AGENTS, &agents.to_string()), agents, "agent")
        }
    };
    engine::check_shares(plan, shares, noun).map_err(|error| RunError::Shares { setting, error })
}

/// Checks that the target serves the scenario's service, if the target is the stub backend.
pub(super) fn check_target(settings: &Settings, service: &'static str) -> Result<(), RunError> {
    match &settings.stub {
        Some(stub) if stub.service.as_deref() != Some(service) => Err(RunError::NotServedByStub(service)),
        _ => Ok(()),
    }
}

/// Checks that rules and dashboards are generated for the service.
pub(super) fn check_service(service: &'static str) -> Result<(), RunError> {
    services::find(service).map(drop).ok_or(RunError::NotListed(service))
}

/// Checks that the store has no series of this testid. Returns a warning if the store does not
/// respond. `setting` is the name by which the user knows the setting of the testid.
pub(super) async fn check_testid(
    store: Option<&RunStore>,
    testid: &str,
    setting: &str,
) -> Result<Option<Finding>, RunError> {
    let Some(store) = store else { return Ok(None) };
    match store.has(testid).await {
        Ok(false) => Ok(None),
        Ok(true) => Err(RunError::TestidInStore { testid: testid.to_owned(), setting: setting.to_owned() }),
        Err(error) => {
            let message = format!("cannot check whether testid {testid:?} is already in the store: {error}");
            Ok(Some(Finding::warning(Subject::Store, FindingKind::TestidNotChecked, message)))
        }
    }
}

/// Checks that the store accepts remote write, before anything is sent to the service, and that the
/// URL of queries has the right scheme.
pub(super) async fn check_receiver(settings: &Settings, store: Option<&RunStore>) -> Result<(), RunError> {
    let Some(url) = settings.remote_write.clone() else { return Ok(()) };
    let receiver = Client::new(url.clone(), &settings.store_access).map_err(configuration)?;
    receiver.check_receiver().await.map_err(RunError::Receiver)?;
    let (Some(store), Some(query)) = (store, settings.query_url().filter(|query| query.origin() != url.origin()))
    else {
        return Ok(());
    };
    match store.time_ms().await {
        Ok(_) => Ok(()),
        Err(_) => match OtherScheme::find(&query, &settings.store_access.proxies).await {
            Some(other) => Err(RunError::Queries(other)),
            None => Ok(()),
        },
    }
}

/// Warns if the store's clock differs from this machine's. Rules, alerts and panels that end at
/// "now" then show nothing, or show it late. That happens long before the store rejects a sample
/// for its time. A store that does not respond is reported elsewhere.
pub(super) async fn warn_about_clock_skew(store: Option<&RunStore>) -> Option<Finding> {
    let before = clock::unix_ms(clock::wall());
    let theirs = store?.time_ms().await.ok()?;
    let message = describe_skew(before, theirs, clock::unix_ms(clock::wall()))?;
    Some(Finding::warning(Subject::Store, FindingKind::ClockSkew, message))
}

/// Describes the difference between the store's clock and this machine's, if it is more than 5 s.
/// The store read `theirs_ms` between `before_ms` and `after_ms`. All are in Unix milliseconds.
fn describe_skew(before_ms: i64, theirs_ms: i64, after_ms: i64) -> Option<String> {
    const TOLERATED_MS: u64 = 5_000;
    // The store's value may be any number.
    let ahead_ms = if theirs_ms < before_ms {
        before_ms.saturating_sub(theirs_ms)
    } else {
        after_ms.saturating_sub(theirs_ms).min(0)
    };
    let difference = seconds(Duration::from_millis(ahead_ms.unsigned_abs()), 0);
    let word = if ahead_ms > 0 { "ahead of" } else { "behind" };
    (ahead_ms.unsigned_abs() > TOLERATED_MS).then(|| {
        format!(
            "this machine's clock is {difference} {word} the store's, so rules, alerts and the dashboard show another \
             time: run timedatectl set-ntp true on both"
        )
    })
}

#[cfg(test)]
mod tests;
