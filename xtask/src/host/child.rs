//! Processes that this command starts. Code outside of `host` makes no `Command` of its own.
//!
//! Scripts use `xshell` instead: commands one after another that all must succeed.

use std::ffi::OsStr;

use super::owner;

/// A program for which this command waits. Its output or its exit code is read.
pub(crate) fn foreground(program: impl AsRef<OsStr>) -> std::process::Command {
    std::process::Command::new(program)
}

/// A program that runs beside this command and ends with it. Signals of the terminal do not reach
/// it.
pub(crate) fn attached(program: impl AsRef<OsStr>) -> tokio::process::Command {
    let mut command = tokio::process::Command::new(program);
    command.kill_on_drop(true);
    owner::attach(&mut command);
    command
}

/// A program that runs beside this command and may stay when it ends. Signals of the terminal do
/// not reach it.
pub(crate) fn detached(program: impl AsRef<OsStr>) -> tokio::process::Command {
    let mut command = tokio::process::Command::new(program);
    owner::detach(&mut command);
    command
}
