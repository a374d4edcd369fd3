//! A dashboard in few words, for a reviewer's eye: a line for each variable, panel and query.

use crate::grafana::{Dashboard, GridPos, Panel};

/// The outline.
pub fn outline(dashboard: &Dashboard) -> String {
    let mut lines = vec![format!("{} ({})", dashboard.title, dashboard.uid)];
    for variable in &dashboard.templating.list {
        lines.push(format!("variable ${}: {}", variable.name, variable.query.query));
    }
    for panel in &dashboard.panels {
        lines.push(panel_line(panel));
        for target in &panel.targets {
            lines.push(format!("  {}: {}", target.legend_format, target.expr));
        }
    }
    lines.join("\n")
}

fn panel_line(panel: &Panel) -> String {
    let GridPos { x, y, w, h } = panel.grid_pos;
    let lines = panel.field_config.defaults.thresholds.iter().flat_map(|thresholds| &thresholds.steps);
    let line = lines.filter_map(|step| step.value.as_ref()).map(|value| format!(", line at {value}"));
    let unit = panel.field_config.defaults.unit;
    format!("{} \"{}\" at {x},{y} size {w}x{h}, {unit}{}", panel.kind, panel.title, line.collect::<String>())
}
