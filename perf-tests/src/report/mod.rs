//! From evidence to a judgement, to files.

mod evidence;
mod files;
mod store;

pub(crate) use evidence::{Evidence, exit_code, judge, load_problems, without_problems};
pub(crate) use files::{FileError, prepare_folder, write, write_outcome};
pub(crate) use store::Store;
