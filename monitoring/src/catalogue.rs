//! A service as a value: its endpoints, its objectives, and the checks that they are consistent.
//!
//! The services themselves are in `services/`.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::backend_mapping::BackendMapping;
use crate::backend_slo::{BackendSlo, Cache};
use crate::endpoint::{Endpoint, Host};
use crate::label;
use crate::measure::{self, Measure, MeasureKind, Reading};
use crate::metric::{self, LADDER_MS, Metric};
use crate::phase::Phases;
use crate::ratio::Ratio;
use crate::segment::{JudgedSegment, MAX_TAGS};
use crate::slo::{ObjectiveFlaw, Sli, Slo};
use crate::span::Span;

/// A service under test: the single source of metrics, rules, alerts and dashboards.
///
/// ```
/// # use std::time::Duration;
/// # use monitoring::backend_mapping::BackendMapping;
/// # use monitoring::catalogue::Catalogue;
/// # use monitoring::endpoint::{Endpoint, Method};
/// # use monitoring::slo::Slo;
/// const OFFERS: Endpoint = Endpoint::new("offers", "Offers", Method::Get, "/offers");
/// const SHOP: Catalogue = Catalogue {
///     service: "shop",
///     title: "Shop",
///     endpoints: &[OFFERS],
///     critical: &[OFFERS],
///     slos: &[Slo::p95(OFFERS, Duration::from_millis(300))],
///     measures: &[],
///     mapping: BackendMapping::FASTAPI,
///     backend_slos: &[],
///     caches: &[],
/// };
/// assert_eq!(SHOP.validate(), Ok(()));
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Catalogue {
    /// Lower-case words joined by dashes. File names and the dashboard's UID are made from it.
    pub service: &'static str,
    /// Title of the dashboard.
    pub title: &'static str,
    /// All endpoints, in the order of tables and panels.
    pub endpoints: &'static [Endpoint],
    /// Endpoints whose latency is shown at the top of the dashboard.
    pub critical: &'static [Endpoint],
    /// All objectives on requests, in the order of tables.
    pub slos: &'static [Slo],
    /// The scenarios' own measures.
    pub measures: &'static [Measure],
    /// Names of the metrics with which the backend counts its requests.
    pub mapping: BackendMapping,
    /// Objectives on the backend's own metrics.
    pub backend_slos: &'static [BackendSlo],
    /// Caches of the backend. Their hit rate is read after a run.
    pub caches: &'static [Cache],
}

