//! The cookie cases of the IETF's http-state working group, and the rules that came after them.

use std::time::Duration;

use serde::Deserialize;

use super::*;
use crate::clock;

#[derive(Deserialize)]
struct Pair {
    name: String,
    value: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct CookieCase {
    test: String,
    received: Vec<String>,
    sent: Vec<Pair>,
    sent_to: Option<String>,
}

/// Cases that RFC 6265bis decides otherwise than RFC 6265, or that are disabled or optional in the
/// original, and the header that RFC 6265bis asks for.
const DECIDED_OTHERWISE: &[(&str, &str)] = &[
    // A cookie may have no name (section 5.6, step 3).
    ("0004", "foo"),
    ("0021", "a=b; x; c=d"),
    ("0023", "foo"),
    ("0024", "foo"),
    ("0025", "foo"),
    ("0026", "foo"),
    ("0027", "bar"),
    ("0028", "foo"),
    ("CHROMIUM0009", "BLAHHH"),
    ("CHROMIUM0010", r#""BLA\"HHH""#),
    ("CHROMIUM0012", "ABC"),
    ("MOZILLA0012", r#"test="fubar! = foo; five"#),
    ("MOZILLA0014", "six"),
    ("MOZILLA0015", "seven"),
    ("MOZILLA0016", "eight"),
    ("MOZILLA0017", "eight; test=six"),
    ("NAME0017", "a=bar"),
    ("NAME0023", "foo"),
    ("NAME0025", "==a=bar"),
    ("NAME0028", "a"),
    ("NAME0031", r#""foo"#),
    ("NAME0032", r#""foo\"bar"#),
    ("NAME0033", "aaa"),
    // A control character refuses the whole cookie (section 5.6, step 1).
    ("DISABLED_CHROMIUM0022", ""),
    ("DISABLED_CHROMIUM0023", ""),
    // Paths are compared without decoding (section 5.1.4).
    ("DISABLED_PATH0029", ""),
    // The last domain decides, and an empty one is that of the host (section 5.7, step 9).
    ("OPTIONAL_DOMAIN0042", "foo=bar"),
];

/// The cases were written in 2010. Their cookies expire in 2019.
fn in_2011() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_300_000_000)
}

fn url(url: &url::Url) -> CookieUrl<'_> {
    CookieUrl { host: url.host_str().unwrap(), tls: url.scheme() == "https", path: url.path() }
}

/// The header `cookie` of a request to `sent_to`, after responses from `from`.
fn header(received: &[&str], from: &str, sent_to: &str) -> String {
    let (from, sent_to) = (url::Url::parse(from).unwrap(), url::Url::parse(sent_to).unwrap());
    let (mut jar, now) = (CookieJar::default(), clock::now());
    received.iter().for_each(|line| jar.store(line.as_bytes(), url(&from), now, in_2011()).unwrap_or_default());
    String::from_utf8(jar.header(url(&sent_to), now).to_vec()).unwrap()
}

#[test]
fn cookies_are_those_of_the_http_state_cases() {
    let cases = include_str!("../../../tests/fixtures/http-state/cookies.json");
    let cases: Vec<CookieCase> = serde_json::from_str(cases).unwrap();
    assert_eq!(cases.len(), 222);
    let mut wrong = Vec::new();
    for CookieCase { test, received, sent, sent_to } in cases {
        let from = format!("http://home.example.org:8888/cookie-parser?{test}");
        let to = sent_to.unwrap_or_else(|| format!("/cookie-parser-result?{test}"));
        let to = url::Url::parse(&from).unwrap().join(&to).unwrap();
        let received: Vec<_> = received.iter().map(String::as_str).collect();
        let found = header(&received, &from, to.as_str());
        let expected: Vec<_> = sent.iter().map(|Pair { name, value }| format!("{name}={value}")).collect();
        let otherwise = DECIDED_OTHERWISE.iter().find(|(name, _)| *name == test);
        let expected = otherwise.map_or_else(|| expected.join("; "), |(_, header)| (*header).to_owned());
        if found != expected {
            wrong.push(format!("{test}: {received:?}: sent {found:?}, not {expected:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn dates_are_those_of_the_http_state_cases() {
    #[derive(Deserialize)]
    struct DateCase {
        test: String,
        expected: Option<String>,
    }
    let cases: Vec<DateCase> =
        serde_json::from_str(include_str!("../../../tests/fixtures/http-state/dates.json")).unwrap();
    assert_eq!(cases.len(), 70);
    for DateCase { test, expected } in cases {
        let found = set_cookie::parse_date(&test);
        let found = found.map(|seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds.try_into().unwrap()));
        assert_eq!(found.map(httpdate::fmt_http_date), expected, "{test}");
    }
}

/// One response of `from`, and the header of the next request to `to`.
#[test]
fn rules_of_rfc_6265bis_decide_what_is_sent() {
    const SITE: &str = "https://shop.example.org/a/b";
    let long = format!("a={}", "x".repeat(4095));
    let longer = format!("a={}", "x".repeat(4096));
    for (line, from, to, expected) in [
        // Section 4.1.3: prefixes, in any case.
        ("__Host-a=1; Secure; Path=/", SITE, SITE, "__Host-a=1"),
        ("__Host-a=1; Secure", SITE, SITE, ""),
        ("__host-a=1; Secure; Path=/; Domain=shop.example.org", SITE, SITE, ""),
        ("__Secure-a=1; Secure", SITE, SITE, "__Secure-a=1"),
        ("__SECURE-a=1", SITE, SITE, ""),
        ("=__Secure-a=1; Secure", SITE, SITE, ""),
        // Section 5.6: sizes, controls, and cookies without a name.
        (&long, SITE, SITE, &long),
        (&longer, SITE, SITE, ""),
        ("a=\u{1}1", SITE, SITE, ""),
        ("token", SITE, SITE, "token"),
        ("=token", SITE, SITE, "token"),
        (" = ", SITE, SITE, ""),
        // Section 5.7: SameSite=None needs Secure. Other values change nothing here.
        ("a=1; SameSite=None", SITE, SITE, ""),
        ("a=1; SameSite=None; Secure", SITE, SITE, "a=1"),
        ("a=1; SameSite=Strict", SITE, SITE, "a=1"),
        // Secure is neither accepted nor sent without TLS, except on this machine.
        ("a=1; Secure", "http://example.org/", "https://example.org/", ""),
        ("a=1; Secure", "https://example.org/", "http://example.org/", ""),
        ("a=1; Secure", "http://127.0.0.1:8000/", "http://127.0.0.1:8000/", "a=1"),
        ("a=1; Secure", "http://localhost/", "http://localhost/", "a=1"),
        // Hosts and domains. A port does not separate cookies.
        ("a=1", "http://127.0.0.1:8000/", "http://127.0.0.1:9000/", "a=1"),
        ("a=1; Domain=127.0.0.1", "http://127.0.0.1/", "http://127.0.0.1/", "a=1"),
        ("a=1; Domain=0.0.1", "http://127.0.0.1/", "http://127.0.0.1/", ""),
        ("a=1; Domain=.EXAMPLE.org", SITE, "https://www.example.org/a/", "a=1"),
        ("a=1", SITE, "https://www.shop.example.org/a/", ""),
        ("a=1; Domain=ample.org", SITE, SITE, ""),
        // Public suffixes: known ones, and the only label of a private name.
        ("a=1; Domain=co.uk", "http://shop.co.uk/", "http://shop.co.uk/", ""),
        ("a=1; Domain=github.io", "http://me.github.io/", "http://me.github.io/", ""),
        ("a=1; Domain=github.io", "http://github.io/", "http://me.github.io/", ""),
        ("a=1; Domain=github.io", "http://github.io/", "http://github.io/", "a=1"),
        ("a=1; Domain=internal", "http://shop.internal/", "http://shop.internal/", ""),
        ("a=1; Domain=shop.internal", "http://a.shop.internal/", "http://b.shop.internal/", "a=1"),
        // Paths.
        ("a=1; Path=/a", SITE, "https://shop.example.org/ab", ""),
        ("a=1", "http://h.example.org/login", "http://h.example.org/cart", "a=1"),
        // Max-Age decides before Expires.
        ("a=1; Max-Age=1; Expires=Thu, 01 Jan 1970 00:00:00 GMT", SITE, SITE, "a=1"),
        ("a=1; Max-Age=-1; Expires=Thu, 01 Jan 2037 00:00:00 GMT", SITE, SITE, ""),
    ] {
        assert_eq!(header(&[line], from, to), expected, "{line:.80} from {from} to {to}");
    }
}

#[test]
fn longer_paths_and_earlier_cookies_are_sent_first() {
    let lines = ["b=1; Path=/", "a=1; Path=/", "c=1; Path=/x", "b=2; Path=/"];
    assert_eq!(header(&lines, "http://h.example/", "http://h.example/x/y"), "c=1; b=2; a=1");
}

#[test]
fn a_secure_cookie_is_not_hidden_by_another() {
    let (tls, plain) = ("https://h.example/", "http://h.example/");
    let (secure, open) = (url::Url::parse(tls).unwrap(), url::Url::parse(plain).unwrap());
    let (mut jar, now) = (CookieJar::default(), clock::now());
    jar.store(b"a=1; Secure", url(&secure), now, in_2011()).unwrap();
    assert!(jar.store(b"a=2", url(&open), now, in_2011()).is_err());
    assert_eq!(jar.header(url(&secure), now), b"a=1");
    jar.store(b"a=3", url(&secure), now, in_2011()).unwrap();
    assert_eq!(jar.header(url(&secure), now), b"a=3");
}

#[test]
fn a_cookie_expires_by_the_time_that_it_gives() {
    let (mut jar, now) = (CookieJar::default(), clock::now());
    let here = CookieUrl { host: "h.example", tls: false, path: "/" };
    jar.store(b"a=1; Max-Age=10", here, now, in_2011()).unwrap();
    let date = httpdate::fmt_http_date(in_2011() + Duration::from_secs(20));
    jar.store(format!("b=1; Expires={date}").as_bytes(), here, now, in_2011()).unwrap();
    jar.store(b"c=1; Max-Age=99999999999999999999", here, now, in_2011()).unwrap();
    for (after, expected) in [(9, "a=1; b=1; c=1"), (10, "b=1; c=1"), (20, "c=1"), (400 * 24 * 3600, "")] {
        assert_eq!(jar.header(here, now + Duration::from_secs(after)), expected.as_bytes(), "after {after} s");
    }
    jar.store(b"c=; Max-Age=0", here, now, in_2011()).unwrap();
    assert_eq!(jar.header(here, now), b"a=1; b=1");
}

#[test]
fn a_jar_keeps_the_newest_within_its_limits() {
    let here = CookieUrl { host: "h.example", tls: false, path: "/" };
    for (size, expected) in [(1, MAX_COOKIES), (4000, MAX_BYTES / 4005)] {
        let (mut jar, now) = (CookieJar::default(), clock::now());
        for number in 0..1000 {
            jar.store(format!("n{number:04}={}", "x".repeat(size)).as_bytes(), here, now, in_2011()).unwrap();
        }
        assert_eq!(jar.cookies.len(), expected);
        assert!(jar.cookies.iter().all(|it| *it.name >= *format!("n{:04}", 1000 - expected).as_bytes()));
    }
}

/// The header of a request to `shop.example` after a login there, and after 1000 cookies of unique
/// names from `host`. Requests to the shop follow each of them.
fn session_after_many_cookies(host: &str, attributes: &str) -> String {
    let shop = CookieUrl { host: "shop.example", tls: true, path: "/" };
    let (mut jar, now) = (CookieJar::default(), clock::now());
    jar.store(b"session=1", shop, now, in_2011()).unwrap();
    for number in 0..1000 {
        jar.header(shop, now);
        jar.store(format!("n{number}=1{attributes}").as_bytes(), CookieUrl { host, ..shop }, now, in_2011()).unwrap();
    }
    String::from_utf8(jar.header(shop, now).to_vec()).unwrap()
}

#[test]
fn a_session_in_use_outlives_later_cookies() {
    for attributes in ["", "; Path=/elsewhere"] {
        for host in ["ads.example", "shop.example"] {
            let header = session_after_many_cookies(host, attributes);
            assert!(header.starts_with("session=1"), "{host}{attributes}: {header:.80}");
        }
    }
    let later = session_after_many_cookies("shop.example", "; Secure");
    assert!(!later.contains("session"), "a cookie without Secure goes first: {later:.80}");
}
