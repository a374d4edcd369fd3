//! The backend's own metrics, and what they count of a run.

pub(crate) mod backend_count;
pub(crate) mod backend_metrics;
pub(crate) mod backend_reader;
pub(crate) mod backend_scrapes;
pub(crate) mod endpoint_account;
pub(crate) mod exposed_metrics;
pub(crate) mod proof_backend;
pub(crate) mod request_counters;
pub(crate) mod restart;
