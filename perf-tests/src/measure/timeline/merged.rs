//! The timelines of shards as one.

use std::time::Duration;

use super::{MOST, RecordedTimeline, SHORTEST, Section, TimelineError, in_pairs};

/// Limit on the number of requests in a section of a file.
const MOST_REQUESTS: u64 = 1 << 50;

/// Whether a timeline from a file is one that this program writes, for this number of endpoints.
pub(crate) fn is_plausible((interval, sections): &RecordedTimeline, endpoints: usize) -> bool {
    let is_known = |(index, latencies): (&usize, &super::SectionLatencies)| {
        *index < endpoints && latencies.decoded().is_ok_and(|histogram| histogram.len() < MOST_REQUESTS)
    };
    let steps = interval.as_secs() / SHORTEST.as_secs();
    interval.subsec_nanos() == 0
        && steps.is_power_of_two()
        && sections.len() <= MOST
        && sections.iter().all(|section| section.from <= section.to)
        && sections.windows(2).all(|pair| pair[0].to == pair[1].from)
        && sections.iter().flat_map(|section| &section.latencies).all(is_known)
}

/// The timelines of several shares of a load as one. Sections at the same place are added, so that
/// time counts from the start of each share, even if the shares began at different times.
///
/// # Errors
/// If a histogram cannot be encoded or decoded.
pub(crate) fn merge(timelines: Vec<RecordedTimeline>) -> Result<RecordedTimeline, TimelineError> {
    let interval = timelines.iter().map(|(interval, _)| *interval).max().unwrap_or(SHORTEST);
    let mut merged: Vec<Section> = Vec::new();
    for (mut own, mut sections) in timelines {
        while own < interval {
            (own, sections) = (own * 2, in_pairs(sections)?);
        }
        for (at, section) in sections.into_iter().enumerate() {
            match merged.get_mut(at) {
                Some(all) => {
                    (all.to, all.vus) = (all.to.max(section.to), all.vus.saturating_add(section.vus));
                    all.add(section)?;
                }
                None => merged.push(section),
            }
        }
    }
    let mut from = Duration::ZERO;
    for section in &mut merged {
        (section.from, section.to) = (from, section.to.max(from));
        from = section.to;
    }
    Ok((interval, merged))
}

/// Bytes as text in base64.
pub(super) mod base64_text {
    use base64::Engine as _;
    use base64::prelude::BASE64_STANDARD;
    use serde::de::Error as _;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(in crate::measure::timeline) fn serialize<S: Serializer>(
        bytes: &[u8],
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&BASE64_STANDARD.encode(bytes))
    }

    pub(in crate::measure::timeline) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Vec<u8>, D::Error> {
        BASE64_STANDARD.decode(String::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use hdrhistogram::Histogram;

    use super::super::{SectionLatencies, encode};
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn section(from: u32, to: u32, milliseconds: u64) -> Section {
        let mut histogram = Histogram::new(3).unwrap();
        histogram.record(milliseconds * 1_000_000).unwrap();
        let latencies = SectionLatencies { failed: 1, good: Some(1), encoded: encode(&histogram).unwrap() };
        Section {
            from: SECOND * from,
            to: SECOND * to,
            vus: 2,
            begun: 3,
            requests: perf_report::evidence::RequestCounts { sent: 2, failed: 1, ..Default::default() },
            latencies: BTreeMap::from([(1, latencies)]),
        }
    }

    #[test]
    fn sections_of_shards_are_added_by_their_place() {
        let short = (SECOND, (0..4).map(|at| section(at, at + 1, 10)).collect());
        let long = (SECOND * 2, (0..3).map(|at| section(at * 2, at * 2 + 2, 30)).collect());
        for timelines in [vec![short.clone(), long.clone()], vec![long.clone(), short.clone()]] {
            let (interval, sections) = merge(timelines).unwrap();
            let bounds: Vec<_> =
                sections.iter().map(|section| (section.from.as_secs(), section.to.as_secs())).collect();
            assert_eq!((interval, bounds), (SECOND * 2, vec![(0, 2), (2, 4), (4, 6)]));
            let sent: Vec<_> = sections.iter().map(|section| (section.requests.sent, section.vus)).collect();
            assert_eq!(sent, [(6, 4), (6, 4), (2, 2)]);
            let latencies = &sections[0].latencies[&1];
            assert_eq!((latencies.failed, latencies.good, latencies.decoded().unwrap().len()), (3, Some(3), 3));
        }
    }

    #[test]
    fn a_timeline_that_no_run_has_is_not_plausible() {
        let timeline = || (SECOND * 2, vec![section(0, 2, 10), section(2, 4, 10)]);
        assert!(is_plausible(&timeline(), 2));
        assert!(!is_plausible(&timeline(), 1), "an endpoint that the catalogue does not have");
        assert!(!is_plausible(&(SECOND * 3, timeline().1), 2), "an interval that is not doubled");
        assert!(!is_plausible(&(SECOND, vec![section(0, 1, 10); 121]), 2), "too many sections");
        assert!(!is_plausible(&(SECOND, vec![section(0, 1, 10), section(2, 3, 10)]), 2), "a gap");
        let json = serde_json::to_string(&timeline().1[0]).unwrap().replace("\"encoded\":\"H", "\"encoded\":\"A");
        let broken: Section = serde_json::from_str(&json).unwrap();
        assert!(!is_plausible(&(SECOND, vec![broken]), 2), "latencies that cannot be decoded");
    }
}
