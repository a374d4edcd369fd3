//! Tests of `shared_token`.

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
