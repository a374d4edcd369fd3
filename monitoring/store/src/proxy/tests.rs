//! Tests of `proxy`.

use super::*;

fn proxied(settings: &ProxySettings, url: &str) -> Option<String> {
    settings.proxy_for(&Url::parse(url).unwrap()).unwrap().map(|proxy| shown_url(&proxy))
}

fn settings(http: &str, https: &str, all: &str, no_proxy: &str) -> ProxySettings {
    let given = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    ProxySettings { http: given(http), https: given(https), all: given(all), no_proxy: given(no_proxy) }
}

#[test]
fn the_proxy_follows_the_scheme_of_the_store() {
    let both = settings("proxy:3128", "http://user:S3cr3t@secure:3128", "", "");
    assert_eq!(proxied(&both, "http://store:9090").unwrap(), "http://proxy:3128");
    assert_eq!(proxied(&both, "https://store/api").unwrap(), "http://secure:3128");
    let all = settings("", "", "http://all:1", "");
    assert_eq!(proxied(&all, "https://store").unwrap(), "http://all:1");
    let described = both.describe(&Url::parse("https://me:S3cr3t@store/write").unwrap()).unwrap();
    assert_eq!(described, "https://store/write through the proxy http://secure:3128");
}

#[test]
fn this_machine_and_exempt_hosts_are_reached_directly() {
    let proxy = |no_proxy| settings("http://proxy:1", "http://proxy:1", "", no_proxy);
    for url in ["http://localhost:9090", "http://127.0.0.1:9090", "http://[::1]:9090", "http://a.localhost"] {
        assert_eq!(proxied(&proxy(""), url), None, "{url}");
    }
    for (no_proxy, url, is_direct) in [
        ("*", "http://store", true),
        ("other, example.com", "http://store.example.com", true),
        (".example.com", "http://example.com", true),
        ("example.com", "http://badexample.com", false),
        ("10.0.0.0/8", "http://10.1.2.3", true),
        ("10.0.0.0/8", "http://11.1.2.3", false),
        ("fd00::/8", "http://[fd12::1]", true),
        ("192.168.1.7", "http://192.168.1.7:9090", true),
        ("", "http://192.168.1.7:9090", false),
    ] {
        assert_eq!(proxied(&proxy(no_proxy), url).is_none(), is_direct, "{no_proxy} {url}");
    }
}

#[test]
fn an_unsupported_proxy_is_an_error_only_if_it_is_needed() {
    let socks = settings("", "", "socks5://user:S3cr3t@proxy:1080", "");
    let error = socks.proxy_for(&Url::parse("http://store").unwrap()).unwrap_err().to_string();
    assert!(error.contains("ALL_PROXY") && error.contains("NO_PROXY=store") && !error.contains("S3cr3t"), "{error}");
    assert_eq!(proxied(&socks, "http://127.0.0.1:9090"), None);
}
