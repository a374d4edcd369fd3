//! Tests of `shard`.

use super::*;

#[test]
fn a_shard_is_one_of_all() {
    assert_eq!("2/8".parse(), Ok(Shard { number: 2, of: 8 }));
    for wrong in ["", "2", "0/8", "9/8", "2/0", "1/1001", "a/b", "1/2/3", "-1/2", "4294967296/4294967297"] {
        assert_eq!(wrong.parse::<Shard>(), Err(ValueError::Shard(wrong.to_owned())), "{wrong}");
    }
}

#[test]
fn a_start_that_has_passed_is_refused() {
    let at = |text: &str| {
        let start = parse_moment(text).unwrap();
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
        check_start(Some(start), now).map_err(|error| error.to_string())
    };
    assert_eq!(at("1000000010"), Ok(()));
    assert_eq!(at("2001-09-09T01:46:50.5Z"), Ok(()));
    let passed = "--start-at 2001-09-09T01:46:30.000Z: this time has passed, it is 2001-09-09T01:46:40.000Z: choose \
                      a later one for all shards";
    assert_eq!(at("2001-09-09T01:46:30Z"), Err(passed.to_owned()));
    assert!(at("2000000000").unwrap_err().contains("more than a day after now"));
    for wrong in ["", "1767225600000", "soon", "12:00", "2001-09-09 01:46:50", "-5"] {
        assert_eq!(parse_moment(wrong), Err(ValueError::Moment(wrong.to_owned())), "{wrong}");
    }
}
