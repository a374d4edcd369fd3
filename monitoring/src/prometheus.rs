//! Prometheus' configuration, recording rules and alerting rules, as typed values.

pub mod alerts;
pub mod config;
pub mod recording_rules;
