//! The definition of a setting: its names, its help, and how its text is read.

use crate::Settings;
use crate::ValueError;

/// Parses a text and writes the value to its field.
type Set = fn(&mut Settings, &str) -> Result<(), ValueError>;

/// A setting of a run. The command line, the environment and SETTINGS.md are made from it.
#[derive(Debug, Clone, Copy)]
pub struct Setting {
    /// The flag without dashes, if there is one.
    pub flag: Option<&'static str>,
    /// The one-letter flag.
    pub short: Option<char>,
    /// Its environment variables. The first that is set counts.
    pub variables: &'static [&'static str],
    /// The value after the flag.
    pub value: SettingValue,
    help: &'static str,
    default: Option<fn() -> String>,
    /// The flag that it excludes.
    pub excludes: Option<&'static str>,
    /// Whether the setting is part of the load. A flag for one load setting hides the variables of
    /// all load settings.
    pub is_load: bool,
    pub(super) set: Set,
}

/// The kind of value that a setting has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SettingValue {
    /// No value: on or off.
    Switch,
    /// One value of this name.
    One(&'static str),
    /// Several values of this name. The flag is repeated; the variable separates the values by the
    /// second text.
    Many(&'static str, &'static str),
    /// A value for each host, of this name. The flag is repeated; the variable has one per line.
    PerHost(&'static str),
}

/// Settings under one heading in the help.
#[derive(Debug, Clone, Copy)]
pub struct Group {
    /// The heading.
    pub heading: &'static str,
    /// The settings, in the order of the help.
    pub settings: &'static [Setting],
}

pub(super) const fn flag(
    flag: &'static str,
    value: SettingValue,
    variables: &'static [&'static str],
    set: Set,
) -> Setting {
    Setting { flag: Some(flag), value, ..variable(variables, set) }
}

pub(super) const fn variable(variables: &'static [&'static str], set: Set) -> Setting {
    let (flag, short, value, excludes) = (None, None, SettingValue::One(""), None);
    Setting { flag, short, variables, value, help: "", default: None, excludes, is_load: false, set }
}

impl Setting {
    pub(super) const fn short(self, short: char) -> Self {
        Self { short: Some(short), ..self }
    }

    pub(super) const fn excludes(self, flag: &'static str) -> Self {
        Self { excludes: Some(flag), ..self }
    }

    pub(super) const fn is_load(self) -> Self {
        Self { is_load: true, ..self }
    }

    /// Sets the help. Its first sentence fits on one line and has no period; further sentences
    /// follow after ". ". A default that is not a value stands in the help, as `[default: X]`.
    pub(super) const fn help(self, help: &'static str) -> Self {
        Self { help, ..self }
    }

    /// Sets the default value, which replaces `{default}` in the help.
    pub(super) const fn default(self, default: fn() -> String) -> Self {
        Self { default: Some(default), ..self }
    }

    /// The help: the first sentence without a period, and further ones after ". ".
    pub fn full_help(&self) -> String {
        let Some(default) = self.default else { return self.help.to_owned() };
        self.help.replace("{default}", &format!("[default: {}]", default()))
    }
}
