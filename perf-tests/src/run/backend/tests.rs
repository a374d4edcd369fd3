//! Tests of `backend`.

use test_support::shop::SHOP;

use super::*;
use crate::clock::RunClock;
use crate::measure::{Layout, Snapshot};

const MS: fn(u64) -> Duration = Duration::from_millis;

/// End and length of the judged range, in milliseconds and seconds from the start of a load of this
/// length. The newest scrape and the query are at these times.
fn judged(load: u64, newest_scrape: Option<u64>, now: u64) -> (i64, u64) {
    let empty = Snapshot::new(&Layout::new(&SHOP, vec![false]));
    let mut finished = FinishedLoad::not_started(Vec::new(), RunClock::begin(), empty);
    let started = SystemTime::UNIX_EPOCH + MS(1_000_000);
    (finished.started, finished.ended) = (started, started + MS(load));
    let range = QueryRange::new(&finished, newest_scrape.map(|at| started + MS(at)), started + MS(now));
    (range.at_unix_ms - clock::unix_ms(started), range.over_s)
}

#[test]
fn a_load_is_judged_from_its_start_to_its_end() {
    assert_eq!(judged(60_000, Some(62_000), 63_000), (60_000, 60));
    assert_eq!(judged(60_000, Some(57_000), 90_000), (60_000, 60), "the newest scrape is before the end");
    assert_eq!(judged(60_000, None, 63_000), (60_000, 60));
    assert_eq!(judged(60_000, Some(58_000), 60_400), (59_400, 60), "an interrupted run does not wait");
}

#[test]
fn a_short_load_is_judged_up_to_its_first_scrape() {
    assert_eq!(judged(4_000, Some(8_000), 12_000), (8_000, 8));
    assert_eq!(judged(4_000, Some(30_000), 40_000), (11_000, 11), "a later scrape is not the first one");
    assert_eq!(judged(4_000, None, 20_000), (11_000, 11));
    assert_eq!(judged(4_000, Some(3_000), 12_000), (4_000, 5), "at least the time between two scrapes");
}

#[test]
fn a_store_is_complete_from_the_first_scrape_after_the_load() {
    let ended = SystemTime::UNIX_EPOCH + MS(60_000);
    let state = |newest| StoreState::after_scrape(&Ok(newest), ended);
    assert_eq!(state(Some(ended)), StoreState::Complete);
    assert_eq!(state(Some(ended - MS(1))), StoreState::Late);
    assert_eq!(state(None), StoreState::NotScraped);
    let failed = |error| StoreState::after_scrape(&Err(error), ended);
    assert_eq!(failed(QueryError::Response(String::new(), String::new())), StoreState::Complete, "a lasting error");
}

#[test]
fn seconds_with_samples_of_before_the_load_are_not_judged() {
    let lookback = Duration::from_secs(20);
    assert_eq!(seconds_without(Duration::ZERO, 30), 30);
    assert_eq!(seconds_without(lookback, 30), 10);
    assert_eq!(seconds_without(lookback, 24), 24, "a short load is judged as a whole");
}
