//! Grafana dashboards and their provisioning, generated from a catalogue.
//!
//! Panels query the same [`monitoring::promql`] expressions that rules record. This crate does no
//! IO and does not depend on HTTP, Docker or the generator.

pub mod generated_files;
pub mod grafana;
pub mod layout;
pub mod outline;
pub mod panel;
pub mod provisioning;
pub mod queries;
pub mod query;
pub mod service_dashboard;
