//! The queries of rules and alerts, and whether the store has loaded them.

use dashboards::queries::{PlacedQuery, QueryPlace};
use dashboards::query::{Query, QueryKind};
use monitoring::catalogue::Catalogue;
use monitoring::excuse::Excuse;
use monitoring::prometheus::alerts;
use monitoring::prometheus::recording_rules::{self, Timing};
use prometheus_store::response::LoadedRule;

use crate::perf::prove::store::query_source::QuerySource;

/// The queries of rules and alerts. They are the same for all runs.
pub(crate) fn rule_queries(catalogue: &Catalogue, timing: &Timing) -> Vec<PlacedQuery> {
    let recording = recording_rules::recording_rules(catalogue, timing);
    let alerts = alerts::alerts(catalogue, timing);
    let recorded = recording.groups.into_iter().flat_map(|group| group.rules).map(|rule| PlacedQuery {
        place: QueryPlace::Rule(rule.record),
        query: Query { subject: rule.subject, excuse: rule.excuse, ..Query::new("", rule.expr) },
        kind: QueryKind::Range,
    });
    let alerts = alerts.groups.into_iter().flat_map(|group| group.rules).map(|rule| PlacedQuery {
        place: QueryPlace::Alert(rule.alert),
        query: Query { subject: rule.subject, ..Query::new("", rule.expr).excused(Excuse::NoAlert) },
        kind: QueryKind::Range,
    });
    recorded.chain(alerts).collect()
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum RuleState {
    Missing,
    /// The store cannot evaluate it, for this reason.
    Failing(String),
    Works,
}

/// The state of each of our rules and alerts.
pub(crate) async fn loaded_rules(
    catalogue: &Catalogue,
    source: &QuerySource,
) -> anyhow::Result<Vec<(QueryPlace, RuleState)>> {
    let loaded = source.rules().await?;
    let state = |rule: PlacedQuery| {
        let (QueryPlace::Rule(name) | QueryPlace::Alert(name)) = &rule.place else { return None };
        let state = match loaded.iter().find(|known| known.name == *name) {
            None => RuleState::Missing,
            Some(LoadedRule { error: Some(why), .. }) => RuleState::Failing(why.clone()),
            Some(LoadedRule { error: None, .. }) => RuleState::Works,
        };
        Some((rule.place, state))
    };
    Ok(rule_queries(catalogue, &Timing::USUAL).into_iter().filter_map(state).collect())
}
