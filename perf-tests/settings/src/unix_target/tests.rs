//! Tests of `unix_target`.

use super::*;

fn parse(text: &str) -> Result<UnixTarget, String> {
    let url = UnixTarget::parse(text).unwrap().map_err(|error| error.to_string())?;
    Ok(UnixTarget::from_url(&url).unwrap())
}

#[test]
fn a_socket_may_have_a_base_path_and_escaped_characters() {
    for (text, socket, base) in [
        ("unix:/run/app.sock", "/run/app.sock", ""),
        ("unix:///run/app.sock", "/run/app.sock", ""),
        ("unix:/run/app.sock:/", "/run/app.sock", ""),
        ("unix:/run/app.sock:/api/v1/", "/run/app.sock", "/api/v1"),
        ("unix:/run/my%20app%3a.sock:/a%20b", "/run/my app:.sock", "/a%20b"),
        ("unix:/run/100%25/ä.sock", "/run/100%/ä.sock", ""),
    ] {
        let expected = UnixTarget { socket: socket.into(), base: base.to_owned() };
        assert_eq!(parse(text), Ok(expected), "{text}");
    }
    assert!(UnixTarget::parse("http://unix/").is_none());
    assert_eq!(UnixTarget::from_url(&Url::parse("http://a/unix:/b").unwrap()), None);
}

#[test]
fn a_relative_path_becomes_absolute() {
    let expected = std::path::absolute("app.sock").unwrap();
    assert_eq!(parse("unix:app.sock").unwrap().socket, expected);
    assert_eq!(parse("unix:./app.sock:/base").unwrap().socket, expected);
}

#[test]
fn a_path_that_cannot_be_a_sockets_is_refused_with_the_reason() {
    let longest = format!("unix:/{}", "a".repeat(MOST_BYTES - 1));
    assert!(parse(&longest).is_ok());
    for (text, why) in [
        (format!("{longest}a"), format!("has {} bytes, and that of a socket at most {MOST_BYTES}", MOST_BYTES + 1)),
        ("unix:".to_owned(), "it has no path of a socket".to_owned()),
        ("unix:/a%00b".to_owned(), "zero byte".to_owned()),
        ("unix:/a.sock:/b?c=1".to_owned(), "has a query".to_owned()),
    ] {
        let error = parse(&text).unwrap_err();
        assert!(error.contains(&why) && error.contains("such as unix:/run/app.sock"), "{error}");
    }
}
