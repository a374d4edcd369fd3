//! What changed between two versions of a dashboard, in words.

use std::collections::BTreeMap;

use serde_json::Value;

/// What differs between two versions of a dashboard, a line each.
pub(crate) fn differences(then: &Value, now: &Value) -> Vec<String> {
    let mut changes = Vec::new();
    let (before, after) = (panels(then), panels(now));
    for (title, panel) in &before {
        match after.get(title) {
            None => changes.push(format!("panel {title:?} is gone")),
            Some(now) => panel_changes(title, panel, now, &mut changes),
        }
    }
    changes.extend(
        after.keys().filter(|title| !before.contains_key(*title)).map(|title| format!("panel {title:?} is new")),
    );
    for (what, path) in [("variable", "/templating/list"), ("annotation", "/annotations/list")] {
        let (before, after) = (named(then, path), named(now, path));
        for (name, value) in &before {
            match after.get(name) {
                None => changes.push(format!("{what} {name:?} is gone")),
                Some(now) if now != value => changes.push(format!("{what} {name:?} asks something else")),
                Some(_) => {}
            }
        }
        changes.extend(
            after.keys().filter(|name| !before.contains_key(*name)).map(|name| format!("{what} {name:?} is new")),
        );
    }
    for field in ["title", "refresh", "time", "links"] {
        if then[field] != now[field] {
            changes.push(format!("{field}: {} -> {}", then[field], now[field]));
        }
    }
    // Whatever else there is: nothing changes without a word.
    if changes.is_empty() && then != now {
        changes.push("something else of the dashboard differs, see below".to_owned());
    }
    changes
}

fn panels(dashboard: &Value) -> BTreeMap<&str, &Value> {
    let panels = dashboard["panels"].as_array().into_iter().flatten();
    panels.filter_map(|panel| Some((panel["title"].as_str()?, panel))).collect()
}

fn named<'a>(dashboard: &'a Value, path: &str) -> BTreeMap<&'a str, &'a Value> {
    let list = dashboard.pointer(path).and_then(Value::as_array).into_iter().flatten();
    list.filter_map(|entry| Some((entry["name"].as_str()?, entry))).collect()
}

fn panel_changes(title: &str, then: &Value, now: &Value, changes: &mut Vec<String>) {
    let known = changes.len();
    let mut say = |what: String| changes.push(format!("panel {title:?}: {what}"));
    if then["type"] != now["type"] {
        say(format!("is a {} now, not a {}", text(&now["type"]), text(&then["type"])));
    }
    let place = |panel: &Value| ["x", "y", "w", "h"].map(|side| panel["gridPos"][side].as_u64().unwrap_or(0));
    let ([x0, y0, w0, h0], [x1, y1, w1, h1]) = (place(then), place(now));
    if (w0, h0) != (w1, h1) {
        say(format!("size {w0}x{h0} -> {w1}x{h1}"));
    } else if (x0, y0) != (x1, y1) {
        say(format!("moved from {x0},{y0} to {x1},{y1}"));
    }
    let unit = |panel: &Value| text(&panel["fieldConfig"]["defaults"]["unit"]).to_owned();
    if unit(then) != unit(now) {
        say(format!("unit {} -> {}", unit(then), unit(now)));
    }
    let (before, after) = (steps(then), steps(now));
    for (colour, value) in &before {
        match after.get(colour) {
            Some(value_now) if value_now != value => say(format!("{} {value} -> {value_now}", line(then, colour))),
            None => say(format!("{} {value} is gone", line(then, colour))),
            Some(_) => {}
        }
    }
    after.iter().filter(|(colour, _)| !before.contains_key(*colour)).for_each(|(colour, value)| {
        say(format!("{} {value} is new", line(now, colour)));
    });
    let (before, after) = (queries(then), queries(now));
    for (name, expr) in &before {
        match after.get(name) {
            Some(now) if now != expr => {
                say(format!("query {name} asks something else:\n    was {expr}\n    is  {now}"))
            }
            None => say(format!("query {name} is gone")),
            Some(_) => {}
        }
    }
    after.keys().filter(|name| !before.contains_key(*name)).for_each(|name| say(format!("query {name} is new")));
    if then["description"] != now["description"] {
        say("has another description".to_owned());
    }
    if changes.len() == known && (without_place(then) != without_place(now)) {
        changes.push(format!("panel {title:?}: looks different (options or fields)"));
    }
}

/// A panel but for what layout gives it.
fn without_place(panel: &Value) -> Value {
    let mut panel = panel.clone();
    if let Some(fields) = panel.as_object_mut() {
        fields.remove("id");
        fields.remove("gridPos");
    }
    panel
}

/// The value at which each colour begins.
fn steps(panel: &Value) -> BTreeMap<String, String> {
    let steps = panel.pointer("/fieldConfig/defaults/thresholds/steps").and_then(Value::as_array).into_iter().flatten();
    let steps = steps.filter(|step| !step["value"].is_null());
    steps.map(|step| (text(&step["color"]).to_owned(), step["value"].to_string())).collect()
}

/// Of a latency, red begins where the promise ends.
fn line(panel: &Value, colour: &str) -> String {
    let is_latency = panel.pointer("/fieldConfig/defaults/unit").is_some_and(|unit| unit == "ms");
    if is_latency && colour == "red" { "SLO line".to_owned() } else { format!("{colour} from") }
}

/// A panel's queries by what they are called; several of one name by their number.
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
mod tests {
    use dashboards::service_dashboard;
    use monitoring::services::stock_ai::STOCK_AI;

    use super::*;

    /// What differs in a dashboard after a change.
    fn changes_after(change: impl FnOnce(&mut Value)) -> Vec<String> {
        let then = serde_json::to_value(service_dashboard::dashboard(&STOCK_AI)).unwrap();
        let mut now = then.clone();
        change(&mut now);
        differences(&then, &now)
    }

    #[test]
    fn a_change_is_said_in_words() {
        assert_eq!(changes_after(|_| {}), Vec::<String>::new());
        let panel = "/panels/0";
        let of = |path: &str| format!("{panel}{path}");
        let set = |path: &str, value: Value| {
            let path = of(path);
            changes_after(move |now| *now.pointer_mut(&path).unwrap() = value)
        };
        assert_eq!(
            set("/fieldConfig/defaults/thresholds/steps/1/value", 250.into()),
            ["panel \"Join room latency\": SLO line 300 -> 250"]
        );
        assert_eq!(set("/gridPos/w", 8.into()), ["panel \"Join room latency\": size 12x9 -> 8x9"]);
        assert_eq!(set("/gridPos/y", 8.into()), ["panel \"Join room latency\": moved from 0,0 to 0,8"]);
        assert_eq!(set("/fieldConfig/defaults/unit", "s".into()), ["panel \"Join room latency\": unit ms -> s"]);
        assert!(set("/targets/0/expr", "up".into())[0].contains("asks something else"));
        assert_eq!(
            set("/fieldConfig/defaults/custom/lineWidth", 9.into()),
            ["panel \"Join room latency\": looks different (options or fields)"]
        );
        assert_eq!(set("/title", "Other".into()), ["panel \"Join room latency\" is gone", "panel \"Other\" is new"]);
        assert_eq!(changes_after(|now| now["refresh"] = "1m".into()), ["refresh: \"5s\" -> \"1m\""]);
        assert_eq!(changes_after(|now| now["graphTooltip"] = 0.into()).len(), 1);
    }
}
