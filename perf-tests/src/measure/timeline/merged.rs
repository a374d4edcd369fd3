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
mod tests;
