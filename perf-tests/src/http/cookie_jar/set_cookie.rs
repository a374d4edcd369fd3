//! The value of a `set-cookie` header (RFC 6265bis, section 5.6), and its dates (section 5.1.1).

use std::time::{Duration, SystemTime};

use tokio::time::Instant;

/// Maximum bytes of name and value together.
const MAX_PAIR: usize = 4096;

/// Maximum bytes of an attribute's value. A longer attribute is ignored.
const MAX_ATTRIBUTE: usize = 1024;

/// A cookie ends after this time at the latest.
const MAX_AGE: Duration = Duration::from_secs(400 * 24 * 60 * 60);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SameSite {
    None,
    Other,
}

#[derive(Debug, Default)]
pub(super) struct SetCookie<'a> {
    pub(super) name: &'a [u8],
    pub(super) value: &'a [u8],
    pub(super) domain: Option<&'a str>,
    /// `None` without a path that begins with a slash.
    pub(super) path: Option<&'a str>,
    pub(super) is_secure: bool,
    pub(super) same_site: Option<SameSite>,
    /// In seconds.
    max_age: Option<i64>,
    /// In seconds since 1970.
    expires: Option<i64>,
}

impl<'a> SetCookie<'a> {
    /// `None` if the cookie is to be ignored.
    pub(super) fn parse(line: &'a [u8]) -> Option<Self> {
        if line.iter().any(|byte| byte.is_ascii_control() && *byte != b'\t') {
            return None;
        }
        let mut parts = line.split(|byte| *byte == b';');
        let pair = parts.next()?;
        let (name, value) = split_once(pair, b'=').unwrap_or((b"", pair));
        // Without control characters, only spaces and tabs are trimmed.
        let (name, value) = (name.trim_ascii(), value.trim_ascii());
        if name.is_empty() && value.is_empty() || name.len() + value.len() > MAX_PAIR {
            return None;
        }
        let mut cookie = Self { name, value, ..Self::default() };
        for attribute in parts {
            let (name, value) = split_once(attribute, b'=').unwrap_or((attribute, b""));
            let (name, value) = (name.trim_ascii(), value.trim_ascii());
            if value.len() <= MAX_ATTRIBUTE {
                cookie.read_attribute(&name.to_ascii_lowercase(), value);
            }
        }
        Some(cookie)
    }

    fn read_attribute(&mut self, name: &[u8], value: &'a [u8]) {
        let text = std::str::from_utf8(value).ok();
        match name {
            b"expires" => self.expires = text.and_then(parse_date).or(self.expires),
            b"max-age" => self.max_age = text.and_then(parse_age).or(self.max_age),
            b"domain" => {
                let domain = text.map(|text| text.strip_prefix('.').unwrap_or(text));
                self.domain = domain.filter(|domain| !domain.is_empty());
            }
            b"path" => self.path = text.filter(|path| path.starts_with('/')),
            b"secure" => self.is_secure = true,
            b"samesite" if value.eq_ignore_ascii_case(b"none") => self.same_site = Some(SameSite::None),
            b"samesite" => self.same_site = Some(SameSite::Other),
            _ => {}
        }
    }

    /// Whether the name has the prefix `__Secure-` or `__Host-` and the cookie breaks its rule. The
    /// prefix must not be in the value of a cookie without a name either.
    pub(super) fn prefix_forbids(&self, is_host_only: bool, path: &str) -> bool {
        let is_nameless = self.name.is_empty();
        let text = if is_nameless { self.value } else { self.name };
        let begins = |prefix: &[u8]| text.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix));
        let is_host = self.is_secure && is_host_only && path == "/" && self.path.is_some();
        begins(b"__secure-") && (is_nameless || !self.is_secure) || begins(b"__host-") && (is_nameless || !is_host)
    }

    /// When the cookie ends; `None` if it does not. `now` and `wall` are the same moment.
    pub(super) fn expires(&self, now: Instant, wall: SystemTime) -> Option<Instant> {
        let today = wall.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
        let left = match (self.max_age, self.expires) {
            (Some(age), _) => age,
            (None, Some(date)) => date.saturating_sub_unsigned(today),
            (None, None) => return None,
        };
        let left = Duration::from_secs(u64::try_from(left).unwrap_or(0)).min(MAX_AGE);
        Some(now + left)
    }
}

fn split_once(bytes: &[u8], at: u8) -> Option<(&[u8], &[u8])> {
    let found = bytes.iter().position(|byte| *byte == at)?;
    Some((&bytes[..found], &bytes[found + 1..]))
}

/// The seconds of `max-age`, or `None` if it is not a whole number. A negative number gives 0. A
/// number that is too large gives the largest one.
fn parse_age(text: &str) -> Option<i64> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    Some(if digits.len() == text.len() { digits.parse().unwrap_or(i64::MAX) } else { 0 })
}

/// Seconds since 1970 of a date in any of the forms that servers send.
pub(super) fn parse_date(text: &str) -> Option<i64> {
    let (mut time, mut day, mut month, mut year) = (None, None, None, None);
    let is_delimiter =
        |c: char| !c.is_ascii_alphanumeric() && c != ':' && (c.is_ascii_graphic() || matches!(c, ' ' | '\t'));
    for token in text.split(is_delimiter).filter(|token| !token.is_empty()) {
        if time.is_none()
            && let Some(found) = parse_time(token)
        {
            time = Some(found);
        } else if day.is_none()
            && let Some(found) = leading_number(token, 1..=2)
        {
            day = Some(found);
        } else if month.is_none()
            && let Some(found) = parse_month(token)
        {
            month = Some(found);
        } else if year.is_none()
            && let Some(found) = leading_number(token, 2..=4)
        {
            year = Some(found);
        }
    }
    let ([hour, minute, second], day, month, year) = (time?, day?, month?, year?);
    let year = match year {
        70..=99 => year + 1900,
        0..=69 => year + 2000,
        1601.. => year,
        _ => return None,
    };
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days_in_month = match month {
        2 if is_leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    };
    if !(1..=days_in_month).contains(&day) || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    Some(days_since_1970(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second)
}

/// Days of the Gregorian calendar. The year is counted from March, so that a leap day is its last.
const fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    year * 365 + year / 4 - year / 100 + year / 400 + (month * 153 + 2) / 5 + day - 1 - 719_468
}

/// The number of the month that a token begins with, from 1.
fn parse_month(token: &str) -> Option<i64> {
    const MONTHS: [&str; 12] = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
    let name = token.get(..3)?;
    MONTHS.iter().zip(1..).find(|(known, _)| name.eq_ignore_ascii_case(known)).map(|(_, number)| number)
}

/// The numbers of "h:m:s", perhaps with other characters behind it.
fn parse_time(token: &str) -> Option<[i64; 3]> {
    let mut fields = token.splitn(3, ':');
    let mut next = |is_last: bool| {
        let field = fields.next()?;
        let number = leading_number(field, 1..=2)?;
        (is_last || field.bytes().all(|byte| byte.is_ascii_digit())).then_some(number)
    };
    Some([next(false)?, next(false)?, next(true)?])
}

/// The number that a token begins with, if it has as many digits as `digits` allows.
fn leading_number(token: &str, digits: std::ops::RangeInclusive<usize>) -> Option<i64> {
    let count = token.bytes().take_while(u8::is_ascii_digit).count();
    digits.contains(&count).then(|| token[..count].parse().ok())?
}
