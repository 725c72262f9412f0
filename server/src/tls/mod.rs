//! TLS of the listeners, with a certificate from files or one made for development; and the
//! certification authorities that our own requests trust beside the machine's. rustls with
//! aws-lc-rs does the handshakes.

mod development;
mod files;

use std::{
    fmt, fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError, RwLock},
    time::{Duration, SystemTime},
};

use doorward_provider::model::time::SystemEntropy;
use rustls::{
    ServerConfig,
    crypto::{CryptoProvider, aws_lc_rs},
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

pub use self::{
    development::Development,
    files::{CertificateError, certificates},
};
use crate::{
    config::{Certificate, ConfigError, SettingSources, TlsConfig},
    private_file::readable_by_everyone,
};

/// A handshake that takes longer is given up.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);

/// The certificate of the listeners, and the authorities that we trust.
#[derive(Debug, Default)]
pub struct Tls {
    /// `None`: the listeners use plain HTTP.
    pub server: Option<TlsServer>,
    /// Certification authorities, in DER, that our requests trust beside the machine's.
    pub trusted: Vec<Vec<u8>>,
    /// For people: where the authority is that browsers must trust.
    pub advice: Option<String>,
}

/// Accepts TLS connections. Cheap to clone; clones share the certificate, which may be replaced
/// while they serve.
#[derive(Clone)]
pub struct TlsServer {
    acceptor: TlsAcceptor,
    current: Arc<Current>,
    /// The certificate's files. A development certificate lasts as long as the process.
    files: Option<Arc<Files>>,
}

/// The files of a certificate and its key, and their state when they were last read.
#[derive(Debug)]
struct Files {
    certificate: PathBuf,
    key: PathBuf,
    seen: Mutex<Option<[Stamp; 2]>>,
}

/// What changes with a file's content: the time of the last write, and the length.
type Stamp = (SystemTime, u64);

impl Files {
    fn new(certificate: &Path, key: &Path) -> Self {
        Self { certificate: certificate.to_owned(), key: key.to_owned(), seen: Mutex::default() }
    }

    /// Reads both files. If that fails they count as not seen, so they are read again: the cause
    /// (permissions, too many open files) may pass without a change of the files.
    fn read(&self) -> Result<CertifiedKey, CertificateError> {
        let stamps = self.stamps();
        let read = files::read(&self.certificate, &self.key, &provider());
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = stamps.filter(|_| read.is_ok());
        read
    }

    /// Whether both files exist and one has changed since they were read.
    fn have_changed(&self) -> bool {
        let now = self.stamps();
        now.is_some() && now != *self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn stamps(&self) -> Option<[Stamp; 2]> {
        let stamp = |path: &Path| {
            fs::metadata(path).and_then(|file| Ok((file.modified()?, file.len()))).ok()
        };
        Some([stamp(&self.certificate)?, stamp(&self.key)?])
    }
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
    /// It sent something other than TLS, or supports nothing that we support, or went away.
    #[error(transparent)]
    Failed(#[from] std::io::Error),
    /// It took too long.
    #[error("the handshake took too long")]
    TooSlow,
}

impl Tls {
    /// Reads what the configuration asks for. Creates nothing.
    pub fn check(config: &TlsConfig, sources: &SettingSources) -> Result<(), ConfigError> {
        let certificate =
            config.certificate.clone().filter(|own| matches!(own, Certificate::Files { .. }));
        Self::open(&TlsConfig { certificate, trusted_ca: config.trusted_ca.clone() }, sources)
            .map(|_| ())
    }

    /// Certification authorities (DER) that our requests trust beside the machine's. Makes nothing:
    /// the development authority counts if it exists.
    pub fn trusted(
        config: &TlsConfig,
        sources: &SettingSources,
    ) -> Result<Vec<Vec<u8>>, ConfigError> {
        if let Some(Certificate::Development { folder }) = &config.certificate
            && !folder.is_dir()
        {
            return Ok(Vec::new());
        }
        Self::open(config, sources).map(|tls| tls.trusted)
    }

    /// Reads or creates what the configuration asks for. A refusal names the file and what is wrong
    /// with it.
    pub fn open(config: &TlsConfig, sources: &SettingSources) -> Result<Self, ConfigError> {
        let mut tls = Self::default();
        if let Some(path) = &config.trusted_ca {
            let refuse = |error: CertificateError| {
                sources.refuse("tls.trusted_ca", path.display(), error.to_string())
            };
            tls.trusted
                .extend(files::certificates(path).map_err(refuse)?.iter().map(|der| der.to_vec()));
        }
        match &config.certificate {
            None => {}
            Some(Certificate::Files { certificate, key }) => {
                let files = Files::new(certificate, key);
                let certified = files.read().map_err(|error| refusal(sources, &error))?;
                tls.server = Some(
                    TlsServer::new(certified, Some(files))
                        .map_err(|error| refusal(sources, &error))?,
                );
                // Unlike for the master key, this is not refused: certificates come from many
                // tools, and containers mount secrets like that.
                if readable_by_everyone(key) {
                    tracing::warn!(file = %key.display(), "every user of this machine may read \
                                        tls.key: run chmod o= on it");
                }
            }
            Some(Certificate::Development { folder }) => {
                let refuse = |error: CertificateError| {
                    sources.refuse(
                        "tls.development",
                        true,
                        format!("{}: {error}", folder.display()),
                    )
                };
                let made =
                    Development::open(folder, &SystemEntropy, &provider()).map_err(refuse)?;
                tls.trusted.push(made.authority.to_vec());
                tls.advice = Some(Development::advice(folder));
                tls.server = Some(TlsServer::new(made.certified, None).map_err(refuse)?);
            }
        }
        Ok(tls)
    }
}

/// Refuses the setting that names the file.
fn refusal(sources: &SettingSources, error: &CertificateError) -> ConfigError {
    let key = if error.is_of_key() { "tls.key" } else { "tls.certificate" };
    sources.refuse(key, error.path().display(), error.to_string())
}

fn provider() -> CryptoProvider {
    aws_lc_rs::default_provider()
}

impl TlsServer {
    fn new(certified: CertifiedKey, files: Option<Files>) -> Result<Self, CertificateError> {
        let current = Arc::new(Current(RwLock::new(Arc::new(certified))));
        let resolver: Arc<dyn ResolvesServerCert> = current.clone();
        let builder = ServerConfig::builder_with_provider(Arc::new(provider()))
            .with_safe_default_protocol_versions();
        let builder = builder.map_err(CertificateError::Rejected)?;
        let mut config = builder.with_no_client_auth().with_cert_resolver(resolver);
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self {
            acceptor: TlsAcceptor::from(Arc::new(config)),
            current,
            files: files.map(Arc::new),
        })
    }

    /// Reads the files again. If they are not in order, the certificate in use stays.
    pub fn reload(&self) {
        let Some(files) = &self.files else { return };
        match files.read() {
            Ok(certified) => {
                *self.current.0.write().unwrap_or_else(PoisonError::into_inner) =
                    Arc::new(certified);
                tracing::info!(certificate = %files.certificate.display(), "the certificate was \
                                        read again");
            }
            Err(error) => {
                let path = error.path().display();
                tracing::error!(%path, cause = %error, "the certificate in use stays");
            }
        }
    }

    /// Reads the files again if one has changed, or if they could not be read before.
    pub fn reload_if_changed(&self) {
        if self.files.as_ref().is_some_and(|files| files.have_changed()) {
            self.reload();
        }
    }

    /// Does the handshake on a new connection.
    pub async fn accept<S>(&self, stream: S) -> Result<TlsStream<S>, HandshakeError>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
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
