//! Sessions: a service that sets cookies, and virtual users that send them.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::http::HeaderMap;
use axum::response::{AppendHeaders, Redirect};
use axum::routing::{get, post};
use perf_report::exit_code::ExitCode;
use perf_tests::{Scenario, ScenarioResult, Vu, per_vu_iterations};
use test_support::fake_server::serve;

use super::{CATALOGUE, ECHO, PING, code, settings_at};

/// The requests to `/ping`: the header `cookie` of each.
type Seen = Arc<Mutex<Vec<String>>>;

/// A service whose login sets two cookies and redirects to `/ping`. A third cookie is for another
/// path.
fn start() -> (String, Seen) {
    let seen = Seen::default();
    let (sessions, pings) = (Arc::new(Mutex::new(0)), seen.clone());
    let login = move || async move {
        let mut sessions = sessions.lock().unwrap();
        *sessions += 1;
        let session = format!("session=s{sessions}; Path=/; HttpOnly; SameSite=Lax");
        let cookies = [session, "csrf=t; Path=/".to_owned(), "admin=1; Path=/admin".to_owned()];
        (AppendHeaders(cookies.map(|cookie| ("set-cookie", cookie))), Redirect::to("/ping"))
    };
    let ping = move |headers: HeaderMap| async move {
        let cookie = headers.get("cookie").map_or("", |cookie| cookie.to_str().unwrap());
        pings.lock().unwrap().push(cookie.to_owned());
        cookie.to_owned()
    };
    let router = Router::new().route("/echo/login", post(login)).route("/ping", get(ping)).route("/", get(|| async {}));
    (serve(router, Arc::default(), Arc::default()), seen)
}

/// Two virtual users run two iterations each. Each pings, logs in by a redirect, and pings again.
/// Cookies are kept if the scenario or the variable says so.
fn log_in(testid: &str, keep: bool, no_reset: &str) -> (ScenarioResult, BTreeSet<String>) {
    let (url, seen) = start();
    let mut settings = settings_at(&url, None, testid, &[("K6_NO_COOKIES_RESET", no_reset)]);
    settings.http.max_redirects = 1;
    let scenario = Scenario::new("sessions", &CATALOGUE).exercises(&[PING, ECHO]).load(per_vu_iterations(2, 2));
    let scenario = if keep { scenario.keep_cookies() } else { scenario };
    let finished = scenario.run_with(settings, async |vu: &mut Vu, (): &()| {
        vu.request(PING).send().await?;
        if vu.cookies().get("session").is_none() {
            let home = vu.request(ECHO).path("word", "login").send().await?;
            let session = vu.cookies().get("session").unwrap();
            assert_eq!(home.body(), format!("session={session}; csrf=t").as_bytes());
        }
        Ok(())
    });
    let seen = seen.lock().unwrap().iter().cloned().collect();
    (finished, seen)
}

#[test]
fn cookies_go_over_redirects_and_end_with_the_iteration() {
    for (testid, keep, no_reset) in [("cookies-1", false, ""), ("cookies-7", true, "false")] {
        let (finished, seen) = log_in(testid, keep, no_reset);
        assert_eq!(finished.report().unwrap().problems().count(), 0);
        let sessions = (1..=4).map(|number| format!("session=s{number}; csrf=t"));
        assert_eq!(seen, sessions.chain([String::new()]).collect(), "{testid}");
    }
}

#[test]
fn a_scenario_or_a_setting_can_keep_cookies_of_virtual_users() {
    for (testid, keep, no_reset) in [("cookies-2", true, ""), ("cookies-8", false, "true")] {
        let (finished, seen) = log_in(testid, keep, no_reset);
        assert_eq!(finished.report().unwrap().problems().count(), 0);
        let sessions = (1..=2).map(|number| format!("session=s{number}; csrf=t"));
        assert_eq!(seen, sessions.chain([String::new()]).collect(), "{testid}");
    }
}

#[test]
fn a_session_of_setup_is_used_only_if_it_is_handed_over() {
    for (testid, hand_over) in [("cookies-3", false), ("cookies-4", true)] {
        let (url, seen) = start();
        let mut settings = settings_at(&url, None, testid, &[]);
        settings.http.max_redirects = 1;
        let finished = Scenario::new("sessions", &CATALOGUE)
            .exercises(&[PING])
            .load(per_vu_iterations(1, 2))
            .setup(async |vu: &mut Vu| {
                vu.request(ECHO).path("word", "login").send().await?;
                Ok(vu.cookies().get("session").unwrap())
            })
            .run_with(settings, async move |vu: &mut Vu, session: &String| {
                if hand_over {
                    vu.cookies().set("session", session);
                }
                vu.request(PING).send().await?;
                Ok(())
            });
        assert_eq!(finished.report().unwrap().problems().count(), 0);
        let expected = if hand_over { "session=s1" } else { "" };
        assert_eq!(*seen.lock().unwrap(), ["session=s1; csrf=t", expected, expected]);
    }
}

#[test]
fn an_invalid_cookie_of_the_scenario_ends_the_run() {
    let (url, _) = start();
    let finished = Scenario::new("sessions", &CATALOGUE).exercises(&[PING]).load(per_vu_iterations(1, 1)).run_with(
        settings_at(&url, None, "cookies-5", &[]),
        async |vu: &mut Vu, (): &()| {
            vu.cookies().set("session", "a; Domain=other.example");
            vu.request(PING).send().await?;
            Ok(())
        },
    );
    assert_eq!(code(&finished), ExitCode::BadConfiguration);
    let report = finished.report().unwrap();
    assert!(report.problems().any(|it| it.message.contains("cookie \"session\" cannot be set")), "{report:?}");
}

#[test]
fn a_refused_cookie_of_the_scenario_ends_the_run() {
    let (url, _) = start();
    let port = url.rsplit(':').next().unwrap().to_owned();
    let resolve = format!("shop.test:{port}:127.0.0.1");
    let given = [("PERF_RESOLVE", resolve.as_str())];
    let settings = settings_at(&format!("http://shop.test:{port}"), None, "cookies-6", &given);
    let finished = Scenario::new("sessions", &CATALOGUE).exercises(&[PING]).load(per_vu_iterations(1, 1)).run_with(
        settings,
        async |vu: &mut Vu, (): &()| {
            vu.request(PING).send().await?;
            vu.cookies().set("__Host-a", "1");
            Ok(())
        },
    );
    assert_eq!(code(&finished), ExitCode::BadConfiguration);
    let report = finished.report().unwrap();
    let expected = "cookie \"__Host-a\" cannot be set for shop.test: its prefix";
    assert!(report.problems().any(|it| it.message.contains(expected)), "{report:?}");
}
