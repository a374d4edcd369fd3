//! Finds the mapping that fits what a backend exposes, and reads a mapping from a command line.

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::fmt;

use anyhow::Context as _;
use monitoring::backend_mapping::{BackendMapping, KnownMapping, MethodCase, Placeholders};
use monitoring::label::Label;
use perf_host::nearest::did_you_mean;
use prometheus_store::exposition::ExpositionSample;

/// Usual names of the label of the route, in order of preference.
const ROUTES: &[&str] =
    &["handler", "route", "uri", "http_route", "endpoint", "url_rule", "path", "http_target", "view"];
/// Usual names of the label of the method.
const METHODS: &[&str] = &["method", "http_request_method", "http_method"];
/// Usual names of the label of the status.
const STATUSES: &[&str] =
    &["status", "status_code", "code", "http_status", "http_response_status_code", "http_status_code"];

/// A known mapping, changed to fit what a backend exposes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct MappingFit {
    known: &'static KnownMapping,
    /// The metrics library that exposes the metrics.
    pub(crate) make: &'static str,
    changes: Vec<Change>,
    is_by_route: bool,
    has_durations: bool,
}

/// A call of a builder method that changes a mapping.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Change {
    At(String),
    Requests(String),
    Duration(String),
    Handler(String),
    Method(String),
    Status(String),
    LowerCaseMethods,
    UpperCaseMethods,
    Placeholders(Placeholders),
}

impl Change {
    /// Reads a call's method and its argument, without quotation marks.
    fn parse(method: &str, argument: &str) -> anyhow::Result<Self> {
        let name = argument.to_owned();
        Ok(match (method, argument) {
            ("at", _) => Self::At(name),
            ("requests", _) => Self::Requests(name),
            ("duration", _) => Self::Duration(name),
            ("handler", _) => Self::Handler(name),
            ("method", _) => Self::Method(name),
            ("status", _) => Self::Status(name),
            ("lower_case_methods", "") => Self::LowerCaseMethods,
            ("upper_case_methods", "") => Self::UpperCaseMethods,
            ("placeholders", "Placeholders::Colons") => Self::Placeholders(Placeholders::Colons),
            ("placeholders", "Placeholders::Braces") => Self::Placeholders(Placeholders::Braces),
            _ => anyhow::bail!(
                "a mapping has no .{method}({argument}): use at, requests, duration, handler, method, status, \
                 lower_case_methods, upper_case_methods or placeholders"
            ),
        })
    }

    fn apply(&self, mapping: BackendMapping) -> BackendMapping {
        // The command uses the mapping until it ends.
        let lasting = |name: &String| -> &'static str { name.clone().leak() };
        match self {
            Self::At(path) => mapping.at(lasting(path)),
            Self::Requests(name) => mapping.requests(lasting(name)),
            Self::Duration(name) => mapping.duration(lasting(name)),
            Self::Handler(name) => mapping.handler(lasting(name)),
            Self::Method(name) => mapping.method(lasting(name)),
            Self::Status(name) => mapping.status(lasting(name)),
            Self::LowerCaseMethods => mapping.lower_case_methods(),
            Self::UpperCaseMethods => mapping.upper_case_methods(),
            Self::Placeholders(placeholders) => mapping.placeholders(*placeholders),
        }
    }
}

/// The call as Rust code.
impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::At(path) => write!(f, ".at({path:?})"),
            Self::Requests(name) => write!(f, ".requests({name:?})"),
            Self::Duration(name) => write!(f, ".duration({name:?})"),
            Self::Handler(name) => write!(f, ".handler({name:?})"),
            Self::Method(name) => write!(f, ".method({name:?})"),
            Self::Status(name) => write!(f, ".status({name:?})"),
            Self::LowerCaseMethods => f.write_str(".lower_case_methods()"),
            Self::UpperCaseMethods => f.write_str(".upper_case_methods()"),
            Self::Placeholders(placeholders) => write!(f, ".placeholders(Placeholders::{placeholders:?})"),
        }
    }
}

/// The mapping as Rust code.
impl fmt::Display for MappingFit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BackendMapping::{}", self.known.constant)?;
        self.changes.iter().try_for_each(|change| change.fmt(f))
    }
}

impl MappingFit {
    /// The fitting mapping.
    pub(crate) fn mapping(&self) -> BackendMapping {
        self.changes.iter().fold(self.known.mapping, |mapping, change| change.apply(mapping))
    }

