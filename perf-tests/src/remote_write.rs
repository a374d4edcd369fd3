//! Prometheus remote write: snapshots become series, series become requests, in version 2.0 of the protocol where the receiver speaks
//! it, else 1.0.
//!
//! The protocol: <https://prometheus.io/docs/specs/prw/remote_write_spec/>,
//! <https://prometheus.io/docs/specs/prw/remote_write_spec_2_0/>.

mod backoff;
mod client;
mod message;
mod native;
pub mod proto;
pub mod proto2;
mod pusher;
mod series;
mod sift;

pub use client::{Client, WriteError};
pub use message::{Entry, Value, Version, encode};
pub use native::Native;
pub use pusher::{GiveUp, Pusher, Pushes};
pub use series::{Identity, Series, SeriesLabels, series};
