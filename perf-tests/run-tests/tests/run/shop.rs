//! A shop with a login, sessions and CSRF tokens: in FastAPI with SQLite, and in Express. A person
//! logs in, fills a cart, pays and looks at the order.

use std::time::Duration;

use monitoring::backend_mapping::BackendMapping;
use monitoring::catalogue::Catalogue;
use monitoring::endpoint::{Endpoint, Method};
use monitoring::ratio::Ratio;
use monitoring::slo::Slo;
use perf_report::exit_code::ExitCode;
use perf_tests::{Scenario, ScenarioResult, Vu, per_vu_iterations};
use serde_json::{Value, json};
use test_support::programs::{shop_express, shop_fastapi};

use super::{code, settings_at};

const LOGIN: Endpoint = Endpoint::new("login", "Log in", Method::Post, "/login");
const ADD: Endpoint = Endpoint::new("add", "Add to cart", Method::Post, "/cart");
const CHECKOUT: Endpoint = Endpoint::new("checkout", "Check out", Method::Post, "/checkout");
const ORDER: Endpoint = Endpoint::new("order", "Order", Method::Get, "/orders/{order}");
const SHOP: Catalogue = Catalogue {
    service: "shop",
    title: "Shop",
    endpoints: &[LOGIN, ADD, CHECKOUT, ORDER],
    critical: &[CHECKOUT],
    slos: &[Slo::p95(CHECKOUT, Duration::from_secs(2)), Slo::errors_below(Ratio::percent(1))],
    measures: &[],
    mapping: BackendMapping::FASTAPI,
    backend_slos: &[],
    caches: &[],
};

/// The token changes with each request that changes something.
fn token(vu: &mut Vu) -> String {
    vu.cookies().get("csrf").unwrap_or_default()
}

async fn buy(vu: &mut Vu, _: &()) -> anyhow::Result<()> {
    let user = format!("user {}", vu.iteration_name());
    let login = json!({ "user": user, "password": format!("secret of {user}") });
    let products: Vec<Value> = vu.request(LOGIN).json(&login).send().await?.json()?;
    for product in &products {
        let (token, item) = (token(vu), json!({ "product": product["id"], "count": 2 }));
        vu.request(ADD).header("x-csrf-token", &token).json(&item).send().await?;
    }
    let token = token(vu);
    let paid: Value = vu.request(CHECKOUT).header("x-csrf-token", &token).send().await?.json()?;
    vu.request(ORDER)
        .path("order", &paid["order"])
        .check("costs as much as the cart", |order| order.body() == br#"{"cents":2700}"#)
        .send()
        .await?;
    vu.request(ORDER).path("order", 0).expect(404).send().await?;
    Ok(())
}

fn run(testid: &str, port: u16) -> ScenarioResult {
    let mut settings = settings_at(&format!("http://127.0.0.1:{port}"), None, testid, &[]);
    settings.http.max_redirects = 1;
    Scenario::new("buy", &SHOP)
        .exercises(&[LOGIN, ADD, CHECKOUT, ORDER])
        .checks(&["costs as much as the cart"])
        .load(per_vu_iterations(3, 10))
        .run_with(settings, buy)
}

#[test]
#[ignore = "needs uvicorn, FastAPI, node and Express: run with cargo xtask ci"]
fn people_log_in_and_buy_in_two_shops_with_sessions() {
    for (testid, (_shop, port)) in [("shop-1", shop_fastapi(false)), ("shop-2", shop_express(false))] {
        let finished = run(testid, port);
        let report = finished.report().unwrap();
        assert_eq!(code(&finished), ExitCode::Met, "{testid}: {:?}", report.findings);
        let sent: Vec<_> = report.endpoints.iter().map(|it| (it.name.as_str(), it.requests.sent)).collect();
        // A login is followed to the list of products.
        assert_eq!(sent, [("login", 60), ("add", 60), ("checkout", 30), ("order", 60)], "{testid}");
    }
}

#[test]
#[ignore = "needs uvicorn, FastAPI, node and Express: run with cargo xtask ci"]
fn a_shop_that_forgets_sessions_misses_and_the_report_says_why() {
    for (testid, (_shop, port)) in [("shop-3", shop_fastapi(true)), ("shop-4", shop_express(true))] {
        let finished = run(testid, port);
        let report = finished.report().unwrap();
        assert_eq!(code(&finished), ExitCode::Missed, "{testid}: {:?}", report.findings);
        let [cause] = report.failures.as_slice() else { panic!("{testid}: one cause: {:?}", report.failures) };
        assert_eq!(
            (&*cause.request, cause.detail.status(), cause.count),
            ("login", Some(401), 30),
            "{testid}: {cause:?}"
        );
        assert!(cause.body.contains("no session: log in first"), "{testid}: {cause:?}");
    }
}
