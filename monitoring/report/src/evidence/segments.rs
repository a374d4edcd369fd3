//! The segments and tags of a request.

use monitoring::segment::{JudgedSegment, MAX_TAGS, Segment, Tag};

/// The segments of a request, each with a different name, and its tags.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Segments {
    /// Segments that have a number.
    pub numbered: [Option<Segment>; 3],
    /// Tags that an objective judges, one bit each.
    tags: u64,
}

/// The segments and tags that objectives judge, in the order of the catalogue.
#[derive(Debug, Clone, Default)]
pub(super) struct JudgedSegments {
    numbered: Vec<Segment>,
    tags: Vec<Tag>,
}

impl Segments {
    /// No segments and no tags.
    pub const NONE: Self = Self { numbered: [None; 3], tags: 0 };

    /// Sets a segment. With three names already, it replaces the last.
    pub fn set(&mut self, segment: Segment) {
        let is_free = |place: &Option<Segment>| place.is_none_or(|Segment(known, _)| known == segment.0);
        let last = self.numbered.len() - 1;
        let place = self.numbered.iter().position(is_free).unwrap_or(last);
        self.numbered[place] = Some(segment);
    }
}

impl JudgedSegments {
    /// The judged segments of a catalogue, in which tags come last.
    pub(super) fn new(judged: &[JudgedSegment]) -> Self {
        let mut all = Self::default();
        for segment in judged {
            match segment {
                JudgedSegment::Numbered(segment) => all.numbered.push(*segment),
                JudgedSegment::Tagged(tag) => all.tags.push(*tag),
            }
        }
        all
    }

    pub(super) fn len(&self) -> usize {
        self.numbered.len() + self.tags.len()
    }

    /// Gives a request a tag. Another value of that name is no longer set.
    pub(super) fn set_tag(&self, segments: &mut Segments, name: &str, value: &str) {
        for (bit, Tag(known, judged)) in self.tags.iter().enumerate().take(MAX_TAGS) {
            if *known == name {
                segments.tags &= !(1 << bit);
                segments.tags |= u64::from(*judged == value) << bit;
            }
        }
    }

    /// Indices of the judged segments that a request has.
    #[inline]
    pub(super) fn among<'a>(&'a self, segments: &'a Segments) -> impl Iterator<Item = usize> + use<'a> {
        let numbered = self.numbered.iter().enumerate();
        let numbered = numbered.filter(move |(_, judged)| segments.numbered.contains(&Some(**judged)));
        let tags = (0..self.tags.len()).filter(move |bit| segments.tags >> bit & 1 == 1);
        numbered.map(|(index, _)| index).chain(tags.map(|bit| self.numbered.len() + bit))
    }
}

#[cfg(test)]
mod tests;
