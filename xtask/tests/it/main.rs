//! Integration tests of `cargo xtask`. They are one binary, so that it is linked once.
//!
//! Ignored tests need other programs, such as Docker; `cargo xtask ci` runs them.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a helper that fails fails the test")]

mod alerts;
mod archive;
mod baseline;
mod command_line;
mod compiled_once;
#[cfg(unix)]
mod docker_context;
mod documents;
mod drill;
mod engine;
mod examples;
#[cfg(unix)]
mod fastapi;
mod function_names;
mod hostile;
mod interleaved;
mod interpretation;
#[cfg(unix)]
mod kubernetes;
#[cfg(target_os = "linux")]
mod matrix;
mod modules;
mod new;
mod openings;
mod other_backends;
mod own_words;
mod parameters;
mod prose;
mod real;
mod real_prometheus;
mod rules;
#[cfg(target_os = "linux")]
mod security;
#[cfg(unix)]
mod stack;
mod stores;
mod structure;
mod type_names;
