//! Tests of `openapi`.

use super::*;

#[test]
fn all_routes_of_a_document_are_read() {
    let document = serde_json::json!({ "paths": {
            "/api/news": { "get": {}, "post": {}, "parameters": [] }, "/x/{id}": { "delete": {} }
        } });
    let routes: Vec<_> = routes(&document).unwrap().iter().map(ApiRoute::to_string).collect();
    assert_eq!(routes, ["DELETE /x/{id}", "GET /api/news", "POST /api/news"]);
}

#[test]
fn documents_without_routes_give_none() {
    for document in
        ["{}", "[]", "null", r#"{"paths":[]}"#, r#"{"paths":{}}"#, r#"{"paths":{"/a":null,"/b":[1],"/c":"get"}}"#]
    {
        assert_eq!(routes(&serde_json::from_str(document).unwrap()), None, "{document}");
    }
}
