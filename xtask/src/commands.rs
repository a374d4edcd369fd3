//! The subcommands, a file each: what a command takes, and what it does.

pub(crate) mod archive;
pub(crate) mod bench;
pub(crate) mod ci;
pub(crate) mod codegen;
pub(crate) mod comment;
pub(crate) mod compare;
pub(crate) mod dashboards;
pub(crate) mod export;
pub(crate) mod new;
pub(crate) mod report;
pub(crate) mod runs;
pub(crate) mod stack;
