//! The files that Prometheus reads, as typed values.

pub mod alerts;
pub mod config;
pub mod recording_rules;
