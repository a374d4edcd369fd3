//! Support for tests: fake HTTP servers in the test's process, and real servers as processes.
//!
//! This crate is only a dev-dependency. A function that fails panics, and so fails its test.

pub mod backend_text;
pub mod counted_backend;
pub mod fake_proxy;
pub mod fake_server;
pub mod objectives;
pub mod programs;
mod reports;
pub mod shop;

pub use reports::{report, report_over_time};
