//! Describes the changes between two versions of a dashboard.

use std::collections::BTreeMap;

use serde_json::Value;

/// Description of a changed query.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum QueryChange {
    /// By its name, on one line.
    Named,
    /// With the PromQL before and after.
    WithPromql,
}

/// The changes between two versions of a dashboard. Each is on one line, unless the PromQL of
/// changed queries is shown.
pub(crate) fn differences(then: &Value, now: &Value, queries: QueryChange) -> Vec<String> {
    let mut changes = Vec::new();
    for (title, then, now) in pairs(&panels(then), &panels(now)) {
        match (then, now) {
            (Some(then), Some(now)) => panel_changes(title, then, now, queries, &mut changes),
            (Some(_), None) => changes.push(format!("panel {title:?} was removed")),
            (None, _) => changes.push(format!("panel {title:?} was added")),
        }
    }
    for (what, path) in [("variable", "/templating/list"), ("annotation", "/annotations/list")] {
        for (name, then, now) in pairs(&named(then, path), &named(now, path)) {
            match (then, now) {
                (Some(_), None) => changes.push(format!("{what} {name:?} was removed")),
                (None, _) => changes.push(format!("{what} {name:?} was added")),
                (then, now) if then != now => changes.push(format!("{what} {name:?} has another query")),
                _ => {}
            }
        }
    }
    for field in ["title", "refresh", "time", "links"] {
        if then[field] != now[field] {
            changes.push(format!("{field}: {} -> {}", then[field], now[field]));
        }
    }
    // Every change gets a line, also one of a field that is not compared above.
    if changes.is_empty() && then != now {
        changes.push("another field of the dashboard changed: see the JSON".to_owned());
    }
    changes
}

/// Each key of two maps with its values in both.
pub(crate) fn pairs<'a, K: Ord, V>(
    then: &'a BTreeMap<K, V>,
    now: &'a BTreeMap<K, V>,
) -> impl Iterator<Item = (&'a K, Option<&'a V>, Option<&'a V>)> {
    let known = then.iter().map(|(key, value)| (key, Some(value), now.get(key)));
    let new = now.iter().filter(|(key, _)| !then.contains_key(key));
    known.chain(new.map(|(key, value)| (key, None, Some(value))))
}

fn panels(dashboard: &Value) -> BTreeMap<&str, &Value> {
    let panels = dashboard["panels"].as_array().into_iter().flatten();
    panels.filter_map(|panel| Some((panel["title"].as_str()?, panel))).collect()
}

fn named<'a>(dashboard: &'a Value, path: &str) -> BTreeMap<&'a str, &'a Value> {
    let list = dashboard.pointer(path).and_then(Value::as_array).into_iter().flatten();
    list.filter_map(|entry| Some((entry["name"].as_str()?, entry))).collect()
}

fn panel_changes(title: &str, then: &Value, now: &Value, shown: QueryChange, changes: &mut Vec<String>) {
    let known = changes.len();
    let mut add = |change: String| changes.push(format!("panel {title:?}: {change}"));
    if then["type"] != now["type"] {
        add(format!("type {} -> {}", text(&then["type"]), text(&now["type"])));
    }
    let place = |panel: &Value| ["x", "y", "w", "h"].map(|side| panel["gridPos"][side].as_u64().unwrap_or(0));
    let ([x0, y0, w0, h0], [x1, y1, w1, h1]) = (place(then), place(now));
    if (w0, h0) != (w1, h1) {
        add(format!("size {w0}x{h0} -> {w1}x{h1}"));
    } else if (x0, y0) != (x1, y1) {
        add(format!("moved from {x0},{y0} to {x1},{y1}"));
    }
    let unit = |panel: &Value| text(&panel["fieldConfig"]["defaults"]["unit"]).to_owned();
    if unit(then) != unit(now) {
        add(format!("unit {} -> {}", unit(then), unit(now)));
    }
    for (color, before, after) in pairs(&steps(then), &steps(now)) {
        match (before, after) {
            (Some(before), Some(after)) if before == after => {}
            (Some(before), Some(after)) => add(format!("{} {before} -> {after}", threshold_name(then, color))),
            (Some(before), None) => add(format!("{} {before} was removed", threshold_name(then, color))),
            (None, after) => {
                add(format!("{} {} was added", threshold_name(now, color), after.map_or("", String::as_str)))
            }
        }
    }
    for (name, before, after) in pairs(&queries(then), &queries(now)) {
        match (before, after) {
            (Some(before), Some(after)) if before == after => {}
            (Some(before), Some(after)) if shown == QueryChange::WithPromql => {
                add(format!("query {name} changed:\n    was {before}\n    is  {after}"));
            }
            (Some(_), Some(_)) => add(format!("query {name} changed")),
            (Some(_), None) => add(format!("query {name} was removed")),
            (None, _) => add(format!("query {name} was added")),
        }
    }
    if then["description"] != now["description"] {
        add("the description changed".to_owned());
    }
    if changes.len() == known && (without_place(then) != without_place(now)) {
        changes.push(format!("panel {title:?}: options or fields changed"));
    }
}

/// A panel without its id and place, which follow from the layout.
fn without_place(panel: &Value) -> Value {
    let mut panel = panel.clone();
    if let Some(fields) = panel.as_object_mut() {
        fields.remove("id");
        fields.remove("gridPos");
    }
    panel
}

/// The value at which each color of the thresholds begins.
fn steps(panel: &Value) -> BTreeMap<String, String> {
    let steps = panel.pointer("/fieldConfig/defaults/thresholds/steps").and_then(Value::as_array).into_iter().flatten();
    let steps = steps.filter(|step| !step["value"].is_null());
    steps.map(|step| (text(&step["color"]).to_owned(), step["value"].to_string())).collect()
}

/// The name of a threshold. In a latency panel, red begins at the objective.
fn threshold_name(panel: &Value, color: &str) -> String {
    let is_latency = panel.pointer("/fieldConfig/defaults/unit").is_some_and(|unit| unit == "ms");
    if is_latency && color == "red" { "objective line".to_owned() } else { format!("{color} from") }
}

/// The expressions of a panel's queries, by reference id and legend.
fn queries(panel: &Value) -> BTreeMap<String, &str> {
    let targets = panel["targets"].as_array().into_iter().flatten();
    targets
        .map(|target| {
            (format!("{} ({})", text(&target["refId"]), text(&target["legendFormat"])), text(&target["expr"]))
        })
        .collect()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

#[cfg(test)]
mod tests;
