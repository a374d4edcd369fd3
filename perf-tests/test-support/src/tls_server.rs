//! A TLS service in this process, with certificates made for the test.

#![expect(clippy::unwrap_used, reason = "a helper that fails fails the test")]

use std::net::{SocketAddr, TcpStream as BlockingStream};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::serve::Listener;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, date_time_ymd};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{RootCertStore, ServerConfig, ServerConnection, StreamOwned};
use tokio::io::{copy, sink};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Builder;
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// The file of a certificate as `openssl req -x509` makes it: self-signed and an authority's.
/// "own" and "other" have the same name, own.test, and different keys.
pub fn openssl_certificate(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("certificates").join(format!("{name}_certificate.pem"))
}

/// An authority that signs certificates, with its own as a file.
pub struct Authority {
    folder: PathBuf,
    issuer: Issuer<'static, KeyPair>,
    /// Its own certificate.
    pub file: PathBuf,
}

/// A certificate and its key, as files.
pub struct Identity {
    /// The certificate, in PEM. Certificates of authorities may follow.
    pub certificate: PathBuf,
    /// The private key, in PEM.
    pub key: PathBuf,
}

impl Authority {
    /// An authority whose files are in this folder. The folder's name is its own.
    pub fn new(folder: PathBuf) -> Self {
        Self::signed_by(None, folder)
    }

    /// An authority whose certificate this one signs. Its folder is in this one's.
    pub fn intermediate(&self, name: &str) -> Self {
        Self::signed_by(Some(&self.issuer), self.folder.join(name))
    }

    fn signed_by(issuer: Option<&Issuer<'static, KeyPair>>, folder: PathBuf) -> Self {
        std::fs::create_dir_all(&folder).unwrap();
        let mut params = CertificateParams::new([]).unwrap();
        params.distinguished_name.push(DnType::CommonName, folder.file_name().unwrap().to_str().unwrap());
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let certificate = match issuer {
            Some(issuer) => params.signed_by(&key, issuer).unwrap(),
            None => params.self_signed(&key).unwrap(),
        };
        let file = folder.join("authority.pem");
        std::fs::write(&file, certificate.pem()).unwrap();
        Self { folder, issuer: Issuer::new(params, key), file }
    }

    /// Signs a certificate for a host name.
    pub fn sign(&self, name: &str) -> Identity {
        self.sign_for(name, 2000..2040)
    }

    /// Signs a certificate that is valid in these years.
    pub fn sign_for(&self, name: &str, years: Range<i32>) -> Identity {
        let mut params = CertificateParams::new([name.to_owned()]).unwrap();
        params.not_before = date_time_ymd(years.start, 1, 1);
        params.not_after = date_time_ymd(years.end, 1, 1);
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        Identity::write(&self.folder.join(name), &certificate.pem(), &key)
    }
}

impl Identity {
    /// A self-signed certificate that is an authority's, as `openssl req -x509` makes it.
    pub fn self_signed(folder: &Path, name: &str) -> Self {
        std::fs::create_dir_all(folder).unwrap();
        let mut params = CertificateParams::new([name.to_owned()]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        Self::write(&folder.join(name), &params.self_signed(&key).unwrap().pem(), &key)
    }

    /// The same key with the certificates of these files, in this order.
    pub fn with_chain(&self, files: &[&Path]) -> Self {
        let certificate = self.certificate.with_extension("chain.pem");
        let texts: Vec<_> = files.iter().map(|file| std::fs::read(file).unwrap()).collect();
        std::fs::write(&certificate, texts.concat()).unwrap();
        Self { certificate, key: self.key.clone() }
    }

    /// Its certificates and its key, which need not be the key of the first one.
    fn read(&self) -> Arc<SingleCertAndKey> {
        let chain = CertificateDer::pem_file_iter(&self.certificate).unwrap().map(Result::unwrap).collect();
        let key = PrivateKeyDer::from_pem_file(&self.key).unwrap();
        let key = rustls::crypto::ring::sign::any_supported_type(&key).unwrap();
        Arc::new(CertifiedKey::new(chain, key).into())
    }

    fn write(path: &Path, certificate: &str, key: &KeyPair) -> Self {
        let files = Self { certificate: path.with_extension("pem"), key: path.with_extension("key") };
        std::fs::write(&files.certificate, certificate).unwrap();
        std::fs::write(&files.key, key.serialize_pem()).unwrap();
        files
    }
}

/// Options of a service with TLS. By default, it asks for no client certificate, negotiates no
/// protocol, and responds at once.
#[derive(Default)]
pub struct TlsOptions<'a> {
    /// The authority of the client certificates that it asks for.
    pub clients: Option<&'a Authority>,
    /// Whether it accepts clients that present no certificate.
    pub accepts_strangers: bool,
    /// The protocols to agree on, its first choice first. Without any, it does not negotiate.
    pub protocols: &'a [&'a str],
    /// Time before the handshake of each connection.
    pub delay: Duration,
    /// Whether TLS 1.2 is its only version.
    pub is_tls12: bool,
}

/// A service that responds 200 to everything.
pub struct TlsServer {
    /// Its port.
    pub port: u16,
    /// Server name (SNI), version and authority of each request.
    requests: Arc<Mutex<Vec<String>>>,
    /// Whether the client of each connection presented a certificate.
    identified: Arc<Mutex<Vec<bool>>>,
}

