//! PEM files of certificates and keys. Errors do not name the file.

use std::path::Path;

use rustls::pki_types::pem::{self, PemObject as _};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// A word in the lines before an encrypted key.
const ENCRYPTED: &[u8] = b"ENCRYPTED";

/// Reads all certificates of a PEM file. A file without any is an error.
///
/// # Errors
/// If the file cannot be read or parsed, or has no certificates.
pub fn read_certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let certificates = CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let certificates = certificates.map_err(describe)?;
    if certificates.is_empty() { Err("it has no certificates".to_owned()) } else { Ok(certificates) }
}

/// Reads the private key of a PEM file.
///
/// # Errors
/// If the file cannot be read or parsed, or has no unencrypted key.
pub fn read_key(path: &Path) -> Result<PrivateKeyDer<'static>, String> {
    let text = std::fs::read(path).map_err(|error| error.to_string())?;
    PrivateKeyDer::from_pem_slice(&text).map_err(|error| {
        let is_encrypted = text.windows(ENCRYPTED.len()).any(|part| part == ENCRYPTED);
        match error {
            _ if is_encrypted => "the key is encrypted: decrypt it with openssl pkey -in FILE -out KEY_FILE".to_owned(),
            pem::Error::NoItemsFound => "it contains no unencrypted private key".to_owned(),
            error => describe(error),
        }
    })
}

/// Why a PEM file cannot be read.
fn describe(error: pem::Error) -> String {
    match error {
        pem::Error::Io(error) => error.to_string(),
        pem::Error::MissingSectionEnd { .. } => "a section has no line -----END …-----".to_owned(),
        pem::Error::IllegalSectionStart { .. } => "the line -----BEGIN …----- of a section is malformed".to_owned(),
        error => error.to_string(),
    }
}
