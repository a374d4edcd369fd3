//! What Prometheus answers, <https://prometheus.io/docs/prometheus/latest/querying/api/>. Whoever answers is not trusted: any JSON is read,
//! or said to be no answer.

use std::collections::BTreeMap;

use serde_json::Value;

use monitoring::sanitize::one_line;

/// How much of what somebody said is worth showing.
const SHOWN: usize = 300;

/// What came of a query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// Values that are numbers.
    Data,
    /// No series.
    Nothing,
    /// Series without a number.
    OnlyNan,
    /// The store refused or warned.
    Complaint(String),
}

impl Found {
    /// Why it is no proof of anything; none if there is data.
    pub fn why_not(&self) -> Option<&str> {
        match self {
            Self::Data => None,
            Self::Nothing => Some("no series"),
            Self::OnlyNan => Some("no number among its values"),
            Self::Complaint(text) => Some(text),
        }
    }
}

/// A series, and its values over time.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// Its labels by name.
    pub labels: BTreeMap<String, String>,
    /// Seconds since 1970, and the value then.
    pub points: Vec<(f64, f64)>,
}

impl Series {
    /// A label's value; nothing if it has no such label.
    pub fn label(&self, name: &str) -> &str {
        self.labels.get(name).map_or("", String::as_str)
    }
}

/// It is no answer to what was asked; what was said instead.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NoAnswer(String);

/// What an answer to a query, instant or over a range, comes to.
pub fn found(answer: &Value) -> Found {
    let mut warnings = answer["warnings"].as_array().into_iter().flatten().filter_map(Value::as_str);
    if let Some(text) = warnings.find(|text| !is_remark(text)) {
        return Found::Complaint(shown(text));
    }
    let Some(series) = answer.pointer("/data/result").and_then(Value::as_array) else {
        return Found::Complaint(complaint(answer));
    };
    if series.is_empty() {
        return Found::Nothing;
    }
    let is_number = |point: &Value| point[1].as_str().is_some_and(|text| text != "NaN");
    let has_number = series.iter().any(|series| match series["values"].as_array() {
        Some(points) => points.iter().any(is_number),
        None => is_number(&series["value"]),
    });
    if has_number { Found::Data } else { Found::OnlyNan }
}

/// Whether a warning is none: k6's names of counters, which ours are, do not end in `_total`. Prometheus has "infos" for that; before 3.0 they are
/// among its warnings.
pub fn is_remark(warning: &str) -> bool {
    warning.starts_with("PromQL info: ")
}

/// The one value that an instant query gives; none if it has none.
///
/// # Errors
/// If it gives several, or what is no number, or is no answer.
pub fn value(answer: &Value) -> Result<Option<f64>, NoAnswer> {
    match found(answer) {
        Found::Data => {}
        Found::Nothing | Found::OnlyNan => return Ok(None),
        Found::Complaint(why) => return Err(NoAnswer(why)),
    }
    match answer.pointer("/data/result").and_then(Value::as_array).map(Vec::as_slice) {
        Some([one]) => number(&one["value"]).map(|(_, value)| Some(value)),
        _ => Err(NoAnswer("several values where one was asked for".to_owned())),
    }
}

/// The value of an expression that has no series, such as `time()`.
///
/// # Errors
/// If it is no such answer.
pub fn scalar(answer: &Value) -> Result<f64, NoAnswer> {
    let value = answer.pointer("/data/result").ok_or_else(|| NoAnswer(complaint(answer)))?;
    number(value).map(|(_, value)| value)
}

/// A time and a value, which is text since JSON has neither infinity nor NaN.
fn number(point: &Value) -> Result<(f64, f64), NoAnswer> {
    let read = || Some((point[0].as_f64()?, point[1].as_str()?.parse().ok()?));
    read().ok_or_else(|| NoAnswer(format!("a value that is none: {}", shown(&point.to_string()))))
}

/// The series that a query over a range gives.
///
/// # Errors
/// If it is no such answer.
pub fn series(answer: &Value) -> Result<Vec<Series>, NoAnswer> {
    let result = answer.pointer("/data/result").and_then(Value::as_array);
    let of_series = |series: &Value| {
        let points = series["values"].as_array().ok_or_else(|| NoAnswer(complaint(series)))?;
        let text = |(name, value): (&String, &Value)| Some((name.clone(), value.as_str()?.to_owned()));
        let labels = series["metric"].as_object().into_iter().flatten().filter_map(text).collect();
        Ok(Series { labels, points: points.iter().map(number).collect::<Result<_, _>>()? })
    };
    result.ok_or_else(|| NoAnswer(complaint(answer)))?.iter().map(of_series).collect()
}

/// The values of a label.
///
/// # Errors
/// If it is no such answer.
pub fn label_values(answer: &Value) -> Result<Vec<String>, NoAnswer> {
    let values = answer["data"].as_array().ok_or_else(|| NoAnswer(complaint(answer)))?;
    Ok(values.iter().filter_map(|value| value.as_str().map(str::to_owned)).collect())
}

