//! Integration tests of `cargo xtask`, all in one binary, which is linked once. Tests that are ignored need what `cargo xtask ci` provides.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a helper that fails fails the test")]

mod alerts;
mod archive;
mod baseline;
mod command_line;
mod drill;
mod engine;
#[cfg(unix)]
mod fastapi;
mod hostile;
mod interleaved;
mod interpretation;
#[cfg(target_os = "linux")]
mod matrix;
mod modules;
mod new;
mod real;
mod real_prometheus;
mod rules;
#[cfg(target_os = "linux")]
mod security;
#[cfg(unix)]
mod stack;
mod structure;