    pub(crate) const fn is_by_route(&self) -> bool {
        self.is_by_route
    }

    pub(crate) const fn has_durations(&self) -> bool {
        self.has_durations
    }

    /// Whether it offers more, or as much with fewer changes.
    pub(crate) fn is_better_than(&self, other: &Self) -> bool {
        let rank = |fit: &Self| (fit.is_by_route, fit.has_durations, Reverse(fit.changes.len()));
        rank(self) > rank(other)
    }
}

/// The known mapping that best fits the samples at a path. `None` if no metric looks like a count
/// of requests.
pub(crate) fn fit(samples: &[ExpositionSample], path: &str) -> Option<MappingFit> {
    let mut fit = fit_names(samples)?;
    if fit.known.mapping.path != path {
        fit.changes.push(Change::At(path.to_owned()));
    }
    Some(fit)
}

fn fit_names(samples: &[ExpositionSample]) -> Option<MappingFit> {
    let names: BTreeSet<&str> = samples.iter().map(|sample| sample.name.as_str()).collect();
    // A total says less than a count by route, whatever its name.
    let mut best: Option<(bool, u32, MappingFit)> = None;
    for known in BackendMapping::KNOWN {
        for (requests, exact) in names_like(&names, known.mapping.requests) {
            let (score, mut fit) = fit_labels(samples, known, requests);
            let score = score + if exact { 8 } else { 2 };
            if !exact {
                fit.changes.insert(0, Change::Requests(requests.to_owned()));
            }
            if best.as_ref().is_none_or(|(by_route, known, _)| (fit.is_by_route, score) > (*by_route, *known)) {
                best = Some((fit.is_by_route, score, fit));
            }
        }
    }
    let known = best.map(|(.., fit)| fit);
    let own = unknown(samples, &names).filter(|own| own.is_by_route || known.is_none());
    known.filter(|known| known.is_by_route || own.is_none()).or(own)
}

/// The name itself, and names with a prefix before it.
fn names_like<'a>(names: &BTreeSet<&'a str>, wanted: &'a str) -> Vec<(&'a str, bool)> {
    let has_prefix = |name: &str| name.strip_suffix(wanted).is_some_and(|prefix| prefix.ends_with('_'));
    let is_like = |name: &&&str| has_prefix(name) && !is_client_metric(name);
    let exact = names.get(wanted).map(|name| (*name, true));
    exact.into_iter().chain(names.iter().filter(is_like).map(|name| (*name, false))).collect()
}

/// Whether a metric counts requests that the service makes to others.
fn is_client_metric(name: &str) -> bool {
    name.split('_').any(|word| word == "client")
}

/// A counter under a name of its own, with the labels of requests.
fn unknown(samples: &[ExpositionSample], names: &BTreeSet<&str>) -> Option<MappingFit> {
    let go = BackendMapping::KNOWN.iter().find(|known| known.mapping == BackendMapping::GO)?;
    let has =
        |sample: &ExpositionSample, labels: &[&str]| labels.iter().any(|label| sample.labels.contains_key(*label));
    let is_counter = |sample: &&ExpositionSample| {
        let counts = ["_total", "_count", "requests"].iter().any(|end| sample.name.ends_with(end));
        // A scrape of the metrics is not a request of the service.
        let is_other = sample.name.starts_with("promhttp_") || is_client_metric(&sample.name);
        counts && has(sample, STATUSES) && (has(sample, METHODS) || has(sample, ROUTES)) && !is_other
    };
    // A histogram of durations may count requests, too. One of sizes is not better than a counter.
    let is_time = |name: &str| {
        ["seconds", "_ms", "duration", "latency"].iter().any(|word| name.contains(word))
            || name.split('_').any(|word| word == "time")
    };
    let durations = |requests: &str| {
        let stem = requests.strip_suffix("_count").filter(|stem| is_time(stem))?;
        names.contains(format!("{stem}_sum").as_str()).then(|| stem.to_owned())
    };
    // Durations of something else may have a method and a status, but they have no route.
    let rank = |sample: &&ExpositionSample| (has(sample, ROUTES), durations(&sample.name).is_some());
    let requests = samples.iter().filter(is_counter).min_by_key(|sample| Reverse(rank(sample)))?.name.as_str();
    let (_, mut fit) = fit_labels(samples, go, requests);
    fit.make = "a counter of its own";
    fit.changes.retain(|change| !matches!(change, Change::Duration(_)));
    fit.changes.insert(0, Change::Requests(requests.to_owned()));
    let stem = durations(requests);
    fit.has_durations = stem.is_some();
    fit.changes.extend(stem.map(Change::Duration));
    Some(fit)
}

