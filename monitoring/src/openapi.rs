//! What a service serves, by its OpenAPI document: <https://spec.openapis.org/oas/v3.1.0#paths-object>. It comes from outside, so it has limits.

use std::collections::BTreeSet;

use serde_json::Value;

/// More routes than this nobody has promised anything of.
const MOST: usize = 10_000;
const METHODS: [&str; 7] = ["get", "put", "post", "delete", "options", "head", "patch"];

/// All routes, as "GET /api/news"; none if it is no such document, or tells of none.
pub fn routes(document: &Value) -> Option<BTreeSet<String>> {
    let paths = document.get("paths")?.as_object()?;
    let of_path = |(path, item): (&String, &Value)| {
        let methods = METHODS.into_iter().filter(|method| item.get(method).is_some());
        methods.map(|method| format!("{} {path}", method.to_uppercase())).collect::<Vec<_>>()
    };
    Some(paths.iter().flat_map(of_path).take(MOST).collect::<BTreeSet<_>>()).filter(|routes| !routes.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_tells_all_routes() {
        let document = serde_json::json!({ "paths": {
            "/api/news": { "get": {}, "post": {}, "parameters": [] }, "/x/{id}": { "delete": {} }
        } });
        let routes: Vec<_> = routes(&document).unwrap().into_iter().collect();
        assert_eq!(routes, ["DELETE /x/{id}", "GET /api/news", "POST /api/news"]);
    }

    #[test]
    fn what_is_none_tells_none() {
        for document in
            ["{}", "[]", "null", r#"{"paths":[]}"#, r#"{"paths":{}}"#, r#"{"paths":{"/a":null,"/b":[1],"/c":"get"}}"#]
        {
            assert_eq!(routes(&serde_json::from_str(document).unwrap()), None, "{document}");
        }
    }
}
