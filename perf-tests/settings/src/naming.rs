//! Names settings in errors as the user types them.

use crate::all_settings::all_settings;
use crate::settings::Settings;

impl Settings {
    /// The flag or the variable that gave the setting of a variable. `None` if it was not given.
    pub fn typed(&self, variable: &str) -> Option<&str> {
        self.names.typed.get(variable).map(String::as_str)
    }

    /// The name of the setting of a variable: as it was typed, or else as this user can type it.
    pub fn setting_name(&self, variable: &str) -> String {
        let setting = all_settings().find(|setting| setting.variables.contains(&variable));
        let flag = setting.and_then(|setting| setting.flag).filter(|_| !self.names.only_variables);
        let can_type = || flag.map_or_else(|| variable.to_owned(), |flag| format!("--{flag}"));
        self.typed(variable).map_or_else(can_type, str::to_owned)
    }

    /// The setting of a variable with a value, as the user types them: "--target URL" or
    /// "PERF_TARGET=URL".
    pub fn with_value(&self, variable: &str, value: &str) -> String {
        let name = self.setting_name(variable);
        let separator = if name.starts_with("--") { ' ' } else { '=' };
        format!("{name}{separator}{value}")
    }
}

#[cfg(test)]
mod tests;
