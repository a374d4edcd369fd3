//! Objectives of services, and the Prometheus files that are generated from them.
//!
//! The endpoints and objectives of a service are defined once, in [`services`]. Everything else
//! here is derived from them: bucket bounds, series names, PromQL, recording rules and alerts. This
//! crate does no IO, reads no clock, and does not depend on reports, HTTP, Docker or Grafana.
//!
//! In reading order:
//! - services: [`services`], the only folder that a fork edits
//! - contract: [`catalogue`], [`endpoint`], [`statuses`], [`slo`], [`segment`], [`span`],
//!   [`ratio`], [`measure`], [`backend_slo`], [`label`], [`phase`], [`metric`], [`intervals`],
//!   [`backend_metrics`], [`backend_mapping`]
//! - queries: [`promql`], [`objective_counters`], [`query_subject`], [`excuse`]
//! - files: [`prometheus`], [`generated_files`]
//! - values that reports and settings share: [`revision`]
//! - text from elsewhere: [`sanitize`]

pub mod backend_mapping;
pub mod backend_metrics;
pub mod backend_slo;
pub mod catalogue;
pub mod endpoint;
pub mod excuse;
pub mod generated_files;
pub mod intervals;
pub mod label;
pub mod measure;
pub mod metric;
pub mod objective_counters;
pub mod phase;
pub mod prometheus;
pub mod promql;
pub mod query_subject;
pub mod ratio;
pub mod revision;
pub mod sanitize;
pub mod segment;
pub mod services;
pub mod slo;
pub mod span;
pub mod statuses;
