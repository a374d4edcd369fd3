//! The catalogue of a small web shop: for unit tests, for examples in documentation, and of the
//! recorded runs in `reports/`. No test depends on a service of this repository, so
//! that a fork can replace them.

use std::time::Duration;

use monitoring::backend_mapping::BackendMapping;
use monitoring::backend_slo::{Amount, BackendSlo, Cache};
use monitoring::catalogue::Catalogue;
use monitoring::endpoint::{Endpoint, Method};
use monitoring::ratio::Ratio;
use monitoring::slo::Slo;

/// Puts an item into a cart.
pub const ADD_ITEM: Endpoint = Endpoint::new("add_item", "Add item", Method::Post, "/carts/{cart}/items");
/// The items of a cart.
pub const GET_CART: Endpoint = Endpoint::new("get_cart", "Cart", Method::Get, "/carts/{cart}");
/// The orders of a customer.
pub const LIST_ORDERS: Endpoint = Endpoint::new("list_orders", "Orders", Method::Get, "/orders");
/// Changes the number of an item in a cart.
pub const UPDATE_ITEM: Endpoint =
    Endpoint::new("update_item", "Update item", Method::Put, "/carts/{cart}/items/{item}");
/// The offers of a day.
pub const GET_OFFERS: Endpoint = Endpoint::new("get_offers", "Offers", Method::Get, "/offers");
/// The latest reviews.
pub const GET_REVIEWS: Endpoint = Endpoint::new("get_reviews", "Reviews", Method::Get, "/reviews");
/// All prices.
pub const GET_PRICES: Endpoint = Endpoint::new("get_prices", "Prices", Method::Get, "/prices");

/// The shop.
pub const SHOP: Catalogue = Catalogue {
    service: "shop",
    title: "Shop",
    endpoints: &[ADD_ITEM, GET_CART, LIST_ORDERS, UPDATE_ITEM, GET_OFFERS, GET_REVIEWS, GET_PRICES],
    critical: &[ADD_ITEM, GET_CART],
    slos: &[
        Slo::p95(ADD_ITEM, Duration::from_millis(300)),
        Slo::p95(GET_CART, Duration::from_millis(200)),
        Slo::p95(LIST_ORDERS, Duration::from_millis(400)),
        Slo::p95(UPDATE_ITEM, Duration::from_millis(300)),
        Slo::p95(GET_OFFERS, Duration::from_millis(300)),
        Slo::p95(GET_REVIEWS, Duration::from_millis(400)),
        Slo::p95(GET_PRICES, Duration::from_millis(500)),
        Slo::success_above(ADD_ITEM, Ratio::percent(95)),
        Slo::errors_below(Ratio::percent(1)),
    ],
    measures: &[],
    mapping: BackendMapping::FASTAPI,
    backend_slos: &[BackendSlo::at_most(
        "memory",
        "Memory",
        "process_resident_memory_bytes{job=\"backend\"}",
        Amount::Mebibytes(512),
    )
    .warn()],
    caches: &[Cache {
        name: "days",
        hits: "cache_hits_total{job=\"backend\"}",
        misses: "cache_misses_total{job=\"backend\"}",
    }],
};
