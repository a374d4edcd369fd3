//! TLS between coordinator and agents, with a certificate of the user. Agents show the token, so
//! they need no certificate.

use std::path::Path;
use std::sync::Arc;

use perf_settings::{AGENT_CA, AGENT_JOIN, LISTEN_CERTIFICATE};
use rustls::ServerConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::error::Elapsed;
use tokio::time::timeout;
use tokio_rustls::{TlsAcceptor, TlsConnector};

use super::message::SILENCE;
use crate::http::{TlsError, client_config, read_certificates};

/// A connection, encrypted or not.
pub(super) type AgentStream = Box<dyn Duplex>;

pub(super) trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Duplex for S {}

#[derive(Debug, thiserror::Error)]
pub(crate) enum EncryptionError {
    #[error(transparent)]
    Certificate(#[from] TlsError),
    #[error(
        "failed to use the private key in {file}: {why}; give a file with the certificate and its key with {}",
        setting()
    )]
    Key { file: String, why: String },
    #[error("{0:?} is not the name of a host: set {AGENT_JOIN} to HOST:PORT")]
    Name(String),
    #[error(
        "{0}: {AGENT_CA} must be a file with the coordinator's certificate, or with its authority's. If the coordinator \
         has no --listen-certificate, remove it"
    )]
    Handshake(#[from] HandshakeError),
}

/// Why a handshake failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum HandshakeError {
    #[error("TLS failed: {0}")]
    Failed(#[from] std::io::Error),
    #[error("TLS failed: the peer did not respond within {} s", SILENCE.as_secs())]
    Silent(#[from] Elapsed),
}

/// The coordinator's side. The file has a certificate and its key.
pub(crate) fn acceptor(file: &Path) -> Result<TlsAcceptor, EncryptionError> {
    let certificates = read_certificates(file, &setting())?;
    let unusable = |why: String| EncryptionError::Key { file: file.display().to_string(), why };
    let key = prometheus_store::read_key(file).map_err(unusable)?;
    prometheus_store::use_ring();
    let config = ServerConfig::builder().with_no_client_auth().with_single_cert(certificates, key);
    let config = config.map_err(|error| match error {
        rustls::Error::InconsistentKeys(_) => unusable("it is not that of the first certificate".to_owned()),
        error => unusable(error.to_string()),
    });
    Ok(TlsAcceptor::from(Arc::new(config?)))
}

fn setting() -> String {
    format!("--listen-certificate FILE (or {LISTEN_CERTIFICATE})")
}

/// Encrypts the connection of a peer that has connected.
pub(super) async fn accept(acceptor: &TlsAcceptor, stream: TcpStream) -> Result<AgentStream, HandshakeError> {
    Ok(Box::new(timeout(SILENCE, acceptor.accept(stream)).await??))
}

/// Encrypts the connection to the coordinator at `address`. `file` has the coordinator's
/// certificate, or that of the authority that signed it. It has no time limit.
pub(super) async fn connect(file: &Path, address: &str, stream: TcpStream) -> Result<AgentStream, EncryptionError> {
    let host = address.rsplit_once(':').map_or(address, |(host, _)| host).trim_matches(['[', ']']);
    let name = ServerName::try_from(host.to_owned()).map_err(|_| EncryptionError::Name(host.to_owned()))?;
    let connector = TlsConnector::from(Arc::new(client_config(file, AGENT_CA)?));
    Ok(Box::new(connector.connect(name, stream).await.map_err(HandshakeError::from)?))
}

/// The remedy for a failed handshake.
pub(super) fn advise() -> String {
    format!("set its {AGENT_CA} to a file with the certificate of --listen-certificate, or of its authority")
}
