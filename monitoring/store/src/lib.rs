//! Anything with Prometheus' API: how its responses are read.

pub mod grafana_response;
pub mod response;
