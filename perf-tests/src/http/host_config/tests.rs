//! Tests of `host`.

use std::time::Duration;

use perf_settings::Settings;

use super::*;

#[test]
fn the_ttl_of_the_settings_reaches_the_look_ups_of_every_host() {
    let given = |name: &str| (name == "PERF_DNS_TTL").then(|| "7s".to_owned());
    let settings = Settings::from_lookup(&given).unwrap().http;
    let url = Url::parse("http://shop.test").unwrap();
    let target = HostConfig::new(None, &url, &settings).unwrap();
    let other = HostConfig::for_other_origin(&url, &settings).unwrap();
    assert_eq!([target, other].map(|host| host.dialer.resolver.ttl()), [Duration::from_secs(7); 2]);
}
