//! How load is made and measured.
//!
//! The modules stand in the order in which data flows: an author writes a [`scenario`]; its load becomes a [`plan`]
//! before anything runs; the [`engine`] runs the plan's virtual users, whose requests go out by [`http`]; each is a
//! sample, folded once by [`measure`]; snapshots of that fan out to [`remote_write`], [`progress`] and [`report`].

mod clock;
mod host;
mod run;
mod settings;

pub mod engine;
pub mod http;
pub mod measure;
pub mod plan;
pub mod progress;
pub mod remote_write;
pub mod report;
pub mod scenario;

pub use engine::Think;
pub use engine::vu::Vu;
pub use plan::{
    constant_arrival_rate, constant_vus, per_vu_iterations, ramping_arrival_rate, ramping_vus, shared_iterations,
};
pub use scenario::{Finished, Scenario};
