//! From evidence to a judgement, to files.

mod evidence;
mod files;
mod load;
mod segments;
mod store;

pub(crate) use evidence::{Evidence, exit_code, judge, without_problems};
pub(crate) use files::{FileError, prepare_folder, write, write_outcome};
pub(crate) use load::{add_generator, load_problems, plan_of};
pub(crate) use store::{QueryError, Store};
