//! Readable outline of a dashboard for reviews: one line for each variable, annotation, panel and
//! query.

use crate::grafana::{Dashboard, GridPos, Panel, VariableQuery};

/// Makes the outline.
pub fn outline(dashboard: &Dashboard) -> String {
    let mut lines = vec![format!("{} ({})", dashboard.title, dashboard.uid)];
    for variable in &dashboard.templating.list {
        let from = match &variable.query {
            VariableQuery::Prometheus { query, .. } => query.to_string(),
            VariableQuery::Kind(kind) => (*kind).to_owned(),
        };
        lines.push(format!("variable ${}: {from}", variable.name));
    }
    for annotation in &dashboard.annotations.list {
        lines.push(format!("annotation {}: {}", annotation.name, annotation.target.expr));
    }
    for panel in &dashboard.panels {
        lines.push(panel_line(panel));
        for target in &panel.targets {
            let reason = target.query.excuse.map(|reason| format!(" [may be empty: {reason}]")).unwrap_or_default();
            lines.push(format!("  {}: {}{reason}", target.legend_format, shortened(&target.expr)));
        }
    }
    lines.join("\n")
}

/// Shortens a long query to its beginning and its length, because many queries repeat the same
/// expression for each endpoint.
fn shortened(expr: &str) -> String {
    const SHOWN: usize = 200;
    match expr.char_indices().nth(SHOWN) {
        Some((at, _)) => format!("{}… ({} characters)", &expr[..at], expr.chars().count()),
        None => expr.to_owned(),
    }
}

fn panel_line(panel: &Panel) -> String {
    let GridPos { x, y, w, h } = panel.grid_pos;
    let Some(config) = &panel.field_config else { return format!("{} \"{}\" at {x},{y}", panel.kind, panel.title) };
    let lines = config.defaults.thresholds.iter().flat_map(|thresholds| &thresholds.steps);
    let line = lines.filter_map(|step| Some((step.color, step.value.as_ref()?)));
    let line = line.map(|(color, value)| format!(", {color} from {value}"));
    let unit = config.defaults.unit;
    format!("{} \"{}\" at {x},{y} size {w}x{h}, {unit}{}", panel.kind, panel.title, line.collect::<String>())
}
