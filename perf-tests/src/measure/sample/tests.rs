//! Tests of `sample`.

use super::*;

#[test]
fn connecting_is_looking_up_tcp_and_tls() {
    let mut parts = DurationParts::default();
    let ms = Duration::from_millis;
    for (number, part) in RequestPart::ALL.into_iter().enumerate() {
        parts.set(part, ms(1 << number));
    }
    let of = |part: RequestPart| ms(1 << (part as u32));
    let connecting = of(RequestPart::LookingUp) + of(RequestPart::Connecting) + of(RequestPart::TlsHandshaking);
    assert_eq!(parts.connecting(), connecting);
    assert_eq!(parts.before_sending(), of(RequestPart::Blocked) + connecting);
}
