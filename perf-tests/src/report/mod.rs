//! From evidence to a judgement, to files.

mod environment;
mod evidence;
mod files;
mod load;
mod segments;
mod store;
mod timeline;

pub(crate) use environment::environment;
pub(crate) use evidence::{Evidence, exit_code, judge, without_problems};
pub(crate) use files::{FileError, prepare_folder, write, write_outcome};
pub(crate) use load::{add_generator, load_problems, plan_of};
pub(crate) use store::{QueryError, Store};
pub(crate) use timeline::{histogram_log, timeline_of};
