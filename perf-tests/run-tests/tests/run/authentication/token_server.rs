//! A login server and the service that its tokens are for. Each token is valid for some seconds.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::{get, post};
use axum::{Form, Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use test_support::fake_server::serve;

use super::SECRET;

type Reply = Result<Json<Value>, (StatusCode, Json<Value>)>;

/// Users of basic authentication, with their passwords.
const USERS: [&str; 2] = ["ada:hunter2-ä:a", "bob:hunter2-b"];
/// The program, form-encoded, with its secret.
const PROGRAM: &str = "load+test:hunter2+%25%3A%2B";
const REFRESH_TOKEN: &str = "hunter2-refresh";

struct TokenState {
    lifetime_s: u64,
    /// When each token was issued.
    tokens: Mutex<BTreeMap<String, Instant>>,
    used: Mutex<BTreeSet<String>>,
}

pub(super) struct TokenServer {
    pub(super) url: String,
    state: Arc<TokenState>,
}

impl TokenServer {
    pub(super) fn start(lifetime_s: u64) -> Self {
        let (tokens, used) = (Mutex::default(), Mutex::default());
        let state = Arc::new(TokenState { lifetime_s, tokens, used });
        let router = Router::new()
            .route("/login", post(log_in))
            .route("/token", post(issue))
            .route("/documents/{id}", get(read))
            .with_state(state.clone());
        Self { url: serve(router, Arc::default(), Arc::default()), state }
    }

    /// The times at which tokens were issued, the first one first.
    pub(super) fn issued(&self) -> Vec<Instant> {
        let mut times: Vec<_> = self.state.tokens.lock().unwrap().values().copied().collect();
        times.sort();
        times
    }

    /// Number of tokens that came with a request.
    pub(super) fn used(&self) -> usize {
        self.state.used.lock().unwrap().len()
    }
}

fn refuse(why: &str) -> (StatusCode, Json<Value>) {
    (StatusCode::UNAUTHORIZED, Json(json!({ "error": why })))
}

/// The credentials of a scheme in the header `authorization`.
fn credentials(headers: &HeaderMap, scheme: &str) -> Option<String> {
    let value = headers.get("authorization")?.to_str().unwrap();
    assert_eq!(headers.get_all("authorization").iter().count(), 1);
    let rest = value.strip_prefix(scheme)?.strip_prefix(' ')?;
    match scheme {
        "Basic" => Some(String::from_utf8(STANDARD.decode(rest).unwrap()).unwrap()),
        _ => Some(rest.to_owned()),
    }
}

async fn log_in(Json(person): Json<Value>) -> Reply {
    match (person["user"].as_str(), person["password"].as_str()) {
        (Some("ada"), Some("hunter2-ada")) => Ok(Json(json!({ "refresh_token": REFRESH_TOKEN }))),
        _ => Err(refuse("wrong user or password")),
    }
}

#[expect(clippy::disallowed_methods, reason = "a fake service has its own clock")]
async fn issue(
    State(state): State<Arc<TokenState>>,
    headers: HeaderMap,
    Form(form): Form<BTreeMap<String, String>>,
) -> Reply {
    let field = |name: &str| form.get(name).map_or("", String::as_str);
    let is_allowed = match field("grant_type") {
        "refresh_token" => field("refresh_token") == REFRESH_TOKEN,
        "client_credentials" => credentials(&headers, "Basic").as_deref() == Some(PROGRAM),
        _ => false,
    };
    if !is_allowed {
        return Err(refuse("invalid_client"));
    }
    let mut tokens = state.tokens.lock().unwrap();
    let token = format!("{SECRET}-token-{}", tokens.len());
    tokens.insert(token.clone(), Instant::now());
    Ok(Json(json!({ "access_token": token, "token_type": "Bearer", "expires_in": state.lifetime_s })))
}

async fn read(State(state): State<Arc<TokenState>>, headers: HeaderMap) -> Reply {
    let user = credentials(&headers, "Basic");
    if user.is_some_and(|user| USERS.contains(&user.as_str())) {
        return Ok(Json(json!({})));
    }
    let token = credentials(&headers, "Bearer").ok_or_else(|| refuse("no token"))?;
    let issued = *state.tokens.lock().unwrap().get(&token).ok_or_else(|| refuse("an unknown token"))?;
    if issued.elapsed() > Duration::from_secs(state.lifetime_s) {
        return Err(refuse("the token has expired"));
    }
    state.used.lock().unwrap().insert(token);
    Ok(Json(json!({})))
}