/// An inconsistency in a catalogue.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[expect(missing_docs, reason = "each message says what its variant means")]
pub enum CatalogueError {
    #[error(
        "name {0:?} is invalid: start with a lower-case letter and use at most {max} lower-case \
         letters, digits and underscores",
        max = label::MAX_NAME
    )]
    Name(&'static str),
    #[error("endpoint {0:?} expects a status that no response has: use statuses from 200 to 999")]
    Statuses(&'static str),
    #[error(
        "path {0:?} is invalid: start with one slash, and use only printable ASCII characters without spaces and '#'"
    )]
    Path(&'static str),
    #[error(
        "segment {segment:?} of path {path:?} is not a value in braces: write {braces} for a value that scenarios give"
    )]
    PathValue { path: &'static str, segment: &'static str, braces: String },
    #[error("host {0:?} is invalid: start with a lower-case letter and use lower-case letters, digits and underscores")]
    Host(&'static str),
    #[error("{0:?} is defined twice in the catalogue: remove or rename one")]
    Duplicate(String),
    #[error("{0} has the objective {1:?} twice in the catalogue: remove one, or change its limit, phases or part")]
    SameLimit(&'static str, String),
    #[error("endpoint {0:?} has an objective or is critical but is missing in `endpoints`: add it there")]
    Unknown(&'static str),
    #[error("objective {0:?} cannot be judged: {1}")]
    Vacuous(String, ObjectiveFlaw),
    #[error("endpoint {0:?} has a method that no request can have: use a token such as \"PURGE\", and not CONNECT")]
    Method(&'static str),
    #[error("check name {0:?} cannot be used: give it 1 to {max} bytes without control characters", max = label::MAX_VALUE)]
    Check(&'static str),
    #[error(
        "measure {0:?} has an objective, but `measures` does not have it with that kind: add it there. Slo::trend is \
         for trends, Slo::rate_above for rates, Slo::counter for counters and Slo::gauge for gauges"
    )]
    Measure(&'static str),
    #[error(
        "part {0:?} of an objective cannot be used: give it 1 to {max} bytes without control characters",
        max = label::MAX_VALUE
    )]
    Part(&'static str),
    #[error(
        "objective {0:?} cannot be judged in this segment or tag: give a segment's name and a tag's value 1 to {max} \
         bytes without control characters. A segment's name has no '=', and a tag's name is a label name. \
         An objective on throughput has neither, because they have no planned time",
        max = label::MAX_VALUE
    )]
    Segment(String),
    #[error("{0} tags with an objective are too many: use at most {MAX_TAGS}, since each has series of its own")]
    TooManyTags(usize),
    #[error("objective {0:?} cannot be judged: a gauge has one last value, and none for each segment or phase")]
    Gauge(String),
    #[error(
        "name {0:?} is reserved: choose another. Reserved are all, http_req, measure_… and segment_…, and for a measure \
         the names of endpoints"
    )]
    Reserved(&'static str),
    #[error("the PromQL of {0} is invalid: {1}")]
    PromQl(String, String),
    #[error("service name {0:?} is invalid: use lower-case letters, digits and dashes")]
    Service(&'static str),
}

impl Catalogue {
    /// Finds an endpoint by name.
    pub fn endpoint(&self, name: &str) -> Option<&'static Endpoint> {
        self.endpoints.iter().find(|endpoint| endpoint.name == name)
    }

    /// The hosts of its endpoints beside the main target, each once, in the order of the endpoints.
    pub fn hosts(&self) -> Vec<Host> {
        let mut hosts = Vec::new();
        for host in self.endpoints.iter().filter_map(|endpoint| endpoint.host) {
            if !hosts.contains(&host) {
                hosts.push(host);
            }
        }
        hosts
    }

    /// The main latency objective of an endpoint: [`Catalogue::is_main`].
    pub fn latency_slo(&self, endpoint: &Endpoint) -> Option<&'static Slo> {
        self.latency_slos(endpoint).find(|slo| self.is_main(slo))
    }

    /// The latency objective by which the requests of an endpoint are judged one by one: the main
    /// one or, if each is only for a part, a segment or a tag, the first.
    pub fn first_latency_slo(&self, endpoint: &Endpoint) -> Option<&'static Slo> {
        self.latency_slo(endpoint).or_else(|| self.latency_slos(endpoint).next())
    }

    /// All latency objectives of an endpoint.
    pub fn latency_slos(&self, endpoint: &Endpoint) -> impl Iterator<Item = &'static Slo> {
        self.slos.iter().filter(move |slo| slo.is_latency() && slo.endpoint() == Some(endpoint))
    }

    /// Whether the objective is the main one on its metric. Its ID, rule and alert have the short
    /// names. It is the p95 in the default phases or, without one, the first.
    pub fn is_main(&self, slo: &Slo) -> bool {
        let metric = slo.metric_name();
        let is_whole = |slo: &Slo| slo.part.is_none() && slo.segment.is_none();
        let on_metric = self.slos.iter().filter(|other| is_whole(other) && other.metric_name() == metric);
        let rank = |slo: &&Slo| {
            let is_p95 = slo.threshold().is_none() || slo.objective == Ratio::percent(95);
            (slo.phases != Phases::AFTER_WARM_UP, !is_p95)
        };
        on_metric.min_by_key(rank) == Some(slo)
    }

    /// ID of an objective in reports. The main objective on a metric has the name of the metric,
    /// such as "add_item_latency". Others add their limit: "add_item_latency:p99_under_1000ms".
    pub fn slo_id(&self, slo: &Slo) -> String {
        let metric = slo.metric_name();
        if self.is_main(slo) { metric } else { format!("{metric}:{}{}", slo.name_of_limit(), slo.name_of_scope()) }
    }

    /// Finds an objective on requests by [`Catalogue::slo_id`].
    pub fn slo(&self, id: &str) -> Option<&'static Slo> {
        self.slos.iter().find(|slo| self.slo_id(slo) == id)
    }

    /// Spans that are recorded for an endpoint because an objective limits them.
    pub fn spans_on_demand(&self, endpoint: &Endpoint) -> Vec<Span> {
        let of_endpoint = self.slos.iter().filter(|slo| slo.endpoint() == Some(endpoint));
        let spans: BTreeSet<_> = of_endpoint.filter_map(Slo::limited_span).filter(|span| span.is_on_demand()).collect();
        spans.into_iter().collect()
    }

    /// Segments with an objective, by name and number, and then tags, ascending.
    pub fn judged_segments(&self) -> Vec<JudgedSegment> {
        let segments: BTreeSet<_> = self.slos.iter().filter_map(|slo| slo.segment).collect();
        segments.into_iter().collect()
    }

    /// Endpoints with a success objective. Only these have the metric `<endpoint>_success`.
    pub fn with_success(&self) -> impl Iterator<Item = &'static Endpoint> {
        let has_success = |endpoint: &&Endpoint| {
            self.slos.iter().any(|slo| matches!(&slo.sli, Sli::Success { endpoint: judged } if judged == *endpoint))
        };
        self.endpoints.iter().filter(has_success)
    }

    /// Finite upper bounds of the latency histograms, ascending. Each threshold of the catalogue is
    /// one of them, so that objectives are judged from exact counts.
    pub fn bucket_bounds(&self) -> Vec<Duration> {
        let thresholds = self.slos.iter().filter_map(Slo::threshold);
        let mut bounds: Vec<_> = LADDER_MS.iter().map(|&ms| Duration::from_millis(ms)).chain(thresholds).collect();
        bounds.sort_unstable();
        bounds.dedup();
        bounds
    }

    /// Finite upper bounds of trends, ascending. Each limit of the catalogue is one of them.
    pub fn measure_bounds(&self) -> Vec<Duration> {
        let limit = |slo: &Slo| match slo.sli {
            Sli::Measure { at_most, .. } => at_most,
            _ => None,
        };
        measure::bounds(self.slos.iter().filter_map(limit))
    }

    /// Checks names, duplicates, references and thresholds.
    ///
    /// # Errors
    /// The first violation.
    pub fn validate(&self) -> Result<(), CatalogueError> {
        let dashed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        let is_name = !self.service.is_empty() && self.service.chars().all(dashed);
        ensure(is_name, || CatalogueError::Service(self.service))?;
        self.validate_endpoints()?;
        for endpoint in self.critical.iter().chain(self.slos.iter().filter_map(Slo::endpoint)) {
            ensure(self.endpoints.contains(endpoint), || CatalogueError::Unknown(endpoint.name))?;
        }
        self.validate_measures()?;
        let tags = self.judged_segments().iter().filter(|it| matches!(it, JudgedSegment::Tagged(_))).count();
        ensure(tags <= MAX_TAGS, || CatalogueError::TooManyTags(tags))?;
        let mut limits = BTreeSet::new();
        for slo in self.slos {
            let wanted = match slo.sli {
                Sli::Measure { at_most: Some(_), .. } => Some(MeasureKind::Trend),
                Sli::Measure { at_most: None, .. } => Some(MeasureKind::Rate),
                Sli::Value { reading: Reading::Last, .. } => Some(MeasureKind::Gauge),
                Sli::Value { .. } => Some(MeasureKind::Counter),
                _ => None,
            };
            if let Some(measure) = slo.measure() {
                let is_known = self.measures.contains(measure) && Some(measure.kind) == wanted;
                ensure(is_known, || CatalogueError::Measure(measure.name))?;
            }
            let is_last = matches!(slo.sli, Sli::Value { reading: Reading::Last, .. });
            let is_whole = slo.segment.is_none() && slo.phases == Phases::AFTER_WARM_UP;
            ensure(!is_last || is_whole, || CatalogueError::Gauge(slo.describe()))?;
            if let Sli::Check { name } = slo.sli {
                ensure(label::check_value("check", name).is_ok(), || CatalogueError::Check(name))?;
            }
            if let Some(part) = slo.part {
                ensure(label::check_value("part", part).is_ok(), || CatalogueError::Part(part))?;
            }
            let is_usable = slo.segment.is_none_or(|segment| segment.is_usable() && !slo.is_per_second());
            ensure(is_usable, || CatalogueError::Segment(slo.describe()))?;
            slo.flaw().map_or(Ok(()), |flaw| Err(CatalogueError::Vacuous(self.slo_id(slo), flaw)))?;
            // Rules of checks must differ, too.
            let (kind, subject) = (slo.describe_kind(), slo.name_of_subject());
            let limit = format!("{subject}:{kind}_{}{}", slo.name_of_limit(), slo.name_of_scope());
            ensure(limits.insert(limit), || CatalogueError::SameLimit(slo.subject(), slo.describe()))?;
        }
        self.validate_backend()
    }

    fn validate_measures(&self) -> Result<(), CatalogueError> {
        let mut measures = BTreeSet::new();
        for measure in self.measures {
            ensure(label::is_metric_stem(measure.name), || CatalogueError::Name(measure.name))?;
            let is_taken = is_reserved(measure.name) || self.endpoint(measure.name).is_some();
            ensure(!is_taken, || CatalogueError::Reserved(measure.name))?;
            // A rate has a second series, which another measure's name may equal.
            let passed = (measure.kind == MeasureKind::Rate).then(|| Metric::measure_passed(measure).name);
            for series in [Metric::measure(measure).name].into_iter().chain(passed) {
                ensure(measures.insert(series), || CatalogueError::Duplicate(measure.name.to_owned()))?;
            }
        }
        Ok(())
    }

    fn validate_endpoints(&self) -> Result<(), CatalogueError> {
        let mut names = BTreeSet::new();
        for endpoint in self.endpoints {
            let &Endpoint { name, path, expected, .. } = endpoint;
            ensure(label::is_metric_stem(name), || CatalogueError::Name(name))?;
            ensure(!is_reserved(name), || CatalogueError::Reserved(name))?;
            let is_sent = |byte: u8| byte.is_ascii_graphic() && byte != b'#';
            let is_path = path.starts_with('/') && !path.starts_with("//") && path.bytes().all(is_sent);
            ensure(is_path, || CatalogueError::Path(path))?;
            validate_values(path)?;
            let is_possible = !expected.is_empty() && expected.iter().all(|statuses| statuses.is_possible());
            ensure(is_possible, || CatalogueError::Statuses(name))?;
            ensure(endpoint.method.is_valid(), || CatalogueError::Method(name))?;
            ensure(names.insert(name), || CatalogueError::Duplicate(name.to_owned()))?;
        }
        let mut names = BTreeSet::new();
        for host in self.hosts() {
            ensure(label::is_metric_stem(host.name), || CatalogueError::Host(host.name))?;
            ensure(names.insert(host.name), || CatalogueError::Duplicate(host.name.to_owned()))?;
        }
        Ok(())
    }

    fn validate_backend(&self) -> Result<(), CatalogueError> {
        let mut ids = BTreeSet::new();
        for slo in self.backend_slos {
            ensure(label::is_metric_stem(slo.name), || CatalogueError::Name(slo.name))?;
            slo.flaw().map_or(Ok(()), |flaw| Err(CatalogueError::Vacuous(slo.id(), flaw)))?;
            ensure(ids.insert(slo.id()), || CatalogueError::Duplicate(slo.id()))?;
            check_promql(&format!("objective {:?}", slo.id()), slo.expr)?;
        }
        for cache in self.caches {
            for counter in [cache.hits, cache.misses] {
                check_promql(&format!("cache {:?}", cache.name), counter)?;
            }
        }
        Ok(())
    }
}

