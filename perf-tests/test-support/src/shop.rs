//! The catalogue of a small web shop, for unit tests and for examples in documentation. No test
//! depends on a service of this repository, so that a fork can replace them.

use std::time::Duration;

use monitoring::backend_mapping::BackendMapping;
use monitoring::catalogue::Catalogue;
use monitoring::endpoint::{Endpoint, Method};
use monitoring::ratio::Ratio;
use monitoring::slo::Slo;

/// Puts an item into a cart.
pub const ADD_ITEM: Endpoint = Endpoint::new("add_item", "Add item", Method::Post, "/carts/{cart}/items");
/// The items of a cart.
pub const GET_CART: Endpoint = Endpoint::new("get_cart", "Cart", Method::Get, "/carts/{cart}");
/// The offers of a day.
pub const GET_OFFERS: Endpoint = Endpoint::new("get_offers", "Offers", Method::Get, "/offers");

/// The shop.
pub const SHOP: Catalogue = Catalogue {
    service: "shop",
    title: "Shop",
    endpoints: &[ADD_ITEM, GET_CART, GET_OFFERS],
    critical: &[ADD_ITEM],
    slos: &[
        Slo::p95(ADD_ITEM, Duration::from_millis(300)),
        Slo::p95(GET_CART, Duration::from_millis(200)),
        Slo::p95(GET_OFFERS, Duration::from_millis(300)),
        Slo::success_above(ADD_ITEM, Ratio::percent(95)),
        Slo::errors_below(Ratio::percent(1)),
    ],
    measures: &[],
    mapping: BackendMapping::FASTAPI,
    backend: &[],
    caches: &[],
};
