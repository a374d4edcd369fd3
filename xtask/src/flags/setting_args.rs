//! The table of settings as flags of clap, for the commands that have some of them or all.

use std::fmt;
use std::marker::PhantomData;
use std::path::PathBuf;

use clap::{Arg, ArgAction, ArgMatches, Command, FromArgMatches};
use perf_settings::{GROUPS, OUT, Setting, SettingValue, all_settings};

use crate::host::workspace;

/// The settings that a command has flags for.
pub(crate) trait SettingChoice: Clone {
    /// A variable of each of them. `None`: all.
    const VARIABLES: Option<&'static [&'static str]>;
    /// Whether the command reads their variables, too.
    const READS_VARIABLES: bool;

    /// Whether the command has a flag for the setting.
    fn includes(setting: &Setting) -> bool {
        Self::VARIABLES.is_none_or(|chosen| setting.variables.iter().any(|name| chosen.contains(name)))
    }
}

#[derive(Clone)]
pub(crate) struct AllSettings;

impl SettingChoice for AllSettings {
    const VARIABLES: Option<&'static [&'static str]> = None;
    const READS_VARIABLES: bool = true;
}

#[derive(Clone)]
pub(crate) struct ReportFolder;

impl SettingChoice for ReportFolder {
    const VARIABLES: Option<&'static [&'static str]> = Some(&[OUT]);
    const READS_VARIABLES: bool = true;
}

/// The given flags of settings.
#[derive(Clone)]
pub(crate) struct SettingArgs<C = AllSettings> {
    /// Name without dashes, and text.
    given: Vec<(&'static str, String)>,
    choice: PhantomData<C>,
}

impl<C> SettingArgs<C> {
    /// The given flags: name without dashes, and text.
    pub(crate) fn given(&self) -> &[(&'static str, String)] {
        &self.given
    }

    pub(crate) fn has(&self, flag: &str) -> bool {
        self.text(flag).is_some()
    }

    pub(crate) fn text(&self, flag: &str) -> Option<&str> {
        self.given.iter().find(|(name, _)| *name == flag).map(|(_, text)| text.as_str())
    }
}

impl SettingArgs<ReportFolder> {
    /// The folder of reports, if the flag or the variable names one.
    pub(crate) fn folder(&self) -> Option<PathBuf> {
        let flag = self.given.first().map(|(_, text)| text.clone());
        flag.or_else(|| workspace::var(OUT)).map(PathBuf::from)
    }
}

/// Prints names only: a URL may hold a password.
impl<C> fmt::Debug for SettingArgs<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.given.iter().map(|(flag, _)| flag)).finish()
    }
}

impl<C: SettingChoice> FromArgMatches for SettingArgs<C> {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let given = all_settings().filter(|setting| C::includes(setting)).filter_map(|setting| {
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
        Ok(Self { given: given.collect(), choice: PhantomData })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

impl<C: SettingChoice> clap::Args for SettingArgs<C> {
    fn augment_args(command: Command) -> Command {
        let flags = GROUPS.iter().flat_map(|group| group.settings.iter().map(|setting| (group.heading, setting)));
        command.args(flags.filter(|(_, setting)| C::includes(setting)).filter_map(|(heading, setting)| {
            let arg = arg(setting, setting.flag?);
            let arg = if C::READS_VARIABLES { with_variables(arg, setting) } else { arg };
            // A command with few of them needs no groups.
            Some(if C::VARIABLES.is_none() { arg.help_heading(heading) } else { arg })
        }))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

fn arg(setting: &Setting, flag: &'static str) -> Arg {
    let help = setting.full_help();
    let arg = Arg::new(flag).long(flag).short(setting.short).conflicts_with_all(setting.excludes);
    let arg = arg.help(short_help(&help)).long_help(help);
    match setting.value {
        SettingValue::Switch => arg.action(ArgAction::SetTrue),
        SettingValue::One(name) => arg.value_name(name),
        SettingValue::Many(name, _) | SettingValue::PerHost(name) => arg.value_name(name).action(ArgAction::Append),
    }
}

/// Adds the setting's variables to the help.
fn with_variables(arg: Arg, setting: &Setting) -> Arg {
    let separated = match setting.value {
        SettingValue::Many(_, "\n") | SettingValue::PerHost(_) => ", one per line",
        SettingValue::Many(_, " ") => ", separated by spaces",
        SettingValue::Many(..) => ", separated by commas",
        SettingValue::Switch | SettingValue::One(_) => "",
    };
    arg.long_help(format!("{} [env: {}{separated}]", setting.full_help(), setting.variables.join(", ")))
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
