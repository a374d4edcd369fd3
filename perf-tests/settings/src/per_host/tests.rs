//! Tests of `per_host`.

use super::*;
use crate::Settings;
use crate::fields::set_targets;

fn targets(text: &str) -> Result<(String, Vec<String>), ValueError> {
    let mut settings = Settings::new(parse_url("http://main.test").unwrap());
    set_targets(&mut settings, text)?;
    let hosts = settings.hosts.iter().map(|(name, url)| format!("{name} {url}"));
    Ok((settings.target.to_string(), hosts.collect()))
}

#[test]
fn targets_have_names_except_the_main_one() {
    let two = ("http://a.test/".to_owned(), vec!["auth http://b.test/x".to_owned()]);
    assert_eq!(targets("http://a.test auth=http://b.test/x"), Ok(two));
    assert_eq!(targets("auth=http://b.test").unwrap().0, "http://main.test/", "the default stays");
    assert_eq!(split("http://a.test/?auth=1").0, None, "a query is not a name");
    for wrong in ["http://a.test http://b.test", "auth=http://a.test auth=http://b.test", "auth=nowhere", " "] {
        assert!(targets(wrong).is_err(), "{wrong}");
    }
    assert!(names_main_target("auth=http://a http://b") && !names_main_target("auth=http://a"));
}

#[test]
fn a_target_has_no_query_and_no_fragment() {
    for text in ["http://a.test/?token=b", "http://a.test/x#y", "auth=http://a.test/?", "http://a.test/#"] {
        let error = targets(text).unwrap_err().to_string();
        assert!(error.contains("a.test") && error.contains("query or a fragment") && error.contains("remove it"));
        assert!(!error.contains("token"), "{error}");
    }
}

#[test]
#[cfg(unix)]
fn a_target_may_be_a_unix_socket() {
    let two = ("unix:/run/a.sock".to_owned(), vec!["auth unix:/run/b=c.sock:/base".to_owned()]);
    let (main, hosts) = targets("unix:/run/a.sock auth=unix:/run/b%3Dc.sock:/base").unwrap();
    assert_eq!((main, hosts.join(" ").replace("%3D", "=")), (two.0, two.1.join(" ")));
    assert!(names_main_target("unix:/run/a=b.sock"));
}

#[test]
fn a_host_has_its_own_value_or_the_one_without_a_name() {
    let files = PerHost::parse("all.pem\nauth=own=1.pem", |text| Ok(text.to_owned())).unwrap();
    let of = |host| files.get(host).map(String::as_str);
    assert_eq!([of(None), of(Some("auth")), of(Some("shop"))], [Some("all.pem"), Some("own=1.pem"), Some("all.pem")]);
    assert_eq!(files.get_own(Some("shop")), None);
    assert!(PerHost::parse("a.pem\nb.pem", |text| Ok(text.to_owned())).is_err());
}
