//! TLS of the listeners: a certificate from files, or one made for development, and whom our own requests trust beside the machine's
//! certification authorities. Handshakes are rustls's, with aws-lc-rs.

mod development;
mod files;

use std::{
    fmt,
    path::PathBuf,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use doorward_provider::time::SystemEntropy;
use rustls::{
    ServerConfig,
    crypto::{CryptoProvider, aws_lc_rs},
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};
use tokio::net::TcpStream;
use tokio_rustls::{TlsAcceptor, server::TlsStream};

pub use self::{development::Development, files::CertificateError};
use crate::config::{Certificate, ConfigError, Places, TlsConfig};

/// A handshake that is not done after this time is given up.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);

/// What listeners speak TLS with, and whom we trust.
#[derive(Debug, Default)]
pub struct Tls {
    /// `None`: listeners speak plain HTTP.
    pub server: Option<TlsServer>,
    /// Certification authorities, in DER, that our requests trust beside the machine's.
    pub trusted: Vec<Vec<u8>>,
    /// For people: where to find the authority that browsers must be told to trust.
    pub advice: Option<String>,
}

/// Accepts TLS connections. Cheap to clone; clones share the certificate, which may be replaced while they serve.
#[derive(Clone)]
pub struct TlsServer {
    acceptor: TlsAcceptor,
    current: Arc<Current>,
    /// Where the certificate comes from; one for development lasts as long as the process.
    files: Option<(PathBuf, PathBuf)>,
}

/// The certificate in use.
#[derive(Debug)]
struct Current(RwLock<Arc<CertifiedKey>>);

impl ResolvesServerCert for Current {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner)))
    }
}

/// The client did not complete the handshake.
#[derive(Debug, thiserror::Error)]
pub enum HandshakeError {
    /// It sent something else than TLS, or knows nothing that we know, or went away.
    #[error(transparent)]
    Failed(#[from] std::io::Error),
    /// It took too long.
    #[error("the handshake took too long")]
    TooSlow,
}

impl Tls {
    /// Reads what the configuration asks for, and makes nothing.
    pub fn check(config: &TlsConfig, places: &Places) -> Result<(), ConfigError> {
        let certificate = config.certificate.clone().filter(|own| matches!(own, Certificate::Files { .. }));
        Self::open(&TlsConfig { certificate, trusted_ca: config.trusted_ca.clone() }, places).map(|_| ())
    }

    /// Reads or makes what the configuration asks for. A refusal names the file and what is wrong with it.
    pub fn open(config: &TlsConfig, places: &Places) -> Result<Self, ConfigError> {
        let mut tls = Self::default();
        if let Some(path) = &config.trusted_ca {
            let refuse = |error: CertificateError| places.refuse("tls.trusted_ca", path.display(), error.to_string());
            tls.trusted.extend(files::certificates(path).map_err(refuse)?.iter().map(|der| der.to_vec()));
        }
        match &config.certificate {
            None => {}
            Some(Certificate::Files { certificate, key }) => {
                let certified = files::read(certificate, key, &provider()).map_err(|error| refusal(places, &error))?;
                let files = Some((certificate.clone(), key.clone()));
                tls.server = Some(TlsServer::new(certified, files).map_err(|error| refusal(places, &error))?);
            }
            Some(Certificate::Development { folder }) => {
                let refuse = |error: CertificateError| {
                    places.refuse("tls.development", true, format!("{}: {error}", folder.display()))
                };
                let made = Development::open(folder, &SystemEntropy, &provider()).map_err(refuse)?;
                tls.trusted.push(made.authority.to_vec());
                tls.advice = Some(Development::advice(folder));
                tls.server = Some(TlsServer::new(made.certified, None).map_err(refuse)?);
            }
        }
        Ok(tls)
    }
}

/// Names the setting that the file stands under.
fn refusal(places: &Places, error: &CertificateError) -> ConfigError {
    let key = if error.is_of_key() { "tls.key" } else { "tls.certificate" };
    places.refuse(key, error.path().display(), error.to_string())
}

fn provider() -> CryptoProvider {
    aws_lc_rs::default_provider()
}

impl TlsServer {
    fn new(certified: CertifiedKey, files: Option<(PathBuf, PathBuf)>) -> Result<Self, CertificateError> {
        let current = Arc::new(Current(RwLock::new(Arc::new(certified))));
        let resolver: Arc<dyn ResolvesServerCert> = current.clone();
        let builder = ServerConfig::builder_with_provider(Arc::new(provider())).with_safe_default_protocol_versions();
        let builder = builder.map_err(CertificateError::Rejected)?;
        let mut config = builder.with_no_client_auth().with_cert_resolver(resolver);
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self { acceptor: TlsAcceptor::from(Arc::new(config)), current, files })
    }

    /// Takes over what the files hold now. If that is not in order, the certificate in use stays.
    pub fn reload(&self) {
        let Some((certificate, key)) = &self.files else { return };
        match files::read(certificate, key, &provider()) {
            Ok(certified) => {
                *self.current.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(certified);
                tracing::info!(certificate = %certificate.display(), "the certificate was read anew");
            }
            Err(error) => {
                let path = error.path().display();
                tracing::error!(%path, cause = %error, "the certificate in use stays");
            }
        }
    }

    /// Does the handshake on a new connection.
    pub async fn accept(&self, stream: TcpStream) -> Result<TlsStream<TcpStream>, HandshakeError> {
        let handshake = tokio::time::timeout(HANDSHAKE_TIMEOUT, self.acceptor.accept(stream)).await;
        Ok(handshake.map_err(|_| HandshakeError::TooSlow)??)
    }
}

impl fmt::Debug for TlsServer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("TlsServer").field("files", &self.files).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
