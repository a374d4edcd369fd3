//! Support for tests: fake HTTP servers in the test's process, and real servers as processes.
//!
//! This crate is only a dev-dependency. A function that fails panics, and so fails its test.

pub mod backend_text;
pub mod counted_backend;
pub mod exact_server;
pub mod fake_proxy;
pub mod fake_server;
pub mod fake_service;
pub mod objectives;
#[cfg(target_os = "linux")]
pub mod processes;
pub mod programs;
pub mod raw_service;
mod reports;
pub mod shop;
pub mod tls_server;
mod wait;

pub use reports::{report, report_over_time, report_text, situation};
pub use wait::wait_for;
