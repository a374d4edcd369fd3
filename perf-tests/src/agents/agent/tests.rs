//! Tests of `agent`.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::Mutex;
use std::thread;

use super::*;
use crate::agents::message::SILENCE;

#[tokio::test(start_paused = true)]
async fn an_agent_waits_longer_for_a_name_than_for_a_port() {
    static SHOWN: Mutex<Vec<String>> = Mutex::new(Vec::new());
    let show = |text: &str| SHOWN.lock().unwrap().push(text.to_owned());
    let begun = crate::clock::now();
    // A name that is too long is unknown without a question to a server.
    assert!(connect(&format!("{}.invalid:7070", "a".repeat(64)), false, show).await.is_err());
    assert!(begun.elapsed() >= LONG_PATIENCE, "{:?}", begun.elapsed());
    let shown = std::mem::take(&mut *SHOWN.lock().unwrap());
    assert!(shown.len() == 1 && shown[0].contains(".invalid:7070, up to 10 min: "), "{shown:?}");
    // Nothing listens there.
    let begun = crate::clock::now();
    assert!(connect("127.0.0.1:1", false, show).await.is_err());
    assert!(begun.elapsed() < LONG_PATIENCE / 2, "{:?}", begun.elapsed());
    let begun = crate::clock::now();
    assert!(connect("an-address-without-a-port", false, show).await.is_err());
    assert!(begun.elapsed() < PAUSE, "{:?}", begun.elapsed());
    assert_eq!(*SHOWN.lock().unwrap(), Vec::<String>::new());
}

fn hello() -> Hello {
    let [build, scenario, catalogue, token, place] = [(); 5].map(|()| String::new());
    Hello { protocol: message::PROTOCOL, build, scenario, catalogue, token, place }
}

#[tokio::test]
async fn the_token_is_not_sent_to_a_public_address_in_plain_text() {
    for public in ["203.0.113.5:7070", "[2001:db8::5]:7070"] {
        let join = AgentJoin { address: public.to_owned(), token: String::new(), build: None, authority: None };
        let end = Agent::join(&join, hello(), |_| ()).await.err().unwrap();
        assert_eq!(end.code(), ExitCode::BadConfiguration);
        assert!(
            end.to_string().contains("is a public address") && end.to_string().contains("set PERF_AGENT_CA"),
            "{end}"
        );
    }
}

#[tokio::test]
async fn an_agent_waits_for_its_place_among_other_peers() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    // A peer that is accepted late.
    let coordinator = thread::spawn(move || {
        thread::sleep(SILENCE + Duration::from_secs(1));
        let mut stream = listener.accept().unwrap().0;
        let refused = ToAgent::Refused(vec!["it is late".to_owned()]);
        stream.write_all(&message::encode(&refused).unwrap()).unwrap();
        drop(stream.read_to_end(&mut Vec::new()));
    });
    let join = AgentJoin { address, token: String::new(), build: None, authority: None };
    let end = Agent::join(&join, hello(), |_| ()).await.err().unwrap();
    assert_eq!(end.to_string(), "the coordinator refused this agent: it is late");
    coordinator.join().unwrap();
}