impl TlsServer {
    /// Starts a service. It requires a certificate of `clients`, if given, and agrees on one of the
    /// protocols, its first choice first; without protocols, it does not negotiate.
    pub fn start(identity: &Identity, clients: Option<&Authority>, protocols: &[&str]) -> Self {
        Self::start_with(identity, &TlsOptions { clients, protocols, ..TlsOptions::default() })
    }

    /// Starts a service with these options.
    pub fn start_with(identity: &Identity, options: &TlsOptions<'_>) -> Self {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let versions = if options.is_tls12 { &[&rustls::version::TLS12] } else { rustls::DEFAULT_VERSIONS };
        let builder = ServerConfig::builder_with_provider(provider.clone()).with_protocol_versions(versions).unwrap();
        let builder = match options.clients {
            None => builder.with_no_client_auth(),
            Some(authority) => {
                let mut roots = RootCertStore::empty();
                roots.add(CertificateDer::from_pem_file(&authority.file).unwrap()).unwrap();
                let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
                let verifier = if options.accepts_strangers { verifier.allow_unauthenticated() } else { verifier };
                builder.with_client_cert_verifier(verifier.build().unwrap())
            }
        };
        let mut config = builder.with_cert_resolver(identity.read());
        config.alpn_protocols = options.protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
        Self::serve(config, options.delay)
    }

    /// Starts a service that has no cipher for its own key, so that it refuses every handshake.
    pub fn without_ciphers(identity: &Identity) -> Self {
        let rsa = vec![rustls::crypto::ring::cipher_suite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256];
        let provider = CryptoProvider { cipher_suites: rsa, ..rustls::crypto::ring::default_provider() };
        let builder = ServerConfig::builder_with_provider(Arc::new(provider));
        let builder = builder.with_protocol_versions(&[&rustls::version::TLS12]).unwrap().with_no_client_auth();
        Self::serve(builder.with_cert_resolver(identity.read()), Duration::ZERO)
    }

    fn serve(config: ServerConfig, delay: Duration) -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let (requests, identified) = (Arc::<Mutex<Vec<String>>>::default(), Arc::<Mutex<Vec<bool>>>::default());
        let (recorded, of_connections) = (requests.clone(), identified.clone());
        let names = Arc::<Mutex<String>>::default();
        let name = names.clone();
        let router = Router::new().fallback(move |request: Request| async move {
            let host = request.headers().get("host").map(|host| host.to_str().unwrap().to_owned());
            let host = host.or_else(|| request.uri().authority().map(ToString::to_string)).unwrap_or_default();
            let request = format!("{} {:?} {host}", name.lock().unwrap(), request.version());
            recorded.lock().unwrap().push(request);
        });
        thread::spawn(move || {
            let runtime = Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let (shaken, streams) = mpsc::unbounded_channel();
                let tcp = TcpListener::from_std(listener).unwrap();
                tokio::spawn(shake_hands(tcp, TlsAcceptor::from(Arc::new(config)), delay, shaken));
                let listener = TlsListener { streams, address, names, identified: of_connections };
                axum::serve(listener, router).await.unwrap();
            });
        });
        Self { port: address.port(), requests, identified }
    }

    /// The distinct requests so far.
    pub fn requests(&self) -> Vec<String> {
        let mut requests = self.requests.lock().unwrap().clone();
        requests.dedup();
        requests
    }

    /// Whether clients presented a certificate: the distinct results of all connections so far.
    pub fn identified(&self) -> Vec<bool> {
        let mut identified = self.identified.lock().unwrap().clone();
        identified.sort_unstable();
        identified.dedup();
        identified
    }
}

/// Makes the TLS handshakes of connections, for a server that may violate any rule. A stream that
/// is dropped ends without close_notify.
pub fn secure(identity: &Identity) -> impl Fn(BlockingStream) -> StreamOwned<ServerConnection, BlockingStream> + use<> {
    let builder = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()));
    let builder = builder.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
    let config = Arc::new(builder.with_cert_resolver(identity.read()));
    move |tcp| StreamOwned::new(ServerConnection::new(config.clone()).unwrap(), tcp)
}

type Shaken = (TlsStream<TcpStream>, SocketAddr);

/// Makes the handshakes of all connections, each after a delay.
async fn shake_hands(tcp: TcpListener, acceptor: TlsAcceptor, delay: Duration, shaken: UnboundedSender<Shaken>) {
    loop {
        let (tcp, address) = tcp.accept().await.unwrap();
        let (acceptor, shaken) = (acceptor.clone(), shaken.clone());
        tokio::spawn(async move {
            tokio::time::sleep(delay).await;
            match acceptor.accept(tcp).into_fallible().await {
                Ok(stream) => shaken.send((stream, address)).unwrap(),
                // The client reads the alert before the connection ends.
                Err((_, mut tcp)) => drop(copy(&mut tcp, &mut sink()).await),
            }
        });
    }
}

struct TlsListener {
    streams: UnboundedReceiver<Shaken>,
    address: SocketAddr,
    /// The server name of the last handshake.
    names: Arc<Mutex<String>>,
    identified: Arc<Mutex<Vec<bool>>>,
}

impl Listener for TlsListener {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, SocketAddr) {
        let (stream, address) = self.streams.recv().await.unwrap();
        let session = stream.get_ref().1;
        *self.names.lock().unwrap() = session.server_name().unwrap_or("-").to_owned();
        self.identified.lock().unwrap().push(session.peer_certificates().is_some());
        (stream, address)
    }

    fn local_addr(&self) -> std::io::Result<SocketAddr> {
        Ok(self.address)
    }
}
