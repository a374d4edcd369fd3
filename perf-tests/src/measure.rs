//! Samples, folded exactly once into counts and histograms.
//!
//! Each worker has a [`Recorder`] of its own. What it holds is a [`Snapshot`]; those of all workers merge into one, and
//! the verdict, remote write, the progress display and the report read that and nothing else.

mod counts;
mod histogram;
mod recorder;
mod sample;
mod snapshot;
mod timeline;

pub use counts::{
    CheckCounts, EndpointCounts, Health, IterationCounts, RequestCounts, SegmentCounts, SegmentKey, Segments,
    ServerTimes, StatusCounts, ThreadTimes,
};
pub use histogram::{Bounds, Buckets, Latency, Spread, bounds};
pub(crate) use recorder::IterationEnd;
pub use recorder::{LATE_AFTER, Recorder, SampleKey};
pub use sample::{DurationParts, Failure, Sample};
pub use snapshot::{Layout, PartCounts, Snapshot};
pub use timeline::{Section, TimelineError, TimelineRecorder};
