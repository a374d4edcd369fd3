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
fn a_time_is_a_day_with_time_or_seconds() {
    for wrong in ["", "1767225600000", "soon", "12:00", "2001-09-09 01:46:50", "-5"] {
        assert_eq!(parse_moment(wrong), Err(ValueError::Moment(wrong.to_owned())), "{wrong}");
    }
}
