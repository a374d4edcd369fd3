//! Tests of `response`.

use super::*;

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

#[test]
fn responses_are_classified() {
    let found = |text: &str| query_result(&json(text));
    let series = |value: &str| format!(r#"{{"data":{{"result":[{{"values":[[1,"NaN"],[2,"{value}"]]}}]}}}}"#);
    assert_eq!(found(&series("3")), QueryResult::Data);
    assert_eq!(found(&series("+Inf")), QueryResult::Data);
    assert_eq!(found(&series("NaN")), QueryResult::OnlyNan);
    assert_eq!(found(r#"{"data":{"result":[]}}"#), QueryResult::Nothing);
    assert_eq!(found(r#"{"data":{"result":[{"value":[1,"NaN"]}]}}"#), QueryResult::OnlyNan);
    assert_eq!(found(r#"{"error":"bad"}"#), QueryResult::Complaint("bad".to_owned()));
    assert_eq!(
        found(r#"{"warnings":["w"],"data":{"result":[{"value":[1,"1"]}]}}"#),
        QueryResult::Complaint("w".to_owned())
    );
    assert_eq!(found(r#"{"infos":["i"],"data":{"result":[{"value":[1,"1"]}]}}"#), QueryResult::Data);
    let of_2_53 = r#"{"warnings":["PromQL info: a name","WARNED"],"data":{"result":[{"value":[1,"1"]}]}}"#;
    assert_eq!(found(of_2_53), QueryResult::Complaint("WARNED".to_owned()));
    assert_eq!(found(&of_2_53.replace(",\"WARNED\"", "")), QueryResult::Data);
    assert!(matches!(found(r#"{"html":1}"#), QueryResult::Complaint(_)));
}

#[test]
fn several_values_are_not_one_value() {
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
fn failed_scrapes_are_those_of_the_job() {
    let target = |job: &str, error: &str| {
        format!(
            r#"{{"labels":{{"job":"{job}"}},"scrapeUrl":"http://me:S3cr3t@h:1/metrics?key=S3cr3t","lastError":"{error}"}}"#
        )
    };
    let why = "server returned HTTP status 401 Unauthorized";
    let targets = [target("other", "refused"), target("backend", ""), target("backend", why)].join(",");
    let read = |text: &str| scrape_errors(&json(text), "backend");
    let errors = read(&format!(r#"{{"data":{{"activeTargets":[{targets}]}}}}"#)).unwrap();
    assert_eq!(errors, [ScrapeError { url: "http://h:1/metrics".to_owned(), why: why.to_owned() }]);
    assert!(read(r#"{"error":"no such API"}"#).unwrap_err().to_string().contains("no such API"));
}

#[test]
fn shown_text_is_short_and_has_no_control_characters() {
    let long = json(&format!(r#"{{"html":"\u001b[2J\u009b{}"}}"#, "x".repeat(10_000)));
    for text in [error_text(&long), shown("\u{1b}[2J\u{202e}\n")] {
        assert!(text.len() < 400 && !text.contains(['\u{1b}', '\u{9b}', '\u{202e}', '\n']), "{text}");
    }
}
