//! Errors of flags that clap finds, in the form of all other messages.

use std::error::Error as _;

use clap::error::{ContextKind, ContextValue, ErrorKind};

/// Describes what is wrong with the words of a command line, and which help to read.
pub(crate) fn describe(error: &clap::Error, command: &clap::Command, words: &[String]) -> String {
    let hint = suggestion(error).map_or_else(|| ".".to_owned(), |name| format!("; did you mean {name}?"));
    format!("{}{hint} See {} --help", problem(error, words), names(command, words).join(" "))
}

/// The names of the program and of the chosen command: "cargo xtask", "stack", "up".
fn names<'a>(command: &'a clap::Command, words: &'a [String]) -> Vec<&'a str> {
    let mut names = vec![command.get_bin_name().unwrap_or_else(|| command.get_name())];
    let mut command = command;
    for word in words.iter().skip(1) {
        let Some(chosen) = command.find_subcommand(word) else { break };
        names.push(word);
        command = chosen;
    }
    names
}

/// The known name that is most like a mistyped one.
fn suggestion(error: &clap::Error) -> Option<&str> {
    let kinds = [ContextKind::SuggestedArg, ContextKind::SuggestedSubcommand, ContextKind::SuggestedValue];
    kinds.into_iter().find_map(|kind| match error.get(kind)? {
        ContextValue::String(name) => Some(name.as_str()),
        // Clap puts the most similar name last.
        ContextValue::Strings(names) => names.last().map(String::as_str),
        _ => None,
    })
}

fn problem(error: &clap::Error, words: &[String]) -> String {
    let text = |kind| error.get(kind).map(ToString::to_string).unwrap_or_default();
    let (typed, value) = (text(ContextKind::InvalidArg), text(ContextKind::InvalidValue));
    let flag = without_value(&typed);
    match error.kind() {
        ErrorKind::UnknownArgument if flag.starts_with('-') => {
            negative_value(words, flag).unwrap_or_else(|| format!("there is no flag {flag}"))
        }
        ErrorKind::UnknownArgument => too_many(flag),
        ErrorKind::InvalidSubcommand => format!("there is no command {:?}", text(ContextKind::InvalidSubcommand)),
        ErrorKind::InvalidValue if value.is_empty() => format!("{flag} needs a value"),
        ErrorKind::InvalidValue => format!("{flag}: {value:?} is not one of {}", text(ContextKind::ValidValue)),
        ErrorKind::TooManyValues => format!("{flag} takes no value, but {value:?} was given"),
        ErrorKind::MissingRequiredArgument => format!("missing: {typed}"),
        ErrorKind::ArgumentConflict if typed == text(ContextKind::PriorArg) => format!("{flag} is given twice"),
        ErrorKind::ArgumentConflict if !typed.is_empty() => {
            format!("{flag} cannot be used with {}: remove one of them", without_value(&text(ContextKind::PriorArg)))
        }
        ErrorKind::ArgumentConflict => too_many(&text(ContextKind::InvalidSubcommand)),
        // The error of the value repeats it.
        ErrorKind::ValueValidation => match error.source() {
            Some(why) => format!("{flag}: {why}"),
            None => text(ContextKind::Custom),
        },
        _ => error.to_string().lines().next().unwrap_or_default().trim_start_matches("error: ").to_owned(),
    }
}

fn too_many(argument: &str) -> String {
    format!("{argument:?} is one argument too many")
}

/// A flag without the name of its value: `--stack` of `--stack <STACK>`, `TESTID` of `<TESTID>`.
fn without_value(usage: &str) -> &str {
    usage.split([' ', '=']).next().unwrap_or_default().trim_matches(['<', '>', '[', ']', '.'])
}

/// The problem of a value such as -5s, which clap takes for a flag.
fn negative_value(words: &[String], flag: &str) -> Option<String> {
    flag.strip_prefix('-').filter(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))?;
    let (before, value) = words.iter().zip(words.iter().skip(1)).find(|(_, value)| value.starts_with(flag))?;
    let what = if perf_settings::parse_duration(&value[1..]).is_ok() { "a duration" } else { "the value" };
    Some(format!("{before} {value}: {what} cannot be negative"))
}

#[cfg(test)]
mod tests;
