//! The part of a service that a query is about.

use crate::catalogue::Catalogue;
use crate::endpoint::Endpoint;
use crate::slo::Slo;

/// The part of a service that a query of a panel or a rule is about. The default is the whole run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct QuerySubject {
    /// Names of the endpoints whose series the query selects.
    pub endpoints: Vec<&'static str>,
    /// ID of the objective that the query shows. If a run has data for it, so has the query.
    pub objective: Option<String>,
}

impl QuerySubject {
    /// A query of the series of these endpoints.
    pub fn endpoints<'a>(endpoints: impl IntoIterator<Item = &'a Endpoint>) -> Self {
        Self { endpoints: endpoints.into_iter().map(|endpoint| endpoint.name).collect(), objective: None }
    }

    /// A query that shows an objective, and the series of its endpoint.
    pub fn objective(catalogue: &Catalogue, slo: &Slo) -> Self {
        Self { objective: Some(catalogue.slo_id(slo)), ..Self::endpoints(slo.endpoint()) }
    }
}
