//! Prometheus remote write: snapshots become series, series become requests, in version 2.0 of the protocol where the receiver speaks
//! it, else 1.0.
//!
//! The protocol: <https://prometheus.io/docs/specs/prw/remote_write_spec/>,
//! <https://prometheus.io/docs/specs/prw/remote_write_spec_2_0/>.

mod backoff;
mod client;
mod message;
mod native_histogram;
mod pusher;
mod series;
pub mod wire_v1;
pub mod wire_v2;

pub use client::{Client, WriteError};
pub use message::{Entry, SampleValue, SeriesLabels, Version, encode};
pub use native_histogram::NativeHistogram;
pub use pusher::{GiveUp, Pusher, Pushes};
pub use series::{Identity, SeriesValue, series};
