//! Tests of `config`.

use super::*;

fn config(settings: HttpSettings) -> HttpConfig {
    let url = |text: &str| Url::parse(text).unwrap();
    let others = BTreeMap::from([("auth".to_owned(), url("http://127.0.0.2:1"))]);
    HttpConfig::new(&url("http://127.0.0.1:1/base"), &others, settings).unwrap()
}

#[test]
fn many_virtual_users_have_a_smaller_body_limit_each() {
    let body = |vus| config(HttpSettings::default()).for_vus(vus).limits.body;
    assert_eq!([1, 64, 128, 10_000].map(body), [64 << 20, 64 << 20, 32 << 20, 4 << 20]);
    let given = HttpSettings { max_body: Some(70 << 20), ..HttpSettings::default() };
    assert_eq!(config(given).for_vus(10_000).limits.body, 70 << 20);
}

#[test]
#[cfg(unix)]
fn the_name_of_a_sockets_host_is_known_only_to_its_service() {
    let url = |text: &str| Url::parse(text).unwrap();
    let others = BTreeMap::from([("auth".to_owned(), url("http://127.0.0.1:1"))]);
    let config = |settings| HttpConfig::new(&url("unix:/run/app.sock:/base"), &others, settings).unwrap();
    let of = |config: &HttpConfig, location: &str, from| {
        config.find_host(&url(location), from).map_err(|error| error.to_string())
    };
    let plain = config(HttpSettings::default());
    assert_eq!(plain.hosts()[MAIN].target.resolve("/base/a", "b").unwrap().as_str(), "http://localhost/base/b");
    assert_eq!(of(&plain, "http://localhost/x", MAIN), Ok(MAIN));
    assert_eq!(of(&plain, "http://127.0.0.1:1/x", MAIN), Ok(1));
    assert!(of(&plain, "http://localhost/x", 1).unwrap_err().contains("--allow-target localhost"));
    let host_header = "shop.test:81".to_owned().into();
    let named = config(HttpSettings { host_header, ..HttpSettings::default() });
    assert_eq!(of(&named, "http://shop.test:81/x", MAIN), Ok(MAIN));
    assert!(of(&named, "http://localhost/x", MAIN).is_err());
}

#[test]
fn redirects_go_to_targets_and_to_allowed_origins() {
    let config = config(HttpSettings { allowed: vec!["::1".to_owned()], ..HttpSettings::default() });
    let of = |url: &str| config.find_host(&Url::parse(url).unwrap(), MAIN).map_err(|error| error.to_string());
    assert_eq!([of("http://127.0.0.1:1/x"), of("http://127.0.0.2:1/")], [Ok(0), Ok(1)]);
    let refused = of("http://127.0.0.1:2/").unwrap_err();
    assert!(refused.contains("http://127.0.0.1:2,") && refused.contains("--allow-target 127.0.0.1"), "{refused}");
    assert!(of("https://127.0.0.1:1/").is_err() && of("ftp://[::1]/").is_err());
    assert_eq!([of("http://[::1]:3/a"), of("http://[::1]:4/"), of("http://[::1]:3/b")], [Ok(2), Ok(3), Ok(2)]);
    assert_eq!(config.other_origins().len(), 2);
}