/// Whether there are any series that match.
///
/// # Errors
/// If it is no such answer.
pub fn has_series(answer: &Value) -> Result<bool, NoAnswer> {
    answer["data"].as_array().map(|series| !series.is_empty()).ok_or_else(|| NoAnswer(complaint(answer)))
}

/// Rules by name, and what is wrong with each of them.
///
/// # Errors
/// If it is no such answer.
pub fn rules(answer: &Value) -> Result<Vec<(String, Option<String>)>, NoAnswer> {
    let groups = answer.pointer("/data/groups").and_then(Value::as_array);
    let groups = groups.ok_or_else(|| NoAnswer(complaint(answer)))?;
    let rules = groups.iter().filter_map(|group| group["rules"].as_array()).flatten();
    let rules = rules.filter_map(|rule| {
        let wrong = (rule["health"] == "err").then(|| shown(rule["lastError"].as_str().unwrap_or("unhealthy")));
        Some((rule["name"].as_str()?.to_owned(), wrong))
    });
    Ok(rules.collect())
}

/// What somebody said instead of an answer.
pub fn complaint(answer: &Value) -> String {
    let said = ["error", "message"].iter().find_map(|key| answer[key].as_str());
    said.map_or_else(|| format!("an answer that is none: {}", shown(&answer.to_string())), shown)
}

/// The beginning of a text from outside, on one line and without control characters.
pub fn shown(text: &str) -> String {
    one_line(text.trim()).chars().take(SHOWN).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(text: &str) -> Value {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn answers_are_told_apart() {
        let found = |text: &str| found(&json(text));
        let series = |value: &str| format!(r#"{{"data":{{"result":[{{"values":[[1,"NaN"],[2,"{value}"]]}}]}}}}"#);
        assert_eq!(found(&series("3")), Found::Data);
        assert_eq!(found(&series("+Inf")), Found::Data);
        assert_eq!(found(&series("NaN")), Found::OnlyNan);
        assert_eq!(found(r#"{"data":{"result":[]}}"#), Found::Nothing);
        assert_eq!(found(r#"{"data":{"result":[{"value":[1,"NaN"]}]}}"#), Found::OnlyNan);
        assert_eq!(found(r#"{"error":"bad"}"#), Found::Complaint("bad".to_owned()));
        assert_eq!(
            found(r#"{"warnings":["w"],"data":{"result":[{"value":[1,"1"]}]}}"#),
            Found::Complaint("w".to_owned())
        );
        assert_eq!(found(r#"{"infos":["i"],"data":{"result":[{"value":[1,"1"]}]}}"#), Found::Data);
        let of_2_53 = r#"{"warnings":["PromQL info: a name","WARNED"],"data":{"result":[{"value":[1,"1"]}]}}"#;
        assert_eq!(found(of_2_53), Found::Complaint("WARNED".to_owned()));
        assert_eq!(found(&of_2_53.replace(",\"WARNED\"", "")), Found::Data);
        assert!(matches!(found(r#"{"html":1}"#), Found::Complaint(_)));
    }

    #[test]
    fn one_value_is_one_and_not_several() {
        let value = |text: &str| value(&json(text)).map_err(|error| error.to_string());
        assert_eq!(value(r#"{"data":{"result":[{"value":[1.5,"7"]}]}}"#), Ok(Some(7.0)));
        assert_eq!(value(r#"{"data":{"result":[]}}"#), Ok(None));
        let two = value(r#"{"data":{"result":[{"value":[1,"7"]},{"value":[1,"8"]}]}}"#);
        assert!(two.unwrap_err().contains("several"));
        assert!(value(r#"{"data":{"result":[{"value":[1,"seven"]}]}}"#).unwrap_err().contains("seven"));
        assert_eq!(value(r#"{"status":"error","error":"too many"}"#), Err("too many".to_owned()));
        assert_eq!(scalar(&json(r#"{"data":{"resultType":"scalar","result":[1.5,"1.5"]}}"#)), Ok(1.5));
    }

    #[test]
    fn series_have_labels_and_points() {
        let one = r#"{"data":{"result":[{"metric":{"a":"b"},"values":[[1,"2"],[3.5,"+Inf"]]}]}}"#;
        let read = series(&json(one)).unwrap();
        assert_eq!((read[0].label("a"), read[0].label("c")), ("b", ""));
        assert_eq!(read[0].points, [(1.0, 2.0), (3.5, f64::INFINITY)]);
        assert!(series(&json(r#"{"data":{"result":[{"metric":{}}]}}"#)).is_err());
        assert!(series(&json("{}")).is_err());
    }

    #[test]
    fn what_is_shown_is_short_and_steers_no_terminal() {
        let long = json(&format!(r#"{{"html":"\u001b[2J\u009b{}"}}"#, "x".repeat(10_000)));
        for text in [complaint(&long), shown("\u{1b}[2J\u{202e}\n")] {
            assert!(text.len() < 400 && !text.contains(['\u{1b}', '\u{9b}', '\u{202e}', '\n']), "{text}");
        }
    }
}
