//! A token that expires, shared by all virtual users.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::sync::Mutex as AsyncMutex;
use tokio::time::Instant;

use super::Secret;
use crate::clock;

/// A longer lifetime counts as this one. No load lasts longer.
const LONGEST: Duration = Duration::from_secs(365 * 24 * 3600);

/// A token that expires, such as an access token of OAuth 2.0. All virtual users share it, and one
/// of them renews it before it expires. The others use the present one meanwhile; they wait only if
/// there is none, or if it has expired.
///
/// ```
/// # use std::time::Duration;
/// # use test_support::shop::{GET_OFFERS, SHOP};
/// # use monitoring::endpoint::Method;
/// use perf_tests::data::{SharedToken, Token};
/// use perf_tests::{Scenario, Vu};
///
/// async fn log_in(vu: &mut Vu) -> anyhow::Result<Token> {
///     let value: String = vu.unjudged(Method::Post, "/login").send().await?.json()?;
///     Ok(Token::new(&value, Duration::from_secs(300)))
/// }
///
/// async fn read_news(vu: &mut Vu, token: &SharedToken) -> anyhow::Result<()> {
///     let token = token.get(async || log_in(vu).await).await?;
///     let bearer = format!("Bearer {}", token.expose());
///     vu.request(GET_OFFERS).query("day", 1).header("authorization", &bearer).send().await?;
///     Ok(())
/// }
///
/// let scenario = Scenario::new("offers", &SHOP)
///     .exercises(&[GET_OFFERS])
///     .setup(async |_: &mut Vu| Ok(SharedToken::renewed_before(Duration::from_secs(10))));
/// ```
///
/// As part of setup's value, only the time of renewal is sent to agents. Each agent has a token of
/// its own.
#[derive(Debug, Serialize, Deserialize)]
pub struct SharedToken {
    early: Duration,
    /// The latest token. It is not locked while a new one is requested.
    #[serde(skip)]
    latest: Mutex<Option<HeldToken>>,
    /// Held while a new one is requested.
    #[serde(skip)]
    renewing: AsyncMutex<()>,
}

/// A token as a server issues it, and how long it is valid.
///
/// ```
/// # use std::time::Duration;
/// # use perf_tests::data::Token;
/// #[derive(serde::Deserialize)]
/// struct Login {
///     access_token: String,
///     expires_in: u64,
/// }
///
/// # fn token(response: perf_tests::engine::Response) -> anyhow::Result<Token> {
/// let login: Login = response.json()?;
/// Ok(Token::new(&login.access_token, Duration::from_secs(login.expires_in)))
/// # }
/// ```
#[derive(Debug)]
pub struct Token {
    secret: Secret,
    lifetime: Duration,
}

#[derive(Debug, Clone)]
struct HeldToken {
    secret: Secret,
    renew_at: Instant,
    expires_at: Instant,
}

impl Token {
    /// A token that is valid for a time, such as the `expires_in` of RFC 6749.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use perf_tests::data::Token;
    /// let token = Token::new("2YotnFZFEjr1zCsicMWpAA", Duration::from_secs(3600));
    /// ```
    pub fn new(value: &str, lifetime: Duration) -> Self {
        Self { secret: Secret::from_server(value), lifetime: lifetime.min(LONGEST) }
    }
}

impl SharedToken {
    /// A token that is renewed this long before it expires, and at the earliest after half of its
    /// lifetime. It should be longer than a renewal and a request with the token take together.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use perf_tests::data::SharedToken;
    /// let token = SharedToken::renewed_before(Duration::from_secs(10));
    /// ```
    pub fn renewed_before(expiry: Duration) -> Self {
        Self { early: expiry, latest: Mutex::default(), renewing: AsyncMutex::default() }
    }

    /// The present token. If it must be renewed, one caller at a time does so with `renew`. The
    /// lifetime counts from before that request.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use monitoring::endpoint::Method;
    /// # use perf_tests::Vu;
    /// # use perf_tests::data::{SharedToken, Token};
    /// # async fn iteration(vu: &mut Vu, token: &SharedToken) -> anyhow::Result<()> {
    /// let log_in = async || {
    ///     let value: String = vu.unjudged(Method::Post, "/login").send().await?.json()?;
    ///     Ok(Token::new(&value, Duration::from_secs(300)))
    /// };
    /// let token = token.get(log_in).await?;
    /// vu.header("authorization", &format!("Bearer {}", token.expose()));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// The error of `renew`, to the caller that ran it. The next caller tries again.
    pub async fn get(&self, renew: impl AsyncFnOnce() -> anyhow::Result<Token>) -> anyhow::Result<Secret> {
        if let Some(token) = self.latest(|token| token.renew_at) {
            return Ok(token);
        }
        let _renewing = match (self.renewing.try_lock(), self.latest(|token| token.expires_at)) {
            (Ok(guard), _) => guard,
            (Err(_), Some(token)) => return Ok(token),
            (Err(_), None) => self.renewing.lock().await,
        };
        // Another caller may have renewed it since.
        if let Some(token) = self.latest(|token| token.renew_at) {
            return Ok(token);
        }
        let asked = clock::now();
        let Token { secret, lifetime } = renew().await?;
        let expires_at = asked + lifetime;
        let held =
            HeldToken { secret: secret.clone(), renew_at: expires_at - self.early.min(lifetime / 2), expires_at };
        *self.latest.lock().unwrap_or_else(PoisonError::into_inner) = Some(held);
        Ok(secret)
    }

    /// The latest token, if this time of it has not come.
    fn latest(&self, until: impl Fn(&HeldToken) -> Instant) -> Option<Secret> {
        let latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner);
        latest.as_ref().filter(|token| clock::now() < until(token)).map(|token| token.secret.clone())
    }
}

#[cfg(test)]
mod tests;
