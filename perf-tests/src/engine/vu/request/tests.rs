//! Paths and queries on the wire, by the cases of the URL standard.

use percent_encoding::{percent_decode_str, utf8_percent_encode};
use serde::Deserialize;
use url::{Url, form_urlencoded};

use super::IN_A_SEGMENT;
use super::redirect::path_and_query;
use super::unsendable::{UnsendableError, is_path};
use crate::http::{RequestHead, Target};

#[derive(Debug, Deserialize)]
struct UrlCase {
    input: String,
    base: Option<String>,
    #[serde(default)]
    pathname: String,
    #[serde(default)]
    search: String,
    /// Whether the standard has no URL for it.
    #[serde(default)]
    failure: bool,
}

/// Paths of a catalogue that the standard would send differently, by a part of them, and why they
/// are sent as written: the author of a load tests what the service does with exactly these bytes.
const SENT_AS_WRITTEN: &[(&str, &str)] = &[
    ("/.", "a dot segment is removed"),
    ("%2e", "an encoded dot segment is removed"),
    ("%2E", "an encoded dot segment is removed"),
    ("\\", "a backslash becomes a slash"),
    ("\"", "a quotation mark is encoded"),
    ("<", "an angle bracket is encoded"),
    (">", "an angle bracket is encoded"),
    ("`", "a backtick is encoded"),
    ("'", "an apostrophe is encoded in a query"),
];

fn cases() -> Vec<UrlCase> {
    serde_json::from_str(include_str!("../../../../tests/fixtures/url-standard/urls.json")).unwrap()
}

/// The path and query of a request line.
fn on_the_wire(target: &Target, head: &RequestHead<'_>) -> String {
    let mut out = Vec::new();
    head.write(target, &mut out);
    let text = String::from_utf8(out).unwrap();
    text.strip_prefix("GET ").unwrap().split(" HTTP/1.1\r\n").next().unwrap().to_owned()
}

fn target(url: &Url) -> Target {
    Target::new(url, &[])
}

/// Follows a redirect from the base of a case to its input.
fn follow(case: &UrlCase) -> Option<String> {
    // Without a base, one of the other scheme, so that the input is not relative to it.
    let other = if case.input.trim_start().to_lowercase().starts_with("https") { "http://x/" } else { "https://x/" };
    let base = Url::parse(case.base.as_deref().unwrap_or(other)).unwrap();
    let url = target(&base).resolve(&path_and_query(&base), &case.input)?;
    let path = path_and_query(&url);
    Some(on_the_wire(&target(&url), &RequestHead { absolute: true, ..RequestHead::new("GET", &path) }))
}

#[test]
fn a_redirect_has_the_path_and_query_of_the_standard() {
    let mut followed = 0;
    for case in cases() {
        let expected = (!case.failure).then(|| format!("{}{}", case.pathname, case.search));
        // An empty query is the same to a server, and its question mark stays.
        let wire = follow(&case).map(|wire| wire.strip_suffix('?').unwrap_or(&wire).to_owned());
        assert_eq!(wire, expected, "{case:?}");
        followed += u32::from(wire.is_some());
    }
    assert!(followed > 200, "{followed}");
}

#[test]
fn a_target_has_the_base_path_of_the_standard() {
    let (mut targets, head) = (0, RequestHead::new("GET", "/ping?x=1"));
    for case in cases().into_iter().filter(|case| case.base.is_none()) {
        let url = perf_settings::parse_url(&case.input);
        assert_eq!(url.is_err(), case.failure, "{case:?}");
        let Ok(url) = url else { continue };
        let base = case.pathname.trim_end_matches('/');
        assert_eq!(on_the_wire(&target(&url), &head), format!("{base}/ping?x=1"), "{case:?}");
        targets += 1;
    }
    assert!(targets > 50, "{targets}");
}

#[test]
fn a_catalogue_path_is_that_of_the_standard_or_a_named_difference() {
    let (mut equal, mut different, mut used) = (0, 0, std::collections::BTreeSet::new());
    for case in cases().into_iter().filter(|case| !case.failure) {
        let after_host = case.input.split_once("://").and_then(|(_, rest)| rest.find('/').map(|at| &rest[at..]));
        let relative = Some(&*case.input).filter(|input| input.starts_with('/') && !input.starts_with("//"));
        let Some(path) = after_host.or(relative).filter(|path| is_path(path)) else { continue };
        let wire = on_the_wire(&target(&Url::parse("http://h").unwrap()), &RequestHead::new("GET", path));
        if wire == format!("{}{}", case.pathname, case.search) {
            equal += 1;
            continue;
        }
        let why = SENT_AS_WRITTEN.iter().find(|(part, _)| path.contains(part));
        used.insert(why.unwrap_or_else(|| panic!("not in the table: {case:?}")).0);
        assert_eq!(wire, path);
        different += 1;
    }
    assert!(equal > 50 && different > 10, "{equal} {different}");
    let unused: Vec<_> = SENT_AS_WRITTEN.iter().filter(|(part, _)| !used.contains(part)).collect();
    assert!(unused.is_empty(), "{unused:?}");
}

#[test]
fn values_of_paths_and_queries_arrive_as_they_were_given() {
    let (mut segments, mut pairs) = (0, 0);
    for case in cases().into_iter().filter(|case| !case.failure) {
        // The segments decoded, and as they are: a value may look encoded.
        let texts = case.pathname.split('/');
        for value in texts.flat_map(|text| [percent_decode_str(text).decode_utf8().ok(), Some(text.into())]).flatten() {
            let wire = format!("/{}", utf8_percent_encode(&value, IN_A_SEGMENT));
            assert!(is_path(&wire), "{wire}");
            if matches!(&*value, "" | "." | "..") {
                continue;
            }
            // The standard changes nothing in it, and a server decodes the same value.
            assert_eq!(Url::parse(&format!("http://h{wire}")).unwrap().path(), wire);
            assert_eq!(percent_decode_str(&wire[1..]).decode_utf8().unwrap(), value);
            segments += 1;
        }
        let search = case.search.trim_start_matches('?');
        let given: Vec<_> = form_urlencoded::parse(search.as_bytes()).into_owned().collect();
        let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(&given).finish();
        let url = Url::parse(&format!("http://h/?{query}")).unwrap();
        assert_eq!(url.query().unwrap_or_default(), query);
        assert_eq!(url.query_pairs().into_owned().collect::<Vec<_>>(), given);
        pairs += given.len();
    }
    assert!(segments > 100 && pairs > 10, "{segments} {pairs}");
}

#[test]
fn an_unknown_value_of_a_path_is_refused_with_the_known_ones() {
    for (path, expected) in [
        ("/notes/{id}", "its path has no {note}, only {id}"),
        ("/notes/{id}/{page}", "its path has no {note}, only {id} and {page}"),
        ("/notes", "its path has no {note}"),
    ] {
        assert_eq!(UnsendableError::NoPlaceholder("note".to_owned(), path.to_owned()).to_string(), expected);
    }
}
