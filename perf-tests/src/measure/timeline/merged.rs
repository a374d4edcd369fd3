//! The timelines of shards as one.

use std::time::Duration;

use super::{MOST, RecordedTimeline, SHORTEST, Section, TimelineError};

/// Limit on the number of requests in a section of a file.
const MOST_REQUESTS: u64 = 1 << 50;

impl RecordedTimeline {
    /// Whether this program writes such a timeline to a file, for this number of endpoints.
    pub(crate) fn is_plausible(&self, endpoints: usize) -> bool {
        let Self { interval, sections } = self;
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

    /// The timelines of several shares of a load as one. The time of a share counts from its own
    /// start. So sections at the same place are added even if the shares began at different times.
    pub(crate) fn merge(timelines: Vec<Self>) -> Result<Self, TimelineError> {
        let interval = timelines.iter().map(|timeline| timeline.interval).max().unwrap_or(SHORTEST);
        let mut merged: Vec<Section> = Vec::new();
        for mut timeline in timelines {
            while timeline.interval < interval {
                timeline = timeline.in_pairs()?;
            }
            for (at, section) in timeline.sections.into_iter().enumerate() {
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
        Ok(Self { interval, sections: merged })
    }
}

#[cfg(test)]
mod tests;
