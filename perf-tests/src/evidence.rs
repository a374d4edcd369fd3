//! Everything in a run's evidence except its counts, and the run's files.

mod environment;
mod files;
mod load;
mod store;
mod target;
mod timeline;

pub(crate) use environment::environment;
pub(crate) use files::{FileError, prepare_folder, publish, write_histograms, write_json, write_outcome};
pub(crate) use load::{
    MAX_SKEW, agent_problems, generator, generator_warnings, load_problems, part_results, phase_times,
    stopped_by_signal,
};
pub(crate) use store::{MeasuredCount, RunStore};
pub(crate) use target::{redirect_findings, target_findings};
pub(crate) use timeline::{histogram_log, timeline};
