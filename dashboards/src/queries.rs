//! All Prometheus queries of a dashboard. After a run they are executed again to prove that they
//! return data.

use crate::grafana::{Dashboard, VariableQuery};

/// Purpose of a query.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QuestionKind {
    /// A panel of a dashboard.
    Panel,
    /// An annotation of a dashboard.
    Annotation,
    /// A recording rule or an alerting rule.
    Rule,
}

/// A query and its place in the dashboard or the rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// Purpose of the query.
    pub kind: QuestionKind,
    /// Place for messages: "panel \"Join room latency\", p95".
    pub place: String,
    /// PromQL with Grafana's variables.
    pub expr: String,
    /// Whether it is an instant query at the end of the time range, or a range query.
    pub instant: bool,
    /// Reason why the result may be empty after a good run.
    pub may_be_empty: Option<&'static str>,
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
        kind: QuestionKind::Annotation,
        place: format!("annotation {:?}", annotation.name),
        expr: annotation.target.expr.clone(),
        instant: false,
        may_be_empty: annotation.may_be_empty,
        objective: None,
    });
    let targets = dashboard.panels.iter().flat_map(|panel| panel.targets.iter().map(move |target| (panel, target)));
    let panels = targets.map(|(panel, target)| {
        let legend = target.legend_format.replace(" {{testid}}", "");
        let which = if legend.is_empty() || legend.contains("{{") { &target.ref_id } else { &legend };
        Question {
            kind: QuestionKind::Panel,
            place: format!("panel {:?}, {which}", panel.title),
            expr: target.expr.clone(),
            instant: target.instant,
            may_be_empty: target.may_be_empty,
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
