//! Certificates and keys in PEM files, checked before the first handshake.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use doorward_provider::model::time::{Clock as _, SystemClock};
use rustls::{
    crypto::CryptoProvider,
    pki_types::{
        CertificateDer, PrivateKeyDer,
        pem::{self, PemObject as _},
    },
    sign::CertifiedKey,
};

/// Why a certificate can't be used.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    /// The file can't be read.
    #[error("the file can't be read: {reason}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Whether it should hold the key.
        key: bool,
        /// Why not.
        reason: io::Error,
    },
    /// The file does not contain one.
    #[error(
        "there is no {} in this file: give one in PEM",
        if *.key { "private key" } else { "certificate" }
    )]
    Missing {
        /// The file.
        path: PathBuf,
        /// Whether it should hold the key.
        key: bool,
    },
    /// The key does not belong to the certificate.
    #[error("this is not the private key of the certificate in {}", certificate.display())]
    Mismatch {
        /// The file of the key.
        path: PathBuf,
        /// That of the certificate.
        certificate: PathBuf,
    },
    /// The certificate has expired.
    #[error("the certificate has expired on {on}: renew it")]
    Expired {
        /// The file.
        path: PathBuf,
        /// Until when it was valid.
        on: String,
    },
    /// The certificate or key is of a kind that can't be used.
    #[error("it can't be used for TLS: {0}")]
    Unusable(String, PathBuf, bool),
    /// TLS can't be set up for another reason.
    #[error("TLS can't be set up: {0}")]
    Rejected(rustls::Error),
}

impl CertificateError {
    /// The file that is at fault.
    pub fn path(&self) -> &Path {
        match self {
            Self::Unreadable { path, .. }
            | Self::Missing { path, .. }
            | Self::Mismatch { path, .. }
            | Self::Expired { path, .. }
            | Self::Unusable(_, path, _) => path,
            Self::Rejected(_) => Path::new(""),
        }
    }

    /// Whether it is the file of the key.
    pub fn is_of_key(&self) -> bool {
        match self {
            Self::Unreadable { key, .. }
            | Self::Missing { key, .. }
            | Self::Unusable(_, _, key) => *key,
            Self::Mismatch { .. } => true,
            Self::Expired { .. } | Self::Rejected(_) => false,
        }
    }
}

/// Reads a chain, the server's own certificate first, and its private key.
pub fn read(
    certificate: &Path,
    key: &Path,
    provider: &CryptoProvider,
) -> Result<CertifiedKey, CertificateError> {
    let chain = certificates(certificate)?;
    let private = private_key(key)?;
    if let Some(own) = chain.first() {
        check_validity(own, certificate)?;
    }
    CertifiedKey::from_der(chain, private, provider).map_err(|error| match error {
        rustls::Error::InconsistentKeys(_) => {
            CertificateError::Mismatch { path: key.to_owned(), certificate: certificate.to_owned() }
        }
        rustls::Error::InvalidCertificate(_) => {
            CertificateError::Unusable(error.to_string(), certificate.to_owned(), false)
        }
        other => CertificateError::Unusable(other.to_string(), key.to_owned(), true),
    })
}

/// The certificates in a file, at least one.
pub fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, CertificateError> {
    let unreadable =
        |reason| CertificateError::Unreadable { path: path.to_owned(), key: false, reason };
    let missing = || CertificateError::Missing { path: path.to_owned(), key: false };
    let text = fs::read(path).map_err(unreadable)?;
    let found: Result<Vec<_>, pem::Error> = CertificateDer::pem_slice_iter(&text).collect();
    found.ok().filter(|found| !found.is_empty()).ok_or_else(missing)
}

fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>, CertificateError> {
    let unreadable =
        |reason| CertificateError::Unreadable { path: path.to_owned(), key: true, reason };
    let text = fs::read(path).map_err(unreadable)?;
    PrivateKeyDer::from_pem_slice(&text)
        .map_err(|_| CertificateError::Missing { path: path.to_owned(), key: true })
}

fn check_validity(der: &CertificateDer<'_>, path: &Path) -> Result<(), CertificateError> {
    let parsed = x509_parser::parse_x509_certificate(der);
    let (_, parsed) = parsed
        .map_err(|error| CertificateError::Unusable(error.to_string(), path.to_owned(), false))?;
    let end = parsed.validity().not_after;
    if end.timestamp() < SystemClock.now().seconds() {
        return Err(CertificateError::Expired { path: path.to_owned(), on: end.to_string() });
    }
    Ok(())
}
