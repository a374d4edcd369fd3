//! The subcommands, one file each, with their arguments.

pub(crate) mod archive;
pub(crate) mod bench;
pub(crate) mod ci;
pub(crate) mod codegen;
pub(crate) mod comment;
pub(crate) mod compare;
pub(crate) mod completions;
pub(crate) mod dashboards;
pub(crate) mod export;
pub(crate) mod image;
pub(crate) mod merge;
pub(crate) mod new;
pub(crate) mod perf;
pub(crate) mod report;
pub(crate) mod runs;
pub(crate) mod stack;
