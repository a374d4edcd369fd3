//! The store that the proof asks, through Grafana or directly.

pub(crate) mod grafana;
pub(crate) mod proof_store;
pub(crate) mod query_source;
pub(crate) mod window;
