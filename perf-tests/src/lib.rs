//! Load generation and measurement.
//!
//! A scenario is a Rust test in `tests/load/`, in a file of its name. It declares its endpoints, a
//! load and one iteration. In that folder, the function has the attributes `#[test]` and
//! `#[ignore = "load scenario: run with cargo xtask perf"]`.
//!
//! ```no_run
//! use std::process::ExitCode;
//! use std::time::Duration;
//!
//! use monitoring::endpoint::Method;
//! use monitoring::services::stock_ai::{GET_NEWS, JOIN_ROOM, STOCK_AI};
//! use perf_tests::{Scenario, Vu, constant_vus};
//! use serde::{Deserialize, Serialize};
//! use serde_json::json;
//!
//! #[derive(Serialize, Deserialize)]
//! struct Room {
//!     code: String,
//! }
//!
//! /// Runs once before the load. All virtual users receive the room.
//! async fn open_room(vu: &mut Vu) -> anyhow::Result<Room> {
//!     let teacher = json!({ "name": "Teacher" });
//!     Ok(vu.unjudged(Method::Post, "/api/multiplayer/rooms").json(&teacher).send().await?.json()?)
//! }
//!
//! fn students() -> ExitCode {
//!     Scenario::new("students", &STOCK_AI)
//!         .exercises(&[JOIN_ROOM, GET_NEWS])
//!         .load(constant_vus(10, Duration::from_secs(30)).warm_up(Duration::from_secs(5)))
//!         .setup(open_room)
//!         .run(async |vu: &mut Vu, room: &Room| {
//!             let student = json!({ "name": format!("Student {}", vu.iteration_name()) });
//!             vu.request(JOIN_ROOM).path("code", &room.code).json(&student).send().await?;
//!             vu.request(GET_NEWS)
//!                 .query("day", 1)
//!                 .check("has news", |response| !response.body().is_empty())
//!                 .send()
//!                 .await?;
//!             vu.think(Duration::from_millis(100), Duration::from_millis(300)).await;
//!             Ok(())
//!         })
//!         .assert_slos()
//! }
//! ```
//!
//! `cargo xtask perf students` runs it. Objectives are not in the scenario: each endpoint has its
//! own in the catalogue of its service.
//!
//! The modules, in reading order:
//!
//! - [`scenario`]: the author's API: endpoints, a load, and one iteration.
//! - `run`: one run from its settings to its report. `settings` reads them from the environment.
//! - [`plan`]: the load as a value, before anything runs. [`plan::executor`] has k6's six
//!   executors.
//! - [`engine`]: runs the plan's virtual users on worker threads.
//! - [`agents`]: several processes that make one load together.
//! - [`data`]: rows of files, secrets and tokens for its iterations.
//! - [`http`]: sends the requests and reads the responses.
//! - [`measure`]: folds each sample once into counts, and takes snapshots of them.
//! - [`remote_write`], [`progress`], [`report`]: read only these snapshots.
//! - `signals`, `clock`: inputs of a run from outside.

pub mod scenario;

mod run;

pub mod agents;

mod settings;
mod signals;

pub mod plan;

pub mod data;
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
pub use scenario::{Scenario, ScenarioResult};
