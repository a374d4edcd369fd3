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
mod tests {
    use std::cell::Cell;

    use futures::future::join_all;
    use tokio::time::{advance, sleep};

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// A server whose tokens are numbers. Each is valid for 60 s, and takes 1 s to issue.
    #[derive(Default)]
    struct Server {
        issued: Cell<u32>,
    }

    impl Server {
        async fn issue(&self) -> anyhow::Result<Token> {
            self.issued.set(self.issued.get() + 1);
            let token = Token::new(&self.issued.get().to_string(), SECOND * 60);
            sleep(SECOND).await;
            Ok(token)
        }

        async fn get(&self, token: &SharedToken) -> String {
            token.get(async || self.issue().await).await.unwrap().expose().to_owned()
        }
    }

    #[tokio::test(start_paused = true)]
    async fn one_of_many_callers_requests_a_token_per_lifetime() {
        let (server, token) = (Server::default(), SharedToken::renewed_before(SECOND * 10));
        for _ in 0..170 {
            let all = join_all((0..100).map(|_| server.get(&token))).await;
            let newest = server.issued.get();
            let older = all.iter().filter(|token| **token != newest.to_string()).count();
            // Only while one caller renews it, the others use the one before.
            assert!(older == 0 || older == 99 && all.contains(&newest.to_string()), "{all:?}");
            advance(SECOND).await;
        }
        // At first, and 50 s after each request.
        assert_eq!(server.issued.get(), 4);
    }

    #[tokio::test(start_paused = true)]
    async fn a_token_is_used_until_it_expires_while_another_is_requested() {
        let (server, token) = (Server::default(), SharedToken::renewed_before(SECOND * 10));
        assert_eq!(server.get(&token).await, "1");
        advance(SECOND * 55).await;
        let two = tokio::join!(server.get(&token), server.get(&token));
        assert_eq!(two, ("2".to_owned(), "1".to_owned()));
        advance(SECOND * 61).await;
        let two = tokio::join!(server.get(&token), server.get(&token));
        assert_eq!(two, ("3".to_owned(), "3".to_owned()));
    }

    #[tokio::test(start_paused = true)]
    async fn a_short_token_is_renewed_after_half_of_its_lifetime() {
        let (server, token) = (Server::default(), SharedToken::renewed_before(SECOND * 3600));
        assert_eq!(server.get(&token).await, "1");
        advance(SECOND * 28).await;
        assert_eq!(server.get(&token).await, "1");
        advance(SECOND).await;
        assert_eq!(server.get(&token).await, "2");
    }

    #[tokio::test(start_paused = true)]
    async fn a_token_may_be_valid_forever() {
        let token = SharedToken::renewed_before(Duration::MAX);
        for _ in 0..2 {
            let got = token.get(async || Ok(Token::new("1", Duration::MAX))).await.unwrap();
            assert_eq!(got.expose(), "1");
            advance(SECOND * 3600).await;
        }
    }

    #[tokio::test(start_paused = true)]
    async fn after_a_failure_the_next_caller_tries_again() {
        let (server, token) = (Server::default(), SharedToken::renewed_before(SECOND * 10));
        let failing = async || anyhow::bail!("the server is down");
        let (failed, got) = tokio::join!(token.get(failing), server.get(&token));
        assert_eq!((failed.unwrap_err().to_string(), got), ("the server is down".to_owned(), "1".to_owned()));
        advance(SECOND * 55).await;
        assert!(token.get(failing).await.is_err());
        assert!(!format!("{token:?}").contains("\"1\""), "{token:?}");
    }
}
