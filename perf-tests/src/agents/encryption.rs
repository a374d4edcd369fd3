//! TLS between coordinator and agents, with a certificate of the user. Agents show the token, so
//! they need no certificate.

use std::path::Path;
use std::sync::Arc;

use perf_settings::{AGENT_CA, LISTEN_CERTIFICATE};
use rustls::ServerConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::{TlsAcceptor, TlsConnector};

use super::message::SILENCE;
use crate::http::{TlsError, client_config, read_certificates, read_key};

/// A connection, encrypted or not.
pub(super) type AgentStream = Box<dyn Duplex>;

pub(super) trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Duplex for S {}

#[derive(Debug, thiserror::Error)]
pub(crate) enum EncryptionError {
    #[error(transparent)]
    Certificate(#[from] TlsError),
    #[error("failed to read a private key from {0}: {1}; the file needs the certificate and its key")]
    Key(String, String),
    #[error("{0:?} is not the name of a host")]
    Name(String),
    #[error("TLS failed: {0}")]
    Handshake(std::io::Error),
    #[error("TLS failed: the peer did not respond within {} s", SILENCE.as_secs())]
    Silent,
}

/// The coordinator's side. The file has a certificate and its key.
pub(crate) fn acceptor(file: &Path) -> Result<TlsAcceptor, EncryptionError> {
    let certificates = read_certificates(file, &format!("--listen-certificate FILE (or {LISTEN_CERTIFICATE})"))?;
    let key = read_key(file).map_err(|why| EncryptionError::Key(file.display().to_string(), why))?;
    prometheus_store::use_ring();
    let config = ServerConfig::builder().with_no_client_auth().with_single_cert(certificates, key);
    Ok(TlsAcceptor::from(Arc::new(config.map_err(TlsError::from)?)))
}

pub(super) async fn accept(acceptor: &TlsAcceptor, stream: TcpStream) -> Result<AgentStream, EncryptionError> {
    let accepted = tokio::time::timeout(SILENCE, acceptor.accept(stream)).await;
    Ok(Box::new(accepted.map_err(|_| EncryptionError::Silent)?.map_err(EncryptionError::Handshake)?))
}

/// Encrypts the connection to the coordinator at `address`, whose certificate is of the authority
/// in `file`, or in it.
pub(super) async fn connect(file: &Path, address: &str, stream: TcpStream) -> Result<AgentStream, EncryptionError> {
    let host = address.rsplit_once(':').map_or(address, |(host, _)| host).trim_matches(['[', ']']);
    let name = ServerName::try_from(host.to_owned()).map_err(|_| EncryptionError::Name(host.to_owned()))?;
    let connector = TlsConnector::from(Arc::new(client_config(file, AGENT_CA)?));
    let connected = tokio::time::timeout(SILENCE, connector.connect(name, stream)).await;
    Ok(Box::new(connected.map_err(|_| EncryptionError::Silent)?.map_err(EncryptionError::Handshake)?))
}

/// The remedy for a failed handshake.
pub(super) fn advise() -> String {
    format!("set its {AGENT_CA} to a file with the certificate of --listen-certificate, or of its authority")
}
