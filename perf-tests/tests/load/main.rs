//! Load scenarios, one file each. They are compiled and linted always, and run by `cargo xtask perf`, or with
//! `cargo test -p perf-tests --test load -- --ignored <scenario>`.

mod basic;
mod endurance;
mod game;
mod game_session;
mod progressive;
mod smoke;
