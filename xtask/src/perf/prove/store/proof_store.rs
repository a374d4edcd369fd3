//! The store that a proof asks, as it is known before the load.

use prometheus_store::StoreAccess;
use url::Url;

#[derive(Debug)]
pub(crate) struct ProofStore<'a> {
    /// The URL for queries.
    pub(crate) url: Url,
    pub(crate) origin: StoreOrigin,
    /// Whether pods made the load. Their network may reach a store that this machine does not.
    pub(crate) by_pods: bool,
    pub(crate) grafana: Option<&'a Url>,
    pub(crate) access: &'a StoreAccess,
}

/// The source of the URL for queries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StoreOrigin {
    /// This clone's stack, which has our rules.
    OwnStack {
        /// Whether it is in a container with a network of its own.
        on_bridge: bool,
    },
    /// The user named the URL.
    Named,
    /// The origin of the URL for pushes, which need not respond to queries.
    Guessed,
}

impl ProofStore<'_> {
    /// Whether it is this clone's stack.
    pub(crate) const fn is_own(&self) -> bool {
        matches!(self.origin, StoreOrigin::OwnStack { .. })
    }

    /// Whether it may not respond to queries from this machine.
    pub(crate) fn is_doubtful(&self) -> bool {
        self.origin == StoreOrigin::Guessed || self.by_pods
    }
}