/// Refuses values of a path as frameworks other than FastAPI write them, such as `:id`, `<int:id>`
/// and `*`. They would be sent as they are.
fn validate_values(path: &'static str) -> Result<(), CatalogueError> {
    let route = path.split('?').next().unwrap_or(path);
    let is_foreign =
        |segment: &&str| segment.starts_with([':', '*']) || (segment.starts_with('<') && segment.ends_with('>'));
    let Some(segment) = route.split('/').find(is_foreign) else { return Ok(()) };
    let name = segment.trim_matches([':', '*', '<', '>', '?']).rsplit(':').next().unwrap_or_default();
    let braces = format!("{{{}}}", if name.is_empty() { "id" } else { name });
    Err(CatalogueError::PathValue { path, segment, braces })
}

/// Refuses PromQL that Prometheus would refuse when it loads the generated rules.
fn check_promql(owner: &str, text: &str) -> Result<(), CatalogueError> {
    promql_parser::parser::parse(text).map(drop).map_err(|error| CatalogueError::PromQl(owner.to_owned(), error))
}

/// The error, unless the condition holds.
fn ensure(condition: bool, error: impl FnOnce() -> CatalogueError) -> Result<(), CatalogueError> {
    if condition { Ok(()) } else { Err(error()) }
}

/// Whether series or rules of an endpoint or a measure of this name would have names that others
/// have. Rules on all endpoints begin with `slo:all:`.
fn is_reserved(name: &str) -> bool {
    ["all", "http_req"].contains(&name) || name.starts_with("measure_") || name.starts_with(metric::IN_SEGMENT)
}

#[cfg(test)]
pub(crate) mod tests;
