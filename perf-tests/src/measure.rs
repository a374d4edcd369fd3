//! Folds each sample exactly once into counts and histograms.
//!
//! Each worker has its own [`Recorder`], which holds a [`Snapshot`]. The snapshots of all workers
//! merge into one. The verdict, remote write, the progress display and the report read only that.

mod longest_requests;
mod pause;
mod pulse;
mod recorder;
mod sample;
mod slow_times;
mod timeline;

pub(crate) use longest_requests::{LongRequest, LongestRequests};
pub(crate) use pause::{Pause, STANDSTILL};
pub use perf_report::evidence::{
    AgentHealth, Bounds, Buckets, CheckCounts, DurationHistogram, EndpointCounts, FailedRequest, FailureDetail,
    GeneratorHealth, IterationCounts, Latency, Layout, MeasureCounts, PartCounts, RequestCounts, SegmentCounts,
    Selection, ServerTimes, Snapshot, SpanCounts, StatusCounts, ThreadTimes, bounds,
};
pub(crate) use pulse::{LaneSum, Pulse, PulseSum};
pub(crate) use recorder::LATE_AFTER;
pub use recorder::Recorder;
pub(crate) use recorder::{IterationEnd, SegmentedKey};
pub use sample::{DurationParts, Failure, Sample, SampleKey, Segments};
pub(crate) use slow_times::{SHORTEST_STALL, SlowTimes};
pub(crate) use timeline::{RecordedTimeline, Section, TimelineError, TimelineRecorder};
