//! Findings about the target: when it accepted no connections, and when it finished no requests.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use monitoring::catalogue::Catalogue;
use monitoring::phase::Phase;
use perf_report::evidence::StatusKey;
use perf_report::finding::{Finding, FindingKind, Severity, Subject};
use perf_report::format::{clock, count, counted, seconds};

use crate::engine::{Load, Stall};
use crate::http::HttpConfig;
use crate::measure::{PartCounts, Snapshot};
use crate::plan::Plan;

const MOST_FINDINGS: usize = 3;
const MOST_NAMES: usize = 3;

pub(crate) fn target_findings(
    load: &Load,
    plan: &Plan,
    catalogue: &Catalogue,
    has_proxy: bool,
    stall_limit: Duration,
) -> Vec<Finding> {
    let mut findings = stall_findings(load, plan, catalogue, stall_limit);
    findings.extend(outage_finding(load, catalogue, has_proxy));
    findings
}

/// Findings about times in which requests waited and none ended. Over the limit one prevents a
/// verdict. Otherwise objectives decide, which count the requests that a steady load would have
/// made meanwhile.
fn stall_findings(load: &Load, plan: &Plan, catalogue: &Catalogue, limit: Duration) -> Vec<Finding> {
    let name = |stall: &Stall| {
        let endpoint = stall.endpoint.map_or("an unjudged path", |endpoint| catalogue.endpoints[endpoint].name);
        match plan.parts.as_slice() {
            [_] => endpoint.to_owned(),
            parts => format!("{endpoint} by {}", parts[stall.part].name),
        }
    };
    let silence = load.longest_silence;
    let is_too_long = silence.length > limit;
    let mut groups = simultaneous(&load.stalls);
    let is_silence = |group: &[&Stall]| {
        let overlaps =
            |stall: &&Stall| stall.from < silence.from + silence.length && silence.from < stall.from + stall.length;
        is_too_long && group.iter().any(overlaps)
    };
    // The first one is the cause if objectives are undecided.
    groups.sort_by_key(|group| (!is_silence(group), Reverse(all_omitted(group))));
    let mut messages: Vec<_> = groups.iter().map(|group| describe(group, name, catalogue)).collect();
    if is_too_long && !groups.first().is_some_and(|group| is_silence(group)) {
        let (long, since) = (seconds(silence.length, 1), clock(silence.from));
        let message = format!("the target stalled for {long} from {since} on: no request finished");
        messages.insert(0, message);
    }
    let more = messages.len().saturating_sub(MOST_FINDINGS);
    messages.truncate(MOST_FINDINGS);
    if more > 0
        && let Some(last) = messages.last_mut()
    {
        last.push_str(&format!(". {} stalled at other times", counted(more as u64, "more endpoint")));
    }
    let finding = |(at, message)| match at {
        0 if is_too_long => Finding::inconclusive(Subject::Target, FindingKind::Stall, message),
        _ => Finding::warning(Subject::Target, FindingKind::Stall, message),
    };
    messages.into_iter().enumerate().map(finding).collect()
}

/// Stalls of endpoints whose longest stalls happened at the same time, those with the longest
/// first. Each group begins with its longest stall and has the longest of each of its endpoints
/// before the others.
fn simultaneous(stalls: &[Stall]) -> Vec<Vec<&Stall>> {
    let mut by_length: Vec<_> = stalls.iter().collect();
    by_length.sort_by_key(|stall| Reverse(stall.length));
    let mut groups: Vec<Vec<&Stall>> = Vec::new();
    for stall in by_length {
        let is_of_lane = |other: &&Stall| (other.part, other.endpoint) == (stall.part, stall.endpoint);
        let overlaps = |other: &Stall| {
            let end = (stall.from + stall.length).min(other.from + other.length);
            end.saturating_sub(stall.from.max(other.from)) * 2 > stall.length
        };
        let known = groups.iter().position(|group| group.iter().any(is_of_lane));
        match known.or_else(|| groups.iter().position(|group| overlaps(group[0]))) {
            Some(group) => groups[group].push(stall),
            None => groups.push(vec![stall]),
        }
    }
    groups
}

/// Requests that stalls kept a closed load from making.
fn all_omitted(group: &[&Stall]) -> u64 {
    group.iter().flat_map(|stall| &stall.omitted).map(|(_, omitted)| omitted).sum()
}

