//! Samples, folded exactly once into counts and histograms.
//!
//! Each worker has a [`Recorder`] of its own. What it holds is a [`Snapshot`]; those of all workers merge into one, and
//! the verdict, remote write, the progress display and the report read that and nothing else.

mod histogram;
mod recorder;
mod sample;
mod snapshot;

pub use histogram::{Buckets, Latency};
pub(crate) use recorder::IterationEnd;
pub use recorder::Recorder;
pub use sample::{Failure, Sample};
pub use snapshot::{EndpointCounts, IterationCounts, RequestCounts, Snapshot, StatusCounts};
