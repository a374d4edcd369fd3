//! Tests of `stack`.

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
    let scraped = |path| {
        stack.scrape(&target, Some(BackendMapping::NGINX.at(path))).unwrap();
        let read = |folder: PathBuf| files::read(folder.join("backend.json")).unwrap_or_default();
        let texts = [read(login_folder(port)), read(state_folder(port).join(TARGETS))];
        stack.forget_backend().unwrap();
        assert!(!login_folder(port).exists() && !backend_file(port).exists());
        texts
    };
    for other in ["http://127.0.0.1:9113/metrics", "http://localhost:8000/metrics", "https://127.0.0.1:8000/"] {
        let [own, others] = scraped(other);
        assert!(own.is_empty() && others.contains("targets"), "{own} {others}");
    }
    for own in ["/metrics", "http://127.0.0.1:8000/internal/metrics"] {
        let [own, others] = scraped(own);
        assert!(own.contains("127.0.0.1:8000") && others.is_empty(), "{own} {others}");
    }
    files::remove_folder(&state_folder(port)).unwrap();
}
