//! The machine that a command runs on: signals, file locks, whole files, and `/proc` data about the
//! machine and its processes. Also suggestions for mistyped names.

pub mod control_group;
pub mod files;
pub mod lock;
pub mod machine;
pub mod nearest;
pub mod proc;
pub mod signals;

pub use lock::{Lock, LockError};
