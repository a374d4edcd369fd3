//! Recorded runs: their reports are found, read, written, and compared.

pub(crate) mod recorded;
pub(crate) mod report_files;
pub(crate) mod report_index;
pub(crate) mod reports;
