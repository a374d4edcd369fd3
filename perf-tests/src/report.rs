//! What a run's evidence is made from besides counts, and its files.

mod environment;
mod files;
mod load;
mod store;
mod timeline;

pub(crate) use environment::environment;
pub(crate) use files::{FileError, leave, prepare_folder, publish, write_outcome};
pub(crate) use load::{generator, generator_warnings, load_problems, plan_result};
pub(crate) use store::RunStore;
pub(crate) use timeline::{histogram_log, timeline};
