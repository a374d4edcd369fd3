//! The services that are covered: one file each, and the list of all.
//!
//! To cover another service, add a file here with its endpoints and objectives and name it in [`ALL`], and write its
//! scenarios in `perf-tests/tests/load/`. Rules and dashboards are generated for every service of the list. Nothing else
//! names an endpoint, a path or a threshold.

use crate::catalogue::Catalogue;

pub mod stock_ai;

/// Every service that is covered.
pub const ALL: &[&Catalogue] = &[&stock_ai::STOCK_AI];

/// The service of that name; none if it is not covered.
pub fn find(service: &str) -> Option<&'static Catalogue> {
    ALL.iter().find(|catalogue| catalogue.service == service).copied()
}
