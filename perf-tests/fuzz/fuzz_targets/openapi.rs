//! Parses any JSON as an OpenAPI document.

#![no_main]

use libfuzzer_sys::fuzz_target;
use prometheus_store::openapi;

fuzz_target!(|data: &[u8]| {
    if let Ok(document) = serde_json::from_slice(data)
        && let Some(routes) = openapi::routes(&document)
    {
        assert!(!routes.is_empty() && routes.iter().all(|route| route.method.is_some()));
    }
});
