//! All Prometheus queries of a dashboard. After a run they are executed again to prove that they
//! return data.

use crate::grafana::{Dashboard, LabelValues, VariableQuery};
use crate::query::{Query, QueryKind};

/// Place of a query.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub enum QueryPlace {
    /// The list of all loaded rules.
    #[error("rules")]
    AllRules,
    /// An alert, by its name.
    #[error("alert {0}")]
    Alert(String),
    /// An annotation of a dashboard, by its name.
    #[error("annotation {0:?}")]
    Annotation(String),
    /// A query of a panel: the panel's title, and the name or ID of the query.
    #[error("panel {0:?}, {1}")]
    Panel(String, String),
    /// A recording rule, by the name of its series.
    #[error("rule {0}")]
    Rule(String),
    /// A variable of a dashboard, by its name.
    #[error("variable {0}")]
    Variable(String),
}

/// A query and its place in the dashboard or the rules.
#[derive(Debug, Clone)]
pub struct PlacedQuery {
    /// Place of the query.
    pub place: QueryPlace,
    /// The query.
    pub query: Query,
    /// The times at which it is evaluated.
    pub kind: QueryKind,
}

/// Queries of all panels and annotations.
pub fn placed_queries(dashboard: &Dashboard) -> Vec<PlacedQuery> {
    let annotations = dashboard.annotations.list.iter().map(|annotation| PlacedQuery {
        place: QueryPlace::Annotation(annotation.name.clone()),
        query: annotation.query.clone(),
        kind: QueryKind::Range,
    });
    let targets = dashboard.panels.iter().flat_map(|panel| panel.targets.iter().map(move |target| (panel, target)));
    let panels = targets.map(|(panel, target)| {
        let name = if target.query.name.is_empty() { &target.ref_id } else { &target.query.name };
        let place = QueryPlace::Panel(panel.title.clone(), name.clone());
        let kind = if target.instant { QueryKind::Instant } else { QueryKind::Range };
        PlacedQuery { place, query: target.query.clone(), kind }
    });
    panels.chain(annotations).collect()
}

/// Variables whose values come from Prometheus, by name.
pub fn label_values(dashboard: &Dashboard) -> impl Iterator<Item = (&str, &LabelValues)> {
    dashboard.templating.list.iter().filter_map(|variable| match &variable.query {
        VariableQuery::Prometheus { query, .. } => Some((variable.name.as_str(), query)),
        VariableQuery::Kind(_) => None,
    })
}
