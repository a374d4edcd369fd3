//! How load is made and measured. The modules, in reading order:
//!
//! - [`scenario`]: what an author writes: endpoints, a load, and one iteration.
//! - `run`: one run from its settings to its report. `settings` reads them from the environment.
//! - [`plan`]: the load as a value, before anything runs; [`plan::executor`] has k6's six executors.
//! - [`engine`]: runs the plan's virtual users on worker threads.
//! - [`http`]: sends their requests and reads the responses.
//! - [`measure`]: folds each sample once into counts, of which there are snapshots.
//! - [`remote_write`], [`progress`], [`report`]: read these snapshots and nothing else.
//! - `signals`, `clock`: what reaches a run from outside.

pub mod scenario;

mod run;
mod settings;
mod signals;

pub mod plan;

pub mod engine;
pub mod http;

pub mod measure;

pub mod progress;
pub mod remote_write;
pub mod report;

mod clock;

pub use engine::Think;
pub use engine::vu::Vu;
pub use plan::{
    constant_arrival_rate, constant_vus, per_vu_iterations, ramping_arrival_rate, ramping_vus, shared_iterations,
};
pub use scenario::{Finished, Scenario};
