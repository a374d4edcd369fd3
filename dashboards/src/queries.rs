//! Everything that a dashboard asks of Prometheus, so that it can be asked once more and seen to have an answer.

use crate::grafana::{Dashboard, VariableQuery};

/// What a query is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QuestionKind {
    /// A panel of a dashboard.
    Panel,
    /// The mark of a moment on a dashboard.
    Annotation,
    /// A recording rule or an alert.
    Rule,
}

/// A query, and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// What it is for.
    pub kind: QuestionKind,
    /// Where it stands: "panel \"Join room latency\", p95".
    pub place: String,
    /// PromQL, with Grafana's variables in it.
    pub expr: String,
    /// Whether one value is asked for, at the end of the window, or many over it.
    pub instant: bool,
    /// Why there may rightly be no answer.
    pub may_be_empty: Option<&'static str>,
}

/// A variable whose values are those of a label.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LabelValues {
    /// The variable's name.
    pub variable: String,
    /// Of which series, with Grafana's variables in it.
    pub selector: String,
    /// Which label.
    pub label: String,
}

/// The queries of all panels and annotations.
pub fn questions(dashboard: &Dashboard) -> Vec<Question> {
    let annotations = dashboard.annotations.list.iter().map(|annotation| Question {
        kind: QuestionKind::Annotation,
        place: format!("annotation {:?}", annotation.name),
        expr: annotation.target.expr.clone(),
        instant: false,
        may_be_empty: annotation.may_be_empty,
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
        }
    });
    panels.chain(annotations).collect()
}

/// The variables that ask Prometheus.
pub fn label_values(dashboard: &Dashboard) -> Vec<LabelValues> {
    let variables = dashboard.templating.list.iter().filter_map(|variable| {
        let VariableQuery::Prometheus { query, .. } = &variable.query else { return None };
        let (selector, label) = query.strip_prefix("label_values(")?.strip_suffix(')')?.rsplit_once(", ")?;
        Some(LabelValues { variable: variable.name.clone(), selector: selector.to_owned(), label: label.to_owned() })
    });
    variables.collect()
}
