//! Everything in a run's evidence except its counts, and the run's files.

mod environment;
mod files;
mod load;
mod store;
mod timeline;

pub(crate) use environment::environment;
pub(crate) use files::{FileError, prepare_folder, publish, write_histograms, write_json, write_outcome};
pub(crate) use load::{generator, part_results, phase_times};
pub(crate) use store::{MeasuredCount, RunStore, STORE_LATENESS};
pub(crate) use timeline::{histogram_log, timeline};