/// Describes stalls at the same time: when the longest was, of which endpoints, and whose requests
/// they kept a load from making.
fn describe(group: &[&Stall], name: impl Fn(&Stall) -> String, catalogue: &Catalogue) -> String {
    let longest = group[0];
    let mut lanes: Vec<&Stall> = Vec::new();
    for stall in group {
        if !lanes.iter().any(|known| (known.part, known.endpoint) == (stall.part, stall.endpoint)) {
            lanes.push(stall);
        }
    }
    let of_lane =
        |lane: &&Stall| group.iter().filter(|stall| (stall.part, stall.endpoint) == (lane.part, lane.endpoint)).count();
    let times = match lanes.iter().map(of_lane).max().unwrap_or_default() {
        0 | 1 => String::new(),
        times => format!(" {times} times, the longest"),
    };
    let names: Vec<_> = lanes.iter().take(MOST_NAMES).map(|stall| name(stall)).collect();
    let more = match lanes.len().saturating_sub(MOST_NAMES) {
        0 => String::new(),
        more => format!(" and {}", counted(more as u64, "more endpoint")),
    };
    let waiting: u64 = lanes.iter().map(|stall| stall.waiting).sum();
    let omitted = all_omitted(group);
    let mut elsewhere = BTreeMap::<usize, u64>::new();
    for (endpoint, omitted) in group.iter().flat_map(|stall| &stall.omitted) {
        if !lanes.iter().any(|lane| lane.endpoint == Some(*endpoint)) {
            *elsewhere.entry(*endpoint).or_default() += omitted;
        }
    }
    let (length, since, names) = (seconds(longest.length, 1), clock(longest.from), names.join(", "));
    let mut message = match longest.is_partial {
        true => format!(
            "a part of the target stalled{times} for {length} from {since} on: {} waited together, to {names}{more}, \
             while others finished",
            counted(waiting, "request")
        ),
        false => format!(
            "the target stalled{times} for {length} from {since} on: no request to {names}{more} finished, and {} waited",
            count(waiting)
        ),
    };
    if omitted > 0 {
        let requests = counted(omitted, "more request");
        message.push_str(&format!(". A steady load would have made {requests} in that time, which count as unknown"));
        let others = elsewhere.iter().take(MOST_NAMES);
        let others = others.map(|(endpoint, omitted)| {
            format!("{} of them to {}", count(*omitted), catalogue.endpoints[*endpoint].name)
        });
        // Other virtual users go on to reach every endpoint while only a part stalls.
        if !elsewhere.is_empty() && !longest.is_partial {
            message.push_str(&format!(" ({}, which no VU reached)", others.collect::<Vec<_>>().join(", ")));
        }
    }
    message
}

/// A finding about times in which a host accepted no connections. Objectives on its endpoints count
/// the load that could not be made.
fn outage_finding(load: &Load, catalogue: &Catalogue, has_proxy: bool) -> Option<Finding> {
    let outages = &load.outages;
    let first = outages.first()?;
    let parts = &load.snapshot.parts;
    let refused: u64 = parts.iter().flat_map(|part| part.refused).sum();
    let stopped_at = |part: &PartCounts, index| {
        Phase::ALL.iter().map(|phase| part.cell(index, *phase).stopped_iterations).sum::<u64>()
    };
    let endpoints = 0..catalogue.endpoints.len();
    let most = |part: &PartCounts| endpoints.clone().map(|index| stopped_at(part, index)).max().unwrap_or_default();
    let stopped: u64 = parts.iter().map(most).sum();
    let is_down = |index: usize| {
        let cells = |part: &PartCounts| Phase::ALL.map(|phase| part.cell(index, phase).refused_iterations);
        parts.iter().flat_map(cells).sum::<u64>() > 0 || parts.iter().any(|part| stopped_at(part, index) > 0)
    };
    let down = endpoints.clone().filter(|index| is_down(*index)).map(|index| catalogue.endpoints[index].host);
    let hosts: BTreeSet<_> =
        down.map(|host| host.map_or_else(|| "the target".to_owned(), |host| format!("host {}", host.name))).collect();
    let hosts = if hosts.is_empty() { "the target".to_owned() } else { Vec::from_iter(hosts).join(", ") };
    let through = if has_proxy { " through the proxy (--proxy)" } else { "" };
    let (total, since) = (seconds(outages.total(), 1), clock(first));
    let times = match outages.is_ongoing {
        true => format!("{total} between {since} and the end of the load"),
        false => format!("{total} in total, first at {since}"),
    };
    let missing = match outages.has_closed && !outages.has_refused {
        true => "no response on new connections",
        false => "no connection",
    };
    let stopped_too = if stopped > 0 { format!(", and {} stopped", count(stopped)) } else { String::new() };
    let message =
        format!("{missing} to {hosts}{through} for {times}: {} dropped{stopped_too}", counted(refused, "iteration"),);
    let advice = "The requests that they would have made count as not good";
    (refused + stopped > 0).then(|| Finding::warning(Subject::Target, FindingKind::Outage, message).with_advice(advice))
}

/// Findings about redirects that were followed, and about those that led away from the targets.
pub(crate) fn redirect_findings(http: &HttpConfig, counts: &Snapshot, catalogue: &Catalogue) -> Vec<Finding> {
    let origins: Vec<_> = http.other_origins().iter().map(|other| other.target.origin()).collect();
    let message = format!(
        "redirects led to {}, which is not a target, and load went there because of --allow-target. Its responses count \
         for the endpoints that were redirected",
        origins.join(", ")
    );
    let away = (!origins.is_empty()).then(|| Finding::warning(Subject::Target, FindingKind::Redirected, message));
    let endpoints = catalogue.endpoints.iter().enumerate();
    let redirected = endpoints.filter(|(at, _)| http.settings.max_redirects > 0 && has_redirects(counts, *at));
    let names: Vec<_> = redirected.map(|(_, endpoint)| endpoint.name).collect();
    let message = format!(
        "each redirect of {} counts as a request of its own: latencies are those of single hops",
        names.join(", ")
    );
    let followed = || Finding::new(Severity::Good, Subject::Target, FindingKind::RedirectsCounted, message);
    away.into_iter().chain((!names.is_empty()).then(followed)).collect()
}

/// Whether an endpoint has redirects among its good responses.
fn has_redirects(counts: &Snapshot, endpoint: usize) -> bool {
    let cells = counts.parts.iter().flat_map(|part| Phase::ALL.map(|phase| part.cell(endpoint, phase)));
    let mut good = cells.flat_map(|cell| cell.by_status.iter().filter(|(_, it)| it.failed < it.durations.count()));
    good.any(|(status, _)| matches!(status, StatusKey::Code(301 | 302 | 303 | 307 | 308)))
}

#[cfg(test)]
mod tests;
