//! The machine that a command runs on: its signals, file locks, and what `/proc` says about it and its processes.

pub mod lock;
pub mod proc;
pub mod signals;

pub use lock::{Lock, LockError};
