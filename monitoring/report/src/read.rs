//! Reads `report.json` and `comparison.json`, also of older versions, and `evidence.json`.

use monitoring::sanitize::sanitize_json;
use serde_json::{Map, Value, json};

use crate::comparison::{self, Comparison};
use crate::evidence::{self, Evidence};
use crate::report::{Report, SCHEMA};

/// Error of reading a report, a comparison or evidence.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each message says what its variant means")]
pub enum ReadError {
    #[error("not a report: it is truncated, or it is other JSON ({0})")]
    Json(#[from] serde_json::Error),
    #[error("report version {0} is not supported (supported: 1 to {SCHEMA}): use the cargo xtask that wrote it")]
    Version(String),
    #[error("comparison version {0} is not supported (supported: 1 to {known}): use the cargo xtask that wrote it", known = comparison::SCHEMA)]
    ComparisonVersion(String),
    #[error("not a comparison: it is truncated, or it is other JSON ({0})")]
    Comparison(serde_json::Error),
    #[error("evidence version {0} is not supported (supported: {known}): use the cargo xtask that wrote it", known = evidence::SCHEMA)]
    EvidenceVersion(String),
    #[error("not the evidence of a run: it is truncated, or it is other JSON ({0})")]
    Evidence(serde_json::Error),
}

/// Reads a report. Control characters are removed, because its text may come from elsewhere.
///
/// # Errors
/// If the text is not a report of a supported version.
pub fn read_report(text: &str) -> Result<Report, ReadError> {
    let mut json: Value = serde_json::from_str(text)?;
    sanitize_json(&mut json);
    match json["schema"].as_u64() {
        Some(1) => upgrade(&mut json, SCHEMA),
        Some(schema) if schema == u64::from(SCHEMA) => {}
        other => return Err(ReadError::Version(version(other))),
    }
    Ok(serde_json::from_value(json)?)
}

/// Reads evidence. Control characters are removed, because its text may come from elsewhere.
///
/// # Errors
/// If the text is not evidence of a supported version.
pub fn read_evidence(text: &str) -> Result<Evidence, ReadError> {
    let mut json: Value = serde_json::from_str(text).map_err(ReadError::Evidence)?;
    sanitize_json(&mut json);
    match json["schema"].as_u64() {
        Some(schema) if schema == u64::from(evidence::SCHEMA) => {
            serde_json::from_value(json).map_err(ReadError::Evidence)
        }
        other => Err(ReadError::EvidenceVersion(version(other))),
    }
}

/// Reads a comparison. Control characters are removed, because its text may come from elsewhere.
///
/// # Errors
/// If the text is not a comparison of a supported version.
pub fn read_comparison(text: &str) -> Result<Comparison, ReadError> {
    let mut json: Value = serde_json::from_str(text).map_err(ReadError::Comparison)?;
    sanitize_json(&mut json);
    match json["schema"].as_u64() {
        Some(1) => {
            upgrade(&mut json, comparison::SCHEMA);
            for endpoint in list(&mut json, "endpoints") {
                endpoint["conclusion"] = endpoint["finding"].clone();
            }
        }
        Some(schema) if schema == u64::from(comparison::SCHEMA) => {}
        other => return Err(ReadError::ComparisonVersion(version(other))),
    }
    serde_json::from_value(json).map_err(ReadError::Comparison)
}

fn version(schema: Option<u64>) -> String {
    schema.map_or_else(|| "unknown".to_owned(), |schema| schema.to_string())
}

/// Converts the fields that reports and comparisons of version 1 have in common to the given
/// version. Version 1 had flat objectives, with zeros for fields that do not apply. It had separate
/// lists of problems and warnings, which had no kind.
fn upgrade(json: &mut Value, schema: u32) {
    json["schema"] = schema.into();
    list(json, "objectives").for_each(upgrade_objective);
    let problem = |it: &mut Value| json!({"severity": "problem", "subject": "run", "kind": "other", "exit_code": it["exit_code"], "message": it["message"]});
    let warning = |it: &mut Value| json!({"severity": "warning", "subject": "run", "kind": "other", "message": it});
    let mut findings: Vec<_> = list(json, "problems").map(problem).collect();
    findings.extend(list(json, "warnings").map(warning));
    json["findings"] = findings.into();
}

/// Values of a list. Empty if the member is missing.
fn list<'a>(json: &'a mut Value, name: &str) -> impl Iterator<Item = &'a mut Value> {
    json.get_mut(name).and_then(Value::as_array_mut).into_iter().flatten()
}

fn upgrade_objective(objective: &mut Value) {
    let take = |name: &str| objective[name].clone();
    let share_ppm = objective["objective_ppm"].as_u64();
    let kind = objective["kind"].as_str().unwrap_or_default().to_owned();
    let tally = json!({
        "good": take("good"), "total": take("total"), "unknown": take("unknown"),
        "late": objective["late"].as_u64().unwrap_or(0),
    });
    let goal = match kind.as_str() {
        "backend" => json!({"kind": kind, "bound": objective["measured"]["bound"].as_f64().unwrap_or(0.0),
            "measure": objective["measured"]["measure"].as_str().unwrap_or("count")}),
        "latency" | "response_time" => {
            // The oldest reports have only the text: "p95 <= 300 ms".
            let text = objective["promise"].as_str().unwrap_or_default();
            let from_text = text.split("<= ").nth(1).and_then(|text| text.split(' ').next()?.parse::<f64>().ok());
            let threshold_ms = objective["threshold_ms"].as_f64().or(from_text);
            json!({"kind": kind, "share_ppm": share_ppm, "threshold_ms": threshold_ms.unwrap_or(0.0)})
        }
        _ => json!({"kind": kind, "share_ppm": share_ppm}),
    };
    let mut measured: Map<String, Value> = match kind.as_str() {
        "backend" => objective["measured"].as_object().cloned().unwrap_or_default(),
        _ => tally.as_object().cloned().unwrap_or_default(),
    };
    match kind.as_str() {
        "backend" => drop(measured.insert("kind".to_owned(), "backend".into())),
        "latency" | "response_time" => {
            measured.insert("kind".to_owned(), "percentile".into());
            for name in ["quantile_ms", "interval_ms", "response_ms"] {
                measured.insert(name.to_owned(), take(name));
            }
        }
        _ => drop(measured.insert("kind".to_owned(), "share".into())),
    }
    let is_unmeasured = take("verdict") == "not_in_scenario" || (kind == "backend" && objective["measured"].is_null());
    let reason = objective["reason"].as_str().map(|why| json!({"kind": "unavailable", "why": why}));
    *objective = json!({
        "id": take("id"), "subject": take("subject"), "objective": take("promise"),
        "on_miss": if take("severity") == "warn" { "warn" } else { "fail" },
        "goal": goal, "verdict": take("verdict"),
        "measured": if is_unmeasured { Value::Null } else { measured.into() },
    });
    if objective["verdict"] == "inconclusive" {
        objective["reason"] = reason.unwrap_or_else(|| json!({"kind": "no_data"}));
    }
}

#[cfg(test)]
mod tests;
