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
//! use perf_tests::{Scenario, Vu, constant_vus};
//! use serde::{Deserialize, Serialize};
//! use serde_json::json;
//! // In your scenario: the catalogue of your service, in monitoring::services.
//! use test_support::shop::{ADD_ITEM, GET_OFFERS, SHOP};
//!
//! #[derive(Serialize, Deserialize)]
//! struct Cart {
//!     id: String,
//! }
//!
//! /// Runs once before the load. All virtual users receive the cart.
//! async fn open_cart(vu: &mut Vu) -> anyhow::Result<Cart> {
//!     let owner = json!({ "name": "Ada" });
//!     Ok(vu.unjudged(Method::Post, "/carts").json(&owner).send().await?.json()?)
//! }
//!
//! fn customers() -> ExitCode {
//!     Scenario::new("customers", &SHOP)
//!         .exercises(&[ADD_ITEM, GET_OFFERS])
//!         .load(constant_vus(10, Duration::from_secs(30)).warm_up(Duration::from_secs(5)))
//!         .setup(open_cart)
//!         .run(async |vu: &mut Vu, cart: &Cart| {
//!             let item = json!({ "name": format!("Item {}", vu.iteration_name()) });
//!             vu.request(ADD_ITEM).path("cart", &cart.id).json(&item).send().await?;
//!             vu.request(GET_OFFERS)
//!                 .query("day", 1)
//!                 .check("has offers", |response| !response.body().is_empty())
//!                 .send()
//!                 .await?;
//!             vu.think(Duration::from_millis(100), Duration::from_millis(300)).await;
//!             Ok(())
//!         })
//!         .assert_slos()
//! }
//! ```
//!
//! `cargo xtask perf customers` runs it. Objectives are not in the scenario: each endpoint has its
//! own in the catalogue of its service.
//!
//! The modules, in reading order:
//!
//! - [`scenario`]: the author's API: endpoints, a load, and one iteration.
//! - `run`: one run from its settings to its report. `env_variables` reads its environment.
//! - [`plan`]: the load as a value, before anything runs. Its `executor` has k6's six executors.
//! - [`engine`]: runs the plan's virtual users on worker threads.
//! - `agents`: several processes that make one load together.
//! - [`data`]: rows of files, secrets and tokens for its iterations.
//! - `http`: sends the requests and reads the responses.
//! - `measure`: folds each sample once into counts, and takes snapshots of them.
//! - `remote_write`, `progress`, `evidence`, `findings`: read only these snapshots.
//! - `signals`, `clock`: inputs of a run from outside.
//! - `terminal`: prints lines of a run.
//!
//! Modules that are public only for benchmarks, fuzzing and tests of whole runs are hidden here.

pub mod scenario;

mod run;

#[doc(hidden)]
pub mod agents;

mod env_variables;
mod signals;
mod terminal;

pub mod plan;

pub mod data;
pub mod engine;
#[doc(hidden)]
pub mod http;

#[doc(hidden)]
pub mod measure;

mod evidence;
mod findings;
mod progress;
#[doc(hidden)]
pub mod remote_write;

mod clock;

pub use engine::Think;
pub use engine::vu::Vu;
pub use plan::{
    constant_arrival_rate, constant_vus, per_vu_iterations, ramping_arrival_rate, ramping_vus, shared_iterations,
};
pub use scenario::{Scenario, ScenarioResult};
