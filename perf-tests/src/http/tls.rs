//! TLS by rustls. It trusts the system's certificates, those of a file, or any.

use std::path::Path;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use rustls_platform_verifier::BuilderVerifierExt as _;

/// TLS cannot be set up.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TlsError {
    #[error("failed to read certificates from {0}: {1}")]
    Certificates(String, String),
    #[error("failed to set up TLS: {0}")]
    Rustls(#[from] rustls::Error),
}

/// The TLS configuration that all connections of a run share. `own` is a file of certificates that
/// replaces the system's.
pub(super) fn config(insecure: bool, own: Option<&Path>, http2: bool) -> Result<Arc<ClientConfig>, TlsError> {
    prometheus_store::use_ring();
    let builder = ClientConfig::builder();
    let mut config = match (insecure, own) {
        (true, _) => {
            let schemes = CryptoProvider::get_default().map(|provider| provider.signature_verification_algorithms);
            let any =
                AnyCertificate { schemes: schemes.unwrap_or(WebPkiSupportedAlgorithms { all: &[], mapping: &[] }) };
            builder.dangerous().with_custom_certificate_verifier(Arc::new(any)).with_no_client_auth()
        }
        (false, Some(path)) => builder.with_root_certificates(roots(path)?).with_no_client_auth(),
        (false, None) => builder.with_platform_verifier()?.with_no_client_auth(),
    };
    config.alpn_protocols = vec![if http2 { b"h2".to_vec() } else { b"http/1.1".to_vec() }];
    Ok(Arc::new(config))
}

fn roots(path: &Path) -> Result<RootCertStore, TlsError> {
    let error = |why: String| TlsError::Certificates(path.display().to_string(), why);
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(path).map_err(|why| error(why.to_string()))? {
        roots.add(certificate.map_err(|why| error(why.to_string()))?).map_err(|why| error(why.to_string()))?;
    }
    if roots.is_empty() { Err(error("it has no certificates".to_owned())) } else { Ok(roots) }
}

/// Accepts any certificate, for `--insecure-skip-tls-verify`. Signatures of the handshake are still
/// verified.
#[derive(Debug)]
struct AnyCertificate {
    schemes: WebPkiSupportedAlgorithms,
}

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signature, &self.schemes)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signature, &self.schemes)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.schemes.supported_schemes()
    }
}
