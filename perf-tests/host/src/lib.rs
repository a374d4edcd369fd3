//! The machine that a command runs on: signals, file locks, and `/proc` data about the machine and
//! its processes.

pub mod lock;
pub mod proc;
pub mod signals;

pub use lock::{Lock, LockError};
