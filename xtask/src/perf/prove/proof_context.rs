//! Everything that the proof needs from before the load.

use std::time::Duration;

use super::backend::proof_backend::ProofBackend;
use super::store::proof_store::ProofStore;

/// The store and the backend of a run, as they are known before the load.
pub(crate) struct ProofContext<'a> {
    pub(crate) store: ProofStore<'a>,
    pub(crate) backend: ProofBackend<'a>,
    pub(crate) push_interval: Duration,
    /// Whether a store without our rules fails the proof, because a proof was asked for.
    pub(crate) must_prove: bool,
}
