//! Tests of `segments`.

use super::*;

const JUDGED: [JudgedSegment; 4] = [
    JudgedSegment::Numbered(Segment("day", 7)),
    JudgedSegment::Tagged(Tag("role", "admin")),
    JudgedSegment::Tagged(Tag("room", "large")),
    JudgedSegment::Tagged(Tag("room", "small")),
];

#[test]
fn a_tag_has_one_value_and_leaves_other_names() {
    let judged = JudgedSegments::new(&JUDGED);
    let mut segments = Segments::NONE;
    let mut among = |name: &str, value: &str| {
        judged.set_tag(&mut segments, name, value);
        judged.among(&segments).collect::<Vec<_>>()
    };
    assert_eq!(among("role", "admin"), [1]);
    assert_eq!(among("room", "large"), [1, 2]);
    assert_eq!(among("room", "small"), [1, 3]);
    assert_eq!(among("room", "a value that no objective judges"), [1]);
    assert_eq!(among("size", "large"), [1]);
    segments.set(Segment("day", 7));
    assert_eq!(judged.among(&segments).collect::<Vec<_>>(), [0, 1]);
}