/// Fits a known mapping to the labels of a counter. Returns the fit's score and the fit.
fn fit_labels(samples: &[ExpositionSample], known: &'static KnownMapping, requests: &str) -> (u32, MappingFit) {
    let KnownMapping { make, mapping, .. } = known;
    let mut fit = MappingFit { known, make, changes: Vec::new(), is_by_route: false, has_durations: false };
    let series: Vec<_> = samples.iter().filter(|sample| sample.name == requests).collect();
    let values = |label: &str| series.iter().filter_map(|sample| sample.labels.get(label)).collect::<Vec<_>>();
    let mut score = 0;
    let mut label = |known: Option<Label>, usual: &[&'static str], worth: u32, change: fn(String) -> Change| {
        let known = known.map(Label::as_str);
        let found = known.into_iter().chain(usual.iter().copied()).find(|name| !values(name).is_empty());
        match found {
            _ if found == known => score += worth,
            Some(name) => fit.changes.push(change(name.to_owned())),
            None => {}
        }
        found
    };
    let handler = label(mapping.handler, ROUTES, 4, Change::Handler);
    let method = label(mapping.method, METHODS, 1, Change::Method);
    label(mapping.status, STATUSES, 2, Change::Status);
    fit.is_by_route = handler.is_some();
    let is_lower = |name| values(name).iter().any(|value| value.chars().any(|c| c.is_ascii_lowercase()));
    match (method.map(is_lower), mapping.methods) {
        (Some(true), MethodCase::Upper) => fit.changes.push(Change::LowerCaseMethods),
        (Some(false), MethodCase::Lower) if handler.is_some() => fit.changes.push(Change::UpperCaseMethods),
        _ => {}
    }
    let has = |pattern: &str| handler.is_some_and(|name| values(name).iter().any(|value| value.contains(pattern)));
    match mapping.placeholders {
        Placeholders::Braces if has("/:") => fit.changes.push(Change::Placeholders(Placeholders::Colons)),
        Placeholders::Colons if has("/{") => fit.changes.push(Change::Placeholders(Placeholders::Braces)),
        _ => {}
    }
    let is_histogram = |name: &str| samples.iter().any(|sample| sample.name.strip_suffix("_sum") == Some(name));
    // A prefix of the counter is one of the histogram, too.
    let prefix = requests.strip_suffix(mapping.requests).unwrap_or_default();
    if let Some(duration) = mapping.duration.map(|name| format!("{prefix}{name}")).filter(|name| is_histogram(name)) {
        fit.has_durations = true;
        score += 2;
        if !prefix.is_empty() {
            fit.changes.push(Change::Duration(duration));
        }
    }
    (score, fit)
}

/// Reads a mapping that is written as in a service's definition: `EXPRESS.status("code")`.
///
/// # Errors
/// If the constant or a method is unknown.
pub(crate) fn parse(text: &str) -> anyhow::Result<BackendMapping> {
    let text = text.trim().trim_end_matches(',');
    let text = text.strip_prefix("BackendMapping::").unwrap_or(text);
    let (constant, mut rest) = text.split_at(text.find('.').unwrap_or(text.len()));
    let known = || BackendMapping::KNOWN.iter();
    let names: Vec<_> = known().map(|known| known.constant).collect();
    let found = known().find(|known| known.constant.eq_ignore_ascii_case(constant));
    let found = found.with_context(|| {
        let hint = did_you_mean(&constant.to_uppercase(), names.iter().copied());
        format!("there is no mapping {constant:?}: use one of {}{hint}", names.join(", "))
    })?;
    let mut mapping = found.mapping;
    while let Some(call) = rest.strip_prefix('.') {
        let (method, after) =
            call.split_once('(').with_context(|| format!("{call:?} is not a call: write .status(\"code\")"))?;
        let (argument, after) =
            after.split_once(')').with_context(|| format!("{call:?} has no closing parenthesis"))?;
        mapping = Change::parse(method.trim(), argument.trim().trim_matches('"'))?.apply(mapping);
        rest = after;
    }
    anyhow::ensure!(rest.is_empty(), "{rest:?} after the mapping is not a call: write .status(\"code\")");
    Ok(mapping)
}

#[cfg(test)]
mod tests;
