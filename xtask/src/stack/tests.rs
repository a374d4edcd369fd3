//! Tests of `stack`.

use perf_settings::{HttpSettings, Resolve};

use super::*;

#[test]
fn a_grafana_that_this_command_started_is_not_found() {
    let found = Stack { grafana: Some(local_url(3001).unwrap()), ..Stack::default() };
    assert_eq!(found.found_grafana(), found.grafana.as_ref());
    let started = vec![StackPart::Native { port: 9090, pid: "1".to_owned() }];
    assert_eq!(Stack { started, ..found }.found_grafana(), None);
}

#[test]
fn only_the_origin_of_the_target_is_scraped_with_its_login() {
    let port = test_support::fake_server::free_port();
    let stack = Stack { prometheus: Some(local_url(port).unwrap()), port, ..Stack::default() };
    make_targets_folder(port).unwrap();
    let target = Url::parse("http://me:secret@127.0.0.1:8000").unwrap();
    let folders = [login_folder(port, LOGIN), login_folder(port, TOKEN), stack_folder(port).join(TARGETS)];
    let scraped = |path, token| {
        stack
            .scrape(MetricsSource { target: &target, token, options: None }, Some(BackendMapping::NGINX.at(path)))
            .unwrap();
        let texts = folders.each_ref().map(|folder| files::read(folder.join("backend.json")).unwrap_or_default());
        let secrets = [(LOGIN, USER_FILE), (LOGIN, PASSWORD_FILE), (TOKEN, TOKEN_FILE)]
            .map(|(kind, file)| files::read(login_folder(port, kind).join(file)).unwrap_or_default());
        stack.forget_backend().unwrap();
        assert!(folders[..2].iter().all(|folder| !folder.exists()) && !backend_file(port).exists());
        (texts, secrets)
    };
    for token in [None, Some("S3cr3t")] {
        for other in ["http://127.0.0.1:9113/metrics", "http://localhost:8000/metrics", "https://127.0.0.1:8000/"] {
            let ([by_user, by_token, others], secrets) = scraped(other, token);
            assert!(by_user.is_empty() && by_token.is_empty() && others.contains("targets"), "{others}");
            assert_eq!(secrets, [""; 3], "{other}");
        }
    }
    for own in ["/metrics", "http://127.0.0.1:8000/internal/metrics"] {
        let ([by_user, by_token, others], secrets) = scraped(own, None);
        assert!(by_user.contains("127.0.0.1:8000") && by_token.is_empty() && others.is_empty(), "{by_user} {others}");
        assert_eq!(secrets, ["me", "secret", ""]);
        let ([by_user, by_token, others], secrets) = scraped(own, Some("S3cr3t"));
        assert!(by_token.contains("127.0.0.1:8000") && by_user.is_empty() && others.is_empty(), "{by_token} {others}");
        assert_eq!(secrets, ["", "", "S3cr3t"], "the token goes in place of user and password");
    }
    files::remove_folder(&stack_folder(port)).unwrap();
}

#[test]
fn a_target_is_scraped_where_the_load_goes_or_not_at_all() {
    let stack = Stack { prometheus: Some(local_url(9).unwrap()), ..Stack::default() };
    let scraped = |target: &str, flag: &str| {
        let mut options = HttpSettings::default();
        let resolve = || Resolve {
            host: "shop.example".to_owned(),
            port: if target.starts_with("https") { 443 } else { 80 },
            addresses: ["10.0.0.7", "10.0.0.8"].map(|address| address.parse().unwrap()).to_vec(),
        };
        match flag {
            "--resolve" => options.resolve = vec![resolve()],
            "--host-header" => options.host_header = "shop.example".to_owned().into(),
            "--sni" => options.sni = "shop.example".to_owned().into(),
            _ => options.insecure_skip_tls_verify = true,
        }
        let target = Url::parse(target).unwrap();
        let source = MetricsSource { target: &target, token: None, options: Some(&options) };
        let pages = stack.metrics_pages(source, Some(BackendMapping::FASTAPI)).unwrap();
        let option = source.unscraped_option("/metrics");
        let addresses: Vec<_> = pages.iter().map(|page| page.target.instance().to_owned()).collect();
        assert!(addresses.is_empty() == option.is_some() && option.is_none_or(|option| option == flag), "{flag}");
        addresses.join(" ")
    };
    assert_eq!(scraped("http://shop.example", "--resolve"), "10.0.0.7:80 10.0.0.8:80");
    assert_eq!(scraped("http://other.example", "--resolve"), "other.example:80");
    assert_eq!(scraped("http://shop.example", "--sni"), "shop.example:80", "there is no TLS");
    assert_eq!(scraped("https://shop.example", "--insecure-skip-tls-verify"), "shop.example:443");
    for (target, flag) in [
        ("https://shop.example", "--resolve"),
        ("https://10.0.0.7", "--sni"),
        ("https://10.0.0.7", "--host-header"),
        ("http://10.0.0.7", "--host-header"),
    ] {
        assert_eq!(scraped(target, flag), "", "{target} {flag}");
    }
}

#[test]
fn an_unusable_docker_is_named_with_its_socket() {
    let place = docker_host::shown_place("unix:///run/docker.sock", true);
    let error = StackError::UnusableDocker { place, why: "it hangs".to_owned(), remedy: "fix that" };
    let expected = "Docker is present but not usable at /run/docker.sock (DOCKER_HOST): it hangs; fix that, or use \
                    --stack native or --stack none";
    assert_eq!(error.to_string(), expected);
}
