//! The metrics of a backend: how they are read, and the mapping that fits them.

pub(crate) mod mapping_fit;
pub(crate) mod target_metrics;
