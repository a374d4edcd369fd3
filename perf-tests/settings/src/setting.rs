//! What a setting is: its names, its help, and how its text is read.

use crate::Settings;
use crate::ValueError;

/// Reads a text into its field.
type Set = fn(&mut Settings, &str) -> Result<(), ValueError>;

/// A setting of a run. Command line, environment and documents know it from here.
#[derive(Debug, Clone, Copy)]
pub struct Setting {
    /// Its flag without dashes, if it has one.
    pub flag: Option<&'static str>,
    /// The flag of one letter.
    pub short: Option<char>,
    /// Its variables; the first that is set counts.
    pub variables: &'static [&'static str],
    /// What follows the flag.
    pub value: SettingValue,
    /// One line for the help.
    pub help: &'static str,
    /// The flag that it excludes.
    pub excludes: Option<&'static str>,
    /// Those that are, are the whole load together. A flag for one hides the variables of all.
    pub is_load: bool,
    pub(super) set: Set,
}

/// What a setting takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SettingValue {
    /// Nothing: it is on or off.
    Switch,
    /// A value of that name.
    One(&'static str),
    /// Values of that name: the flag is repeated, and the variable separates them by the second text.
    Many(&'static str, &'static str),
}

/// Settings with one heading in the help.
#[derive(Debug, Clone, Copy)]
pub struct Group {
    /// The heading; none for general options.
    pub heading: Option<&'static str>,
    /// In the order of the help.
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
    Setting { flag, short, variables, value, help: "", excludes, is_load: false, set }
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

    pub(super) const fn help(self, help: &'static str) -> Self {
        Self { help, ..self }
    }
}
