//! Tests of `message`.

use proptest::prelude::*;

use super::*;

fn read_now<M: Incoming>(bytes: &[u8], limit: usize) -> Result<M, MessageError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(read(&mut &*bytes, limit))
}

#[test]
fn a_message_arrives_as_it_was_sent() {
    let reply = ClockReply { received: 1 << 50, sent: 1 };
    let bytes = encode(&FromAgent::ClockReply(reply)).unwrap();
    let FromAgent::ClockReply(arrived) = read_now(&bytes, MAX_HELLO).unwrap() else { panic!("another message") };
    assert_eq!(arrived, reply);
    assert!(matches!(read_now::<FromAgent>(&bytes[..bytes.len() - 1], MAX_HELLO), Err(MessageError::Closed)));
}

#[test]
fn a_message_over_the_limit_is_refused_by_its_length_alone() {
    let huge = u32::MAX.to_be_bytes();
    let read = allocation_counter::measure(|| {
        assert!(matches!(read_now::<FromAgent>(&huge, MAX_MESSAGE), Err(MessageError::TooLong { .. })));
    });
    assert!(read.bytes_max < 1 << 20, "{} bytes were allocated", read.bytes_max);
    let announced = [(MAX_MESSAGE as u32).to_be_bytes().as_slice(), b"{"].concat();
    let read = allocation_counter::measure(|| {
        assert!(matches!(read_now::<FromAgent>(&announced, MAX_MESSAGE), Err(MessageError::Closed)));
    });
    assert!(read.bytes_max < 1 << 20, "{} bytes were allocated", read.bytes_max);
}

#[test]
fn the_fuzzer_begins_with_messages() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds/agent_message");
    let seeds: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(seeds.len() >= 10, "{seeds:?}");
    for seed in seeds {
        let is_message = crate::agents::is_message(&std::fs::read(&seed).unwrap()).unwrap();
        assert_eq!(is_message, !seed.ends_with("too_long"), "{}", seed.display());
    }
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200), text in ".{0,200}") {
        let framed = |body: &[u8]| [(body.len() as u32).to_be_bytes().as_slice(), body].concat();
        for bytes in [bytes.clone(), framed(&bytes), framed(text.as_bytes())] {
            drop(read_now::<FromAgent>(&bytes, MAX_HELLO));
            drop(read_now::<ToAgent>(&bytes, MAX_HELLO));
        }
    }
}
