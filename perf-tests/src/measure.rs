//! Samples, folded exactly once into counts and histograms.
//!
//! Each worker has a [`Recorder`] of its own. What it holds is a [`Snapshot`]; those of all workers merge into one, and
//! the verdict, remote write, the progress display and the report read that and nothing else.

mod recorder;
mod sample;
mod timeline;

pub use perf_report::evidence::{
    Bounds, Buckets, CheckCounts, EndpointCounts, GeneratorHealth, IterationCounts, Latency, Layout, PartCounts,
    RequestCounts, SegmentCounts, ServerTimes, Snapshot, Spread, StatusCounts, ThreadTimes, bounds,
};
pub(crate) use recorder::IterationEnd;
pub use recorder::{LATE_AFTER, Recorder, SampleKey, Segment, Segments};
pub use sample::{DurationParts, Failure, Sample};
pub use timeline::{Section, TimelineError, TimelineRecorder};
