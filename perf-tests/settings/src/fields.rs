//! Writes the value of a setting to its field.

use std::path::PathBuf;
use std::time::Duration;

use crate::value::{parse_url, parse_within};
use crate::{PerHost, Settings, ValueError, parse_targets};
use monitoring::intervals;

pub(super) fn set_targets(settings: &mut Settings, text: &str) -> Result<(), ValueError> {
    let targets = parse_targets(text)?;
    if targets.is_empty() {
        parse_url(text)?;
    }
    settings.hosts.clear();
    for (name, url) in targets {
        match name {
            None => settings.target = url,
            Some(name) => drop(settings.hosts.insert(name, url)),
        }
    }
    Ok(())
}

/// Parses the time between pushes. Panels and rules are generated for the default, so a longer time
/// would leave them empty.
pub(super) fn parse_push_interval(text: &str) -> Result<Duration, ValueError> {
    let longest = intervals::MAX_PUSH_INTERVAL;
    let interval = parse_within(text, Duration::from_millis(500)..=Duration::from_secs(24 * 3600))?;
    if interval <= longest { Ok(interval) } else { Err(ValueError::PushInterval(text.to_owned(), longest)) }
}

pub(super) fn put<T>(field: &mut T, value: Result<T, ValueError>) -> Result<(), ValueError> {
    *field = value?;
    Ok(())
}

pub(super) fn put_some<T>(field: &mut Option<T>, value: Result<T, ValueError>) -> Result<(), ValueError> {
    put(field, value.map(Some))
}

/// Like k6's switches: on for every value except these.
pub(super) fn is_on(text: &str) -> bool {
    !matches!(text, "0" | "false" | "f" | "F" | "FALSE" | "False")
}

pub(super) fn put_switch(field: &mut bool, text: &str) -> Result<(), ValueError> {
    put(field, Ok(is_on(text)))
}

/// Sets a file or folder. An empty name means not set.
pub(super) fn put_file(field: &mut Option<PathBuf>, text: &str) -> Result<(), ValueError> {
    put(field, Ok((!text.is_empty()).then(|| absolute(text))))
}

/// The absolute path of a file: another process, which also gets the settings, may run in another
/// folder.
fn absolute(file: &str) -> PathBuf {
    std::path::absolute(file).unwrap_or_else(|_| file.into())
}

/// Sets files, one `[NAME=]FILE` per line. An empty text means not set.
pub(super) fn put_files(field: &mut PerHost<PathBuf>, text: &str) -> Result<(), ValueError> {
    put(field, PerHost::parse(text, |file| Ok(absolute(file))))
}

/// Parses names of hosts, one `[NAME=]VALUE` per line, each with or without a port.
pub(super) fn parse_host_names(text: &str) -> Result<PerHost<String>, ValueError> {
    PerHost::parse(text, |name| {
        let is_name = |c: char| c.is_ascii_alphanumeric() || "-._:[]".contains(c);
        if !name.is_empty() && name.chars().all(is_name) {
            Ok(name.to_owned())
        } else {
            Err(ValueError::Refused("not the name of a host, such as shop.example or shop.example:8443"))
        }
    })
}

/// Notes that a setting has no effect, for a warning.
pub(super) fn ignore(settings: &mut Settings, message: &str) -> Result<(), ValueError> {
    settings.ignored.push(message.to_owned());
    Ok(())
}
