//! A service as a value: its endpoints and its objectives, and what is wrong with them.
//!
//! The services themselves are in `services/`.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::backend_slo::{BackendSlo, Cache};
use crate::endpoint::Endpoint;
use crate::label;
use crate::metric::LADDER_MS;
use crate::slo::{Sli, Slo};

/// A service: its endpoints and its objectives.
#[derive(Debug, Clone, Copy)]
pub struct Catalogue {
    /// Lower-case words joined by dashes: file names and the dashboard's uid are made from it.
    pub service: &'static str,
    /// The dashboard's title.
    pub title: &'static str,
    /// All endpoints, in the order in which tables and panels show them.
    pub endpoints: &'static [Endpoint],
    /// The endpoints whose latency stands at the top of the dashboard.
    pub critical: &'static [Endpoint],
    /// All objectives on requests, in the order in which tables show them.
    pub slos: &'static [Slo],
    /// Objectives on the backend's own metrics.
    pub backend: &'static [BackendSlo],
    /// Caches of the backend's, whose worth is read after a run.
    pub caches: &'static [Cache],
}

/// Why a catalogue cannot be used.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum CatalogueError {
    /// A name that is no stem of a Prometheus metric name.
    #[error("name {0:?} is not made of lower-case letters, digits and underscores, starting with a letter")]
    Name(&'static str),
    /// Two endpoints or two objectives with one name.
    #[error("{0:?} is there twice")]
    Duplicate(String),
    /// An objective or a critical endpoint that is not in the list of endpoints.
    #[error("{0:?} is named by an objective or as critical but is not among the endpoints")]
    Unknown(&'static str),
    /// An objective that every result, or none, would meet.
    #[error(
        "objective {0:?} leaves nothing to judge: its share must lie between 0 and 100 %, its threshold above 0, in some phase"
    )]
    Vacuous(String),
    /// A check's name becomes a label's value.
    #[error("check name {0:?} is empty, too long or has control characters")]
    Check(&'static str),
    /// The service's name is used in file names and URLs.
    #[error("service name {0:?} is not made of lower-case letters, digits and dashes")]
    Service(&'static str),
}

impl Catalogue {
    /// The endpoint of that name.
    pub fn endpoint(&self, name: &str) -> Option<&'static Endpoint> {
        self.endpoints.iter().find(|endpoint| endpoint.name == name)
    }

    /// The latency objective of an endpoint.
    pub fn latency_slo(&self, endpoint: &Endpoint) -> Option<&'static Slo> {
        self.slos.iter().find(|slo| matches!(&slo.sli, Sli::Latency { endpoint: of, .. } if of == endpoint))
    }

    /// The objective of that name in reports, if it is one on requests.
    pub fn slo(&self, id: &str) -> Option<&'static Slo> {
        self.slos.iter().find(|slo| slo.id() == id)
    }

    /// The endpoints whose successes are counted in a metric of their own: those with a success objective.
    pub fn with_success(&self) -> impl Iterator<Item = &'static Endpoint> {
        self.slos.iter().filter_map(|slo| match &slo.sli {
            Sli::Success { endpoint } => Some(endpoint),
            _ => None,
        })
    }

    /// The finite upper bounds of all histograms, ascending. Each threshold of the catalogue is one of them.
    pub fn bucket_bounds(&self) -> Vec<Duration> {
        let thresholds = self.slos.iter().filter_map(Slo::threshold);
        let mut bounds: Vec<_> = LADDER_MS.iter().map(|&ms| Duration::from_millis(ms)).chain(thresholds).collect();
        bounds.sort_unstable();
        bounds.dedup();
        bounds
    }

    /// Checks what the types cannot: names, duplicates, references and thresholds.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn validate(&self) -> Result<(), CatalogueError> {
        let dashed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if self.service.is_empty() || !self.service.chars().all(dashed) {
            return Err(CatalogueError::Service(self.service));
        }
        let mut names = BTreeSet::new();
        for endpoint in self.endpoints {
            if !label::is_metric_stem(endpoint.name) {
                return Err(CatalogueError::Name(endpoint.name));
            }
            if !names.insert(endpoint.name) {
                return Err(CatalogueError::Duplicate(endpoint.name.to_owned()));
            }
        }
        for endpoint in self.critical {
            if !self.endpoints.contains(endpoint) {
                return Err(CatalogueError::Unknown(endpoint.name));
            }
        }
        let mut ids = BTreeSet::new();
        for slo in self.slos {
            if let Some(endpoint) = slo.endpoint()
                && !self.endpoints.contains(endpoint)
            {
                return Err(CatalogueError::Unknown(endpoint.name));
            }
            if let Sli::Check { name } = slo.sli
                && label::check_value("check", name).is_err()
            {
                return Err(CatalogueError::Check(name));
            }
            if slo.is_vacuous() {
                return Err(CatalogueError::Vacuous(slo.id()));
            }
            if !ids.insert(slo.id()) {
                return Err(CatalogueError::Duplicate(slo.id()));
            }
        }
        self.validate_backend(ids)
    }

    fn validate_backend(&self, mut ids: BTreeSet<String>) -> Result<(), CatalogueError> {
        for slo in self.backend {
            if !label::is_metric_stem(slo.name) {
                return Err(CatalogueError::Name(slo.name));
            }
            if slo.is_vacuous() {
                return Err(CatalogueError::Vacuous(slo.id()));
            }
            if !ids.insert(slo.id()) {
                return Err(CatalogueError::Duplicate(slo.id()));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::services::stock_ai::{JOIN_ROOM, STOCK_AI};

    #[test]
    fn every_threshold_is_a_bound() {
        const ODD: Catalogue = Catalogue { slos: &[Slo::p95(JOIN_ROOM, Duration::from_micros(123_456))], ..STOCK_AI };
        let bounds = ODD.bucket_bounds();
        assert!(bounds.contains(&Duration::from_micros(123_456)));
        assert!(bounds.is_sorted());
    }
}
