//! The way to the database: pool, TLS, and what can go wrong at start.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use deadpool_postgres::{
    Client, ConfigConnectImpl, Manager, ManagerConfig, Pool, PoolError, RecyclingMethod, Runtime,
    Timeouts,
};
use rustls::{
    ClientConfig, RootCertStore,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
};
use tokio_postgres::{
    Config, NoTls, Socket,
    tls::{MakeTlsConnect, TlsConnect},
};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::{ClientCertificate, PostgresOptions, failure, hosts::Hosts, schema};
use crate::schema::SchemaVersion;

/// The database can't be used. Each message names the database, without user and password, and what
/// to do.
#[derive(Debug, thiserror::Error)]
pub enum PostgresError {
    /// The certificates that the database's certificate is checked with can't be read.
    #[error(
        "{}: the certificates for the connection to the database can't be read: {reason}",
        named(file.as_deref())
    )]
    Certificates {
        /// The file; `None`: those of the machine.
        file: Option<PathBuf>,
        /// Why not.
        reason: String,
    },
    /// There is no answer, or a refusal.
    #[error("the database {place} can't be reached: {reason}")]
    Unreachable {
        /// The database.
        place: String,
        /// What the database or the network says.
        reason: String,
    },
    /// There are tables that are not ours.
    #[error(
        "the database {place} has tables of another application: give Doorward a database, or a \
            schema, of its own"
    )]
    Foreign {
        /// The database.
        place: String,
    },
    /// Written by a newer version.
    #[error(
        "the database {place} was written by a newer version of Doorward (its schema is {found}, \
            this version knows {known}): start that version, or restore a backup made before the \
            upgrade"
    )]
    Newer {
        /// The database.
        place: String,
        /// The schema's version there.
        found: usize,
        /// The highest version known here.
        known: usize,
    },
    /// It acknowledges what a crash would lose.
    #[error(
        "the database {place} acknowledges what it has not yet made durable: set \
            synchronous_commit = on there, or for this user"
    )]
    NotDurable {
        /// The database.
        place: String,
    },
    /// Its encoding can't hold every text.
    #[error(
        "the database {place} has the encoding {encoding}: create one with ENCODING 'UTF8' \
         (CREATE DATABASE doorward ENCODING 'UTF8' TEMPLATE template0)"
    )]
    Encoding {
        /// The database.
        place: String,
        /// Its encoding.
        encoding: String,
    },
    /// Something else went wrong.
    #[error("the database {place} can't be made ready: {reason}")]
    Failed {
        /// The database.
        place: String,
        /// What went wrong.
        reason: String,
    },
}

fn named(file: Option<&Path>) -> String {
    file.map_or_else(|| "this machine's certificates".to_owned(), |file| file.display().to_string())
}

impl PostgresError {
    pub(super) fn failed(place: &str, error: &tokio_postgres::Error) -> Self {
        Self::Failed { place: place.to_owned(), reason: failure::told(error) }
    }
}

/// A pool of connections to a database that answers, is durable, and has our schema.
pub(super) async fn pool(options: &PostgresOptions) -> Result<Pool, PostgresError> {
    let (pool, mut client) = connect(options).await?;
    schema::migrate(&mut client, &options.url.to_string()).await?;
    Ok(pool)
}

/// The same for a database whose schema may be of any version that is known. Nothing is written to
/// it.
pub(super) async fn pool_as_it_is(
    options: &PostgresOptions,
) -> Result<(Pool, SchemaVersion), PostgresError> {
    let (pool, client) = connect(options).await?;
    let version = schema::look(&client, &options.url.to_string()).await?;
    Ok((pool, version))
}

