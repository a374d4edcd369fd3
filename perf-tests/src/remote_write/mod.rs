//! Prometheus remote write, version 1.0: snapshots become series, series become requests.
//!
//! The protocol: <https://prometheus.io/docs/specs/prw/remote_write_spec/>.

mod client;
mod proto;
mod pusher;
mod series;

pub use client::{Client, WriteError};
pub use proto::{Label, Sample, TimeSeries, WriteRequest, encode};
pub use pusher::{Pusher, Pushes};
pub use series::{Identity, Series, SeriesLabels, series};
