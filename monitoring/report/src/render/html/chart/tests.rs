//! Tests of `chart`.

use super::*;

fn chart(points: Vec<(f64, Option<f64>)>) -> Chart {
    let y = Axis::from_zero(points.iter().filter_map(|(_, value)| *value), |value| format!("{value}"));
    let line = Line { name: "p95".to_owned(), class: "p95", points };
    let tips = vec![(0.0, 1.0, "<b>\"&".to_owned())];
    Chart {
        label: "a".to_owned(),
        size: WIDE,
        x: Axis::time(10.0),
        y,
        lines: vec![line],
        levels: Vec::new(),
        spans: Vec::new(),
        tips,
    }
}

#[test]
fn axes_end_at_round_numbers_and_have_few_labels() {
    let labels = |most: f64| {
        let axis = Axis::from_zero([most].into_iter(), |value| format!("{value}"));
        axis.ticks().into_iter().map(|(_, text)| text).collect::<Vec<_>>()
    };
    assert_eq!(labels(0.0), ["0", "0.25", "0.5", "0.75", "1"]);
    assert_eq!(labels(300.0), ["0", "100", "200", "300", "400"]);
    assert_eq!(labels(7.0), ["0", "2", "4", "6", "8"]);
    let times: Vec<_> = Axis::time(95.0).ticks().into_iter().map(|(_, text)| text).collect();
    assert_eq!(times, ["00:00", "00:30", "01:00", "01:30"]);
}

#[test]
fn only_a_label_with_hours_ends_at_the_right_edge() {
    let ends =
        |seconds: f64| Chart { x: Axis::time(seconds), ..chart(Vec::new()) }.svg("").matches("\"x end\"").count();
    assert_eq!([5.0, 7200.0].map(ends), [0, 1]);
}

#[test]
fn gaps_break_a_line_and_single_points_are_dots() {
    let svg = chart(vec![(0.0, Some(1.0)), (1.0, Some(2.0)), (2.0, None), (3.0, Some(1.0)), (4.0, None)]).svg("");
    let path = svg.split("<path class=\"line p95\" d=\"").nth(1).unwrap().split('"').next().unwrap();
    assert_eq!((path.matches('M').count(), path.matches('L').count()), (2, 1), "{path}");
    assert_eq!(svg.matches("<circle").count(), 1);
}

#[test]
fn infinite_values_lie_at_the_edge_and_text_is_escaped() {
    let svg = chart(vec![(0.0, Some(1.0)), (1.0, Some(f64::INFINITY))]).svg("");
    assert!(svg.contains(" 10.0\"/>") && svg.contains("data-tip=\"&lt;b&gt;&quot;&amp;\""), "{svg}");
    assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
    assert_eq!(svg.matches("class=\"edge p95\"").count(), 1, "an infinite value has a mark: {svg}");
    let page = chart(vec![(0.0, Some(f64::INFINITY))]).render().into_string();
    assert!(page.contains("▲ ∞, too many requests failed"), "{page}");
    let finite = chart(vec![(0.0, Some(1.0))]).render().into_string();
    assert!(!finite.contains("edge"), "{finite}");
}
