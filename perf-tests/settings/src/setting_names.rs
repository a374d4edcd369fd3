//! The names by which the user of a run knows its settings.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The flags and variables that gave the settings of a run. Errors use these names.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SettingNames {
    /// Whether the user has no flags: `cargo test` reads only variables.
    pub(super) only_variables: bool,
    /// The flag or the variable that gave a setting, by the setting's first variable.
    pub(super) typed: BTreeMap<String, String>,
}
