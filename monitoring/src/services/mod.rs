//! The services that can be tested, one file each, and the list of all.
//!
//! To add a service: `cargo xtask new-service NAME`. Its scenarios are in `perf-tests/tests/load/`.
//!
//! Rules and dashboards are generated for every service in the list. No other code names an
//! endpoint, a path or a threshold.

// Not an `expect` of `missing_docs`: it would warn once all endpoints have a doc comment.
#![allow(missing_docs, reason = "the second argument of an endpoint is its description")]

use crate::catalogue::Catalogue;

pub mod stock_ai;

/// All services, in the order in which files are generated.
pub const ALL: &[&Catalogue] = &[&stock_ai::STOCK_AI];

/// The service that the stub backend serves, in runs without `--target`.
pub const STUB: Option<&Catalogue> = Some(&stock_ai::STOCK_AI);

/// Finds a service by name.
pub fn find(service: &str) -> Option<&'static Catalogue> {
    ALL.iter().find(|catalogue| catalogue.service == service).copied()
}
