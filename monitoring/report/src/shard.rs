//! Shards of a run: shares that were made apart from each other, and are merged from files.

use std::collections::BTreeMap;

use serde::Deserialize;

/// Values that all shards of a run share, by name.
pub type Identity = BTreeMap<String, String>;

/// Limit on a shard's file, in bytes.
pub const MAX_BYTES: usize = 64 << 20;
/// The name of the value that is the scenario's name.
pub const SCENARIO: &str = "scenario";

/// The part of a shard's file from which a reader knows whose it is.
#[derive(Debug, Deserialize)]
pub struct ShardHeader {
    /// Values that all shards of the run share.
    pub identity: Identity,
}

impl ShardHeader {
    /// The name of the scenario, if the file has one.
    pub fn scenario(&self) -> Option<&str> {
        self.identity.get(SCENARIO).map(String::as_str)
    }
}
