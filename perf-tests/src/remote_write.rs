//! Prometheus remote write. Snapshots become series, and series become requests. Version 2.0 of the
//! protocol is used if the receiver supports it, otherwise 1.0.
//!
//! Specifications: <https://prometheus.io/docs/specs/prw/remote_write_spec/>,
//! <https://prometheus.io/docs/specs/prw/remote_write_spec_2_0/>.

mod backoff;
mod client;
mod message;
mod native_histogram;
mod pusher;
mod series;
pub mod wire_v1;
pub mod wire_v2;

pub(crate) use client::{Client, PushError};
pub use message::{Entry, SampleValue, SeriesLabels, Version, encode};
pub use native_histogram::NativeHistogram;
pub(crate) use pusher::{LastPushDeadline, Pusher, Pushes};
pub use series::{SeriesIdentity, SeriesValue, series};