/// A pool of connections to a database that answers and is durable, and one of them.
async fn connect(options: &PostgresOptions) -> Result<(Pool, Client), PostgresError> {
    let place = options.url.to_string();
    let hosts = options.url.hosts(options.statement_timeout);
    let manager_config = ManagerConfig { recycling_method: RecyclingMethod::Fast };
    let manager = if options.url.uses_tls() {
        manager(options, hosts, MakeRustlsConnect::new(tls(options)?), manager_config)
    } else {
        manager(options, hosts, NoTls, manager_config)
    };
    let timeouts = Timeouts {
        wait: Some(options.statement_timeout),
        // A little longer than all hosts together may take.
        create: Some(options.statement_timeout + Duration::from_secs(1)),
        recycle: Some(Duration::from_secs(1)),
    };
    let pool = Pool::builder(manager)
        .max_size(options.connections.max(1))
        .timeouts(timeouts)
        .runtime(Runtime::Tokio1)
        .build()
        .map_err(|error| PostgresError::Failed {
            place: place.clone(),
            reason: error.to_string(),
        })?;
    let client = pool.get().await.map_err(|error| PostgresError::Unreachable {
        place: place.clone(),
        reason: match error {
            PoolError::Backend(error) => failure::told(&error),
            PoolError::Timeout(_) => "it did not answer in time".to_owned(),
            other => other.to_string(),
        },
    })?;
    if setting(&client, "SHOW synchronous_commit", &place).await? == "off" {
        return Err(PostgresError::NotDurable { place });
    }
    let encoding = setting(&client, "SHOW server_encoding", &place).await?;
    if encoding != "UTF8" {
        return Err(PostgresError::Encoding { place, encoding });
    }
    Ok((pool, client))
}

fn manager<T>(
    options: &PostgresOptions,
    hosts: Vec<Config>,
    tls: T,
    manager_config: ManagerConfig,
) -> Manager
where
    T: MakeTlsConnect<Socket> + Clone + Sync + Send + 'static,
    T::Stream: Sync + Send,
    T::TlsConnect: Sync + Send,
    <T::TlsConnect as TlsConnect<Socket>>::Future: Send,
{
    let connect = Hosts::new(
        ConfigConnectImpl { tls },
        hosts,
        options.statement_timeout,
        options.password_file.clone(),
    );
    Manager::from_connect(Config::new(), connect, manager_config)
}

async fn setting(client: &Client, sql: &str, place: &str) -> Result<String, PostgresError> {
    let row = client.query_one(sql, &[]).await;
    row.and_then(|row| row.try_get(0)).map_err(|error| PostgresError::failed(place, &error))
}

/// TLS that knows the database by the certificates in the file, or by those that this machine
/// trusts.
pub(super) fn tls(options: &PostgresOptions) -> Result<ClientConfig, PostgresError> {
    let ca_file = options.ca_file.as_deref();
    let mut roots = RootCertStore::empty();
    let refuse =
        |reason: String| PostgresError::Certificates { file: ca_file.map(Path::to_owned), reason };
    let (found, failures) = if let Some(file) = ca_file {
        let certificates =
            CertificateDer::pem_file_iter(file).and_then(Iterator::collect::<Result<Vec<_>, _>>);
        (certificates.map_err(|error| refuse(error.to_string()))?, Vec::new())
    } else {
        let native = rustls_native_certs::load_native_certs();
        (native.certs, native.errors)
    };
    let (added, _) = roots.add_parsable_certificates(found);
    if added == 0 {
        let none = || "there is none".to_owned();
        return Err(refuse(failures.first().map_or_else(none, ToString::to_string)));
    }
    let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| refuse(error.to_string()))?;
    let config = config.with_root_certificates(roots);
    let Some(ClientCertificate { certificate, key }) = &options.client_certificate else {
        return Ok(config.with_no_client_auth());
    };
    let refuse = |file: &Path, reason: String| PostgresError::Certificates {
        file: Some(file.to_owned()),
        reason,
    };
    let chain = CertificateDer::pem_file_iter(certificate)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| refuse(certificate, error.to_string()))?;
    let private =
        PrivateKeyDer::from_pem_file(key).map_err(|error| refuse(key, error.to_string()))?;
    config
        .with_client_auth_cert(chain, private)
        .map_err(|error| refuse(certificate, error.to_string()))
}
