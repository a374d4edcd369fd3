//! The table of settings as flags of clap and as help text.

use std::fmt;

use super::CI;
use crate::host::terminal::NO_COLOR;
use crate::stack::docker::NETWORK;
use crate::stack::{GRAFANA_VAR, PROMETHEUS_VAR};
use clap::{Arg, ArgAction, ArgMatches, Command, FromArgMatches};
use perf_settings::{GROUPS, Setting, SettingValue, all_settings};

/// The given flags of settings: name without dashes, and text.
#[derive(Clone)]
pub(super) struct SettingArgs(pub(super) Vec<(&'static str, String)>);

impl SettingArgs {
    /// Whether the flag was given.
    pub(super) fn has(&self, flag: &str) -> bool {
        self.text(flag).is_some()
    }

    pub(super) fn text(&self, flag: &str) -> Option<&str> {
        self.0.iter().find(|(name, _)| *name == flag).map(|(_, text)| text.as_str())
    }
}

/// Prints names only: a URL may hold a password.
impl fmt::Debug for SettingArgs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(flag, _)| flag)).finish()
    }
}

impl FromArgMatches for SettingArgs {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let given = all_settings().filter_map(|setting| {
            let flag = setting.flag?;
            let join = |separator| {
                let texts: Vec<_> = matches.get_many::<String>(flag)?.map(String::as_str).collect();
                Some(texts.join(separator))
            };
            let text = match setting.value {
                SettingValue::Switch => matches.get_flag(flag).then(|| "1".to_owned()),
                SettingValue::One(_) => matches.get_one(flag).cloned(),
                SettingValue::Many(_, separator) => join(separator),
                SettingValue::PerHost(_) => join("\n"),
            };
            Some((flag, text?))
        });
        Ok(Self(given.collect()))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

impl clap::Args for SettingArgs {
    fn augment_args(command: Command) -> Command {
        let flags = GROUPS.iter().flat_map(|group| group.settings.iter().map(|setting| (group.heading, setting)));
        command.args(flags.filter_map(|(heading, setting)| Some(arg(setting, setting.flag?).help_heading(heading))))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

fn arg(setting: &Setting, flag: &'static str) -> Arg {
    let separated = match setting.value {
        SettingValue::Many(_, "\n") | SettingValue::PerHost(_) => ", one per line",
        SettingValue::Many(_, " ") => ", separated by spaces",
        SettingValue::Many(..) => ", separated by commas",
        SettingValue::Switch | SettingValue::One(_) => "",
    };
    let help = setting.full_help();
    let long_help = format!("{help} [env: {}{separated}]", setting.variables.join(", "));
    let arg = Arg::new(flag).long(flag).short(setting.short).conflicts_with_all(setting.excludes);
    let arg = arg.help(short_help(&help)).long_help(long_help);
    match setting.value {
        SettingValue::Switch => arg.action(ArgAction::SetTrue),
        SettingValue::One(name) => arg.value_name(name),
        SettingValue::Many(name, _) | SettingValue::PerHost(name) => arg.value_name(name).action(ArgAction::Append),
    }
}

/// The part of a setting's help that `-h` shows: its first sentence and its default. `--help` shows
/// all of it.
fn short_help(help: &str) -> String {
    let first = help.split(". ").next().unwrap_or(help);
    match help.find(" [default: ").filter(|at| *at > first.len()) {
        Some(default) => format!("{first}{}", &help[default..]),
        None => first.to_owned(),
    }
}

/// The variables that have no flag, for the end of `--help`: those of settings, and others.
pub(super) fn describe_variables() -> String {
    let settings = all_settings().filter(|setting| setting.flag.is_none());
    let settings = settings.map(|setting| (setting.variables.join(", "), setting.full_help()));
    let others = [
        (
            format!("{PROMETHEUS_VAR}, {GRAFANA_VAR}"),
            "Container images to use instead of the default ones, for example from a mirror".to_owned(),
        ),
        (NETWORK.to_owned(), "Container network, host or bridge [default: try host, then bridge]".to_owned()),
        (CI.to_owned(), "If set: do not start Grafana, and stop the stack after the run".to_owned()),
        (NO_COLOR.to_owned(), "If set: print no color".to_owned()),
    ];
    let lines: Vec<_> = settings.chain(others).map(|(names, help)| format!("  {names}\n          {help}")).collect();
    lines.join("\n")
}
