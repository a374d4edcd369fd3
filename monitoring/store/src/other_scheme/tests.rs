//! Tests of `other_scheme`.

use std::io::{Read as _, Write as _};

use test_support::fake_server;
use test_support::tls_server::{Authority, Identity, TlsServer};

use super::*;

#[tokio::test]
async fn the_other_scheme_is_named() {
    let folder = std::env::temp_dir().join(format!("perf-scheme-{}", std::process::id()));
    let identity = Identity::self_signed(&folder, "localhost");
    let authority = Authority::new(folder.join("clients"));
    let [open, closed] = [None, Some(&authority)].map(|clients| TlsServer::start(&identity, clients, &[]));
    let find = async |url: &str| OtherScheme::find(&Url::parse(url).unwrap(), &ProxySettings::default()).await;
    for server in [&open, &closed] {
        let address = format!("localhost:{}/write", server.port);
        let other = find(&format!("http://user:t0p@{address}")).await.unwrap().to_string();
        assert_eq!(other, format!("http://{address} responds with TLS: use https://"));
        assert_eq!(find(&format!("https://{address}")).await, None);
    }
    let plain = fake_server::accept_each(|mut stream| {
        let _ = stream.read(&mut [0; 4096]).unwrap();
        write!(stream, "HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n").unwrap();
    });
    let other = find(&format!("https://{plain}")).await.unwrap().to_string();
    assert_eq!(other, format!("https://{plain} responds without TLS: use http://"));
    assert_eq!(find(&format!("http://{plain}")).await, None);
    assert_eq!(find(&fake_server::unreachable_url()).await, None);
    std::fs::remove_dir_all(folder).unwrap();
}
