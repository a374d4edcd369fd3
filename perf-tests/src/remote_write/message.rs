//! Encodes the series of a push in either version of the protocol.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use monitoring::metric::{Metric, MetricDescription, MetricKind};
use prost::Message as _;
use reqwest::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};

use super::native_histogram::NativeHistogram;
use super::wire_v1::{self, Label, MetricMetadata, MetricType, STALE_BITS, WriteRequest};
use super::wire_v2;

/// A version of the protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    /// 1.0, which every receiver supports.
    One,
    /// 2.0, in which a receiver reports how many samples it stored.
    Two,
}

impl Version {
    pub fn headers(self) -> HeaderMap {
        let (content_type, number) = match self {
            Self::One => ("application/x-protobuf", "0.1.0"),
            Self::Two => ("application/x-protobuf;proto=io.prometheus.write.v2.Request", "2.0.0"),
        };
        let headers = [
            (CONTENT_ENCODING, HeaderValue::from_static("snappy")),
            (CONTENT_TYPE, HeaderValue::from_static(content_type)),
            (HeaderName::from_static("x-prometheus-remote-write-version"), HeaderValue::from_static(number)),
        ];
        headers.into_iter().collect()
    }
}

/// Labels of a series, including its name, sorted by label name.
pub type SeriesLabels = Arc<[Label]>;

#[derive(Debug, Clone, PartialEq)]
pub enum SampleValue {
    Number(f64),
    Native(Arc<NativeHistogram>),
}

impl SampleValue {
    pub(super) const STALE: Self = Self::Number(f64::from_bits(STALE_BITS));

    /// The value before anything was counted.
    pub(super) fn zero(&self) -> Self {
        match self {
            Self::Number(_) => Self::Number(0.0),
            Self::Native(_) => Self::Native(Arc::new(NativeHistogram::empty())),
        }
    }
}

/// A series and some of its samples, the oldest first.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    pub labels: SeriesLabels,
    /// Kind, unit and help of its metric.
    pub description: MetricDescription,
    /// Milliseconds since 1970, and the value then.
    pub points: Vec<(i64, SampleValue)>,
}

impl Entry {
    /// Whether it has only stale markers, which end the series.
    fn is_end(&self) -> bool {
        self.points
            .iter()
            .all(|(_, value)| matches!(value, SampleValue::Number(value) if value.to_bits() == STALE_BITS))
    }

    fn numbers(&self) -> impl Iterator<Item = (i64, f64)> {
        self.points.iter().filter_map(|(at, value)| match value {
            SampleValue::Number(value) => Some((*at, *value)),
            SampleValue::Native(_) => None,
        })
    }

    fn natives(&self) -> impl Iterator<Item = (i64, &NativeHistogram)> {
        self.points.iter().filter_map(|(at, value)| match value {
            SampleValue::Number(_) => None,
            SampleValue::Native(native) => Some((*at, &**native)),
        })
    }
}

fn name(labels: &SeriesLabels) -> &str {
    labels.iter().find(|label| label.name == "__name__").map_or("", |label| &label.value)
}

/// Formats a series as PromQL writes it.
pub(super) fn shown(labels: &SeriesLabels) -> String {
    let others = labels.iter().filter(|label| label.name != "__name__");
    let others: Vec<_> = others.map(|label| format!("{}={:?}", label.name, label.value)).collect();
    format!("{}{{{}}}", name(labels), others.join(","))
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Size {
    pub(super) samples: u64,
    pub(super) histograms: u64,
}

pub(super) fn size(entries: &[Entry]) -> Size {
    let count = |numbers: usize| numbers as u64;
    Size {
        samples: count(entries.iter().map(|entry| entry.numbers().count()).sum()),
        histograms: count(entries.iter().map(|entry| entry.natives().count()).sum()),
    }
}

/// Encodes a request's body: protobuf in one snappy block. `started` is the time at which all
/// counters were zero, in milliseconds since 1970.
///
/// # Errors
/// If the message is longer than snappy supports, 4 GiB.
pub fn encode(entries: &[Entry], version: Version, started: i64) -> Result<Vec<u8>, snap::Error> {
    let message = match version {
        Version::One => message_v1(entries).encode_to_vec(),
        Version::Two => message_v2(entries, started).encode_to_vec(),
    };
    snap::raw::Encoder::new().compress_vec(&message)
}

const fn kind(description: MetricDescription) -> MetricType {
    match description.kind {
        MetricKind::Counter => MetricType::Counter,
        MetricKind::Gauge => MetricType::Gauge,
        MetricKind::Histogram => MetricType::Histogram,
    }
}

fn message_v1(entries: &[Entry]) -> WriteRequest {
    let mut families = BTreeMap::new();
    let timeseries = entries.iter().map(|entry| {
        if !entry.is_end() {
            families.entry(Metric::family(name(&entry.labels), entry.description.kind)).or_insert(entry.description);
        }
        wire_v1::TimeSeries {
            labels: entry.labels.to_vec(),
            samples: entry.numbers().map(|(timestamp, value)| wire_v1::Sample { value, timestamp }).collect(),
            histograms: entry.natives().map(|(at, native)| native.to_message(at, 0)).collect(),
        }
    });
    let timeseries = timeseries.collect();
    let metadata = families.into_iter().map(|(name, description)| MetricMetadata {
        kind: kind(description).into(),
        metric_family_name: name.to_owned(),
        help: description.help.to_owned(),
        unit: description.unit.to_owned(),
    });
    WriteRequest { timeseries, metadata: metadata.collect() }
}

/// All strings of a message, each once.
struct Symbols<'a> {
    known: HashMap<&'a str, u32>,
    all: Vec<String>,
}

impl<'a> Symbols<'a> {
    fn new() -> Self {
        // The specification requires the empty string at index 0.
        Self { known: HashMap::from([("", 0)]), all: vec![String::new()] }
    }

    fn number(&mut self, text: &'a str) -> u32 {
        *self.known.entry(text).or_insert_with(|| {
            self.all.push(text.to_owned());
            u32::try_from(self.all.len() - 1).unwrap_or(u32::MAX)
        })
    }
}

fn message_v2(entries: &[Entry], started: i64) -> wire_v2::Request {
    let mut symbols = Symbols::new();
    let mut timeseries = Vec::with_capacity(entries.len());
    for entry in entries {
        let MetricDescription { kind: metric_kind, unit, help } = entry.description;
        let start = |at: i64| if metric_kind == MetricKind::Gauge || at <= started { 0 } else { started };
        let samples = entry.numbers().map(|(timestamp, value)| {
            let start_timestamp = if value.is_nan() { 0 } else { start(timestamp) };
            wire_v2::Sample { value, timestamp, start_timestamp }
        });
        timeseries.push(wire_v2::TimeSeries {
            labels_refs: entry
                .labels
                .iter()
                .flat_map(|label| [symbols.number(&label.name), symbols.number(&label.value)])
                .collect(),
            samples: samples.collect(),
            histograms: entry.natives().map(|(at, native)| native.to_message(at, start(at))).collect(),
            metadata: (!entry.is_end()).then(|| wire_v2::Metadata {
                kind: kind(entry.description).into(),
                help_ref: symbols.number(help),
                unit_ref: symbols.number(unit),
            }),
        });
    }
    wire_v2::Request { symbols: symbols.all, timeseries }
}

#[cfg(test)]
mod tests;
