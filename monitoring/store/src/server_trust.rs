//! The certificates of servers that a client trusts.

use std::fmt;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{WebPkiServerVerifier, verify_server_name};
use rustls::crypto::{CryptoProvider, WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, DigitallySignedStruct, Error, OtherError, RootCertStore, SignatureScheme};
use rustls_platform_verifier::Verifier as PlatformVerifier;

/// The certificates that a client trusts. The handshake always proves the server's key.
#[derive(Debug)]
pub enum ServerTrust {
    /// Any.
    Any,
    /// Those of a file.
    Only(Vec<CertificateDer<'static>>),
    /// Those of the system, and those of a file.
    System(Vec<CertificateDer<'static>>),
}

impl ServerTrust {
    /// The verifier of servers' certificates. Needs the TLS provider of [`crate::use_ring`].
    ///
    /// # Errors
    /// If a certificate is malformed, or those of the system cannot be read.
    pub fn verifier(self) -> Result<Arc<dyn ServerCertVerifier>, Error> {
        let general = |error: &dyn fmt::Display| Error::General(error.to_string());
        let provider = CryptoProvider::get_default().ok_or_else(|| general(&"TLS has no provider"))?;
        let authorities: Option<(Arc<dyn ServerCertVerifier>, _)> = match self {
            Self::Any => None,
            Self::Only(certificates) => {
                let mut roots = RootCertStore::empty();
                certificates.iter().try_for_each(|certificate| roots.add(certificate.clone()))?;
                let verifier = WebPkiServerVerifier::builder(Arc::new(roots)).build();
                Some((verifier.map_err(|error| general(&error))?, certificates))
            }
            Self::System(more) => {
                let verifier = PlatformVerifier::new_with_extra_roots(more.clone(), Arc::clone(provider))?;
                Some((Arc::new(verifier), more))
            }
        };
        Ok(Arc::new(Verifier { authorities, algorithms: provider.signature_verification_algorithms }))
    }
}

/// Trusts the certificates of a file: those that they have signed, and themselves.
///
/// openssl makes self-signed certificates that are an authority's, unless told otherwise. webpki
/// does not accept these as a server's own. They are accepted here if they are in the file, byte
/// for byte. Name and validity are verified as always, and the handshake proves the key.
#[derive(Debug)]
struct Verifier {
    /// The verifier of certificates that others have signed, and the certificates of the file.
    /// Without it, any certificate is accepted.
    authorities: Option<(Arc<dyn ServerCertVerifier>, Vec<CertificateDer<'static>>)>,
    algorithms: WebPkiSupportedAlgorithms,
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let Some((verifier, certificates)) = &self.authorities else { return Ok(ServerCertVerified::assertion()) };
        match verifier.verify_server_cert(end_entity, intermediates, name, ocsp, now) {
            // webpki verifies the validity before it finds that the certificate is an authority's.
            Err(Error::InvalidCertificate(error)) if is_authority(&error) && certificates.contains(end_entity) => {
                verify_server_name(&ParsedCertificate::try_from(end_entity)?, name)?;
                Ok(ServerCertVerified::assertion())
            }
            result => result,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signature, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signature, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

/// Whether the only fault is that the server's own certificate is an authority's.
pub fn is_authority(error: &CertificateError) -> bool {
    let CertificateError::Other(OtherError(cause)) = error else { return false };
    matches!(cause.downcast_ref(), Some(webpki::Error::CaUsedAsEndEntity))
}

#[cfg(test)]
mod tests;
