//! The machine that a command runs on: processes, ports, git, and what killed commands left.

pub(crate) mod checkout;
pub(crate) mod child;
pub(crate) mod cleanup;
pub(crate) mod clock;
pub(crate) mod files;
pub(crate) mod git;
pub(crate) mod http;
pub(crate) mod owner;
pub(crate) mod ports;
pub(crate) mod processes;
pub(crate) mod target_request;
pub(crate) mod terminal;
pub(crate) mod workspace;
