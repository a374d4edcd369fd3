//! What tests share: fake HTTP servers in the test's own process, and other people's servers as processes.
//!
//! Only ever a dev-dependency. A helper that fails panics, and so fails its test.

pub mod fake_server;
pub mod programs;
