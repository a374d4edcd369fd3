//! All Prometheus queries of a dashboard. After a run they are executed again to prove that they
//! return data.

use monitoring::excuse::Excuse;

use crate::grafana::{Dashboard, VariableQuery};

/// Place of a query.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub enum Place {
    /// The list of all loaded rules.
    #[error("rules")]
    AllRules,
    /// An alert, by its name.
    #[error("alert {0}")]
    Alert(String),
    /// An annotation of a dashboard, by its name.
    #[error("annotation {0:?}")]
    Annotation(&'static str),
    /// A query of a panel: the panel's title, and the legend or ID of the query.
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
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// Place of the query.
    pub place: Place,
    /// PromQL with Grafana's variables.
    pub expr: String,
    /// Whether it is an instant query at the end of the time range, or a range query.
    pub instant: bool,
    /// Reason why the result may be empty after a good run.
    pub excuse: Option<Excuse>,
    /// ID of the objective that the query is about. If a run has data for it, so has the query.
    pub objective: Option<String>,
}

/// A variable whose values are label values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LabelValues {
    /// Name of the variable.
    pub variable: String,
    /// Selector of the series, with Grafana's variables.
    pub selector: String,
    /// Name of the label.
    pub label: String,
}

/// Queries of all panels and annotations.
pub fn questions(dashboard: &Dashboard) -> Vec<Question> {
    let annotations = dashboard.annotations.list.iter().map(|annotation| Question {
        place: Place::Annotation(annotation.name),
        expr: annotation.target.expr.clone(),
        instant: false,
        excuse: annotation.excuse,
        objective: None,
    });
    let targets = dashboard.panels.iter().flat_map(|panel| panel.targets.iter().map(move |target| (panel, target)));
    let panels = targets.map(|(panel, target)| {
        let legend = target.legend_format.replace(" {{testid}}", "");
        let which = if legend.is_empty() || legend.contains("{{") { &target.ref_id } else { &legend };
        Question {
            place: Place::Panel(panel.title.clone(), which.clone()),
            expr: target.expr.clone(),
            instant: target.instant,
            excuse: target.excuse,
            objective: target.objective.clone(),
        }
    });
    panels.chain(annotations).collect()
}

/// Variables whose values come from Prometheus.
pub fn label_values(dashboard: &Dashboard) -> Vec<LabelValues> {
    let variables = dashboard.templating.list.iter().filter_map(|variable| {
        let VariableQuery::Prometheus { query, .. } = &variable.query else { return None };
        let (selector, label) = query.strip_prefix("label_values(")?.strip_suffix(')')?.rsplit_once(", ")?;
        Some(LabelValues { variable: variable.name.clone(), selector: selector.to_owned(), label: label.to_owned() })
    });
    variables.collect()
}
