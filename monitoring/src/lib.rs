//! What is promised, and the Prometheus files made from it.
//!
//! A service's endpoints and objectives stand once, in [`services`]. Everything else here is derived from them: bucket
//! bounds, series names, PromQL, recording rules and alerts. Nothing in this crate does IO, reads a clock or knows a
//! report, HTTP, Docker or Grafana.
//!
//! In reading order: [`services`] (the only folder that a fork edits), the contract ([`catalogue`], [`endpoint`],
//! [`slo`], [`ratio`], [`backend_slo`], [`label`], [`phase`], [`metric`], [`backend_metrics`]), the language ([`promql`],
//! [`objective_counters`]), and what is written with it ([`prometheus`], [`generated_files`]).

pub mod backend_metrics;
pub mod backend_slo;
pub mod catalogue;
pub mod endpoint;
pub mod generated_files;
pub mod label;
pub mod metric;
pub mod objective_counters;
pub mod openapi;
pub mod phase;
pub mod prometheus;
pub mod promql;
pub mod ratio;
pub mod sanitize;
pub mod services;
pub mod slo;
pub mod stack_limits;
