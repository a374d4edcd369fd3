//! A query of a panel or an annotation, with what the proof after a run needs to know about it.

use monitoring::catalogue::Catalogue;
use monitoring::endpoint::Endpoint;
use monitoring::excuse::Excuse;
use monitoring::label::Label;
use monitoring::promql::Expr;
use monitoring::query_subject::QuerySubject;
use monitoring::slo::Slo;

/// The times at which a query is evaluated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QueryKind {
    /// The end of the time range.
    Instant,
    /// Steps over the time range.
    Range,
}

/// A query and its legend.
#[derive(Debug, Clone)]
pub struct Query {
    /// Name of its lines, the same for all. Empty if labels are enough.
    pub name: String,
    /// Labels whose values follow the name in the legend.
    pub by: Vec<Label>,
    /// PromQL with Grafana's variables.
    pub expr: Expr,
    /// The part of the service that it is about.
    pub subject: QuerySubject,
    /// Reason why the result may be empty after a good run.
    pub excuse: Option<Excuse>,
}

impl Query {
    /// A query that must have data whenever load runs.
    pub fn new(name: impl Into<String>, expr: Expr) -> Self {
        Self { name: name.into(), by: Vec::new(), expr, subject: QuerySubject::default(), excuse: None }
    }

    /// Shows the values of these labels in the legend.
    #[must_use]
    pub fn by(mut self, labels: &[Label]) -> Self {
        self.by = labels.to_vec();
        self
    }

    /// Names the endpoints whose series the query selects.
    #[must_use]
    pub(crate) fn about_endpoints<'a>(mut self, endpoints: impl IntoIterator<Item = &'a Endpoint>) -> Self {
        self.subject = QuerySubject::endpoints(endpoints);
        self
    }

    /// Names the objective that the query is about. The query may be empty only after a run without
    /// data for the objective.
    #[must_use]
    pub(crate) fn about_objective(mut self, catalogue: &Catalogue, slo: &Slo) -> Self {
        self.excuse = self.excuse.or(slo.excuse());
        self.subject = QuerySubject::objective(catalogue, slo);
        self
    }

    /// Allows the query to be empty after a good run, with the reason.
    #[must_use]
    pub const fn excused(mut self, excuse: Excuse) -> Self {
        self.excuse = Some(excuse);
        self
    }

    /// The legend as Grafana's template: "p95 {{testid}}".
    pub(crate) fn legend(&self) -> String {
        let name = (!self.name.is_empty()).then(|| self.name.clone());
        let labels = self.by.iter().map(|label| format!("{{{{{}}}}}", label.as_str()));
        name.into_iter().chain(labels).collect::<Vec<_>>().join(" ")
    }
}
