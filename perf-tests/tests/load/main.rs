//! Load scenarios, one per file. They are always compiled and linted. Run them with `cargo xtask
//! perf`, or with `cargo test --profile dev --test load -- --ignored <scenario>`.

mod basic;
mod endurance;
mod game;
mod game_session;
mod progressive;
mod smoke;
