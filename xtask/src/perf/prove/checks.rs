//! The checks of the proof, one file each, and what they need.

pub(crate) mod clocks;
pub(crate) mod coverage;
pub(crate) mod delivery;
pub(crate) mod endpoint_clocks;
pub(crate) mod excuses;
pub(crate) mod proof_check;
pub(crate) mod queries;
pub(crate) mod query_tally;
pub(crate) mod rules;
pub(crate) mod same_counts;
pub(crate) mod store_gaps;
pub(crate) mod timeline;
