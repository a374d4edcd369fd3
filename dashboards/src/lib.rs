//! How it is drawn: Grafana dashboards and their provisioning, generated from a catalogue.
//!
//! Panels ask the same [`monitoring::promql`] expressions that rules record. Nothing here does IO or knows HTTP,
//! Docker or how load is made.

pub mod generated_files;
pub mod grafana;
pub mod layout;
pub mod outline;
pub mod panel;
pub mod provisioning;
pub mod queries;
pub mod service_dashboard;
