//! The provider as this process runs it: database, keys, users, and the tasks that run beside the
//! requests.

mod audit_webhook;
pub mod breached_passwords;
pub mod database;
pub mod directories;
pub mod mail;
pub mod master_key;
mod reloading;
mod to_clients;
pub mod upstream;
mod users;

use std::{sync::Arc, time::Duration};

use axum::Router;
use doorward_provider::{
    AssembleError, Provider, ProviderParts,
    keys::{KeyRing, RotationPolicy},
    model::time::{SystemClock, SystemEntropy},
    store::Store,
    use_case::password_verifier::PasswordVerifier,
};
use doorward_provider_http::{Branding, HttpSettings, Network, SharedBranding};
use tokio::{
    sync::watch,
    task::{AbortHandle, JoinHandle},
    time::timeout,
};

use self::{
    audit_webhook::HttpAuditChannel,
    database::{Database, WriteProbe},
    mail::Mailer,
    to_clients::{HttpBackChannel, HttpDocumentSource, HttpJwksSource},
    users::ImportError,
};
pub use self::{
    reloading::Reloading,
    to_clients::{body, reason},
};
use crate::{
    config::{AuditConfig, MailConfig, ProviderConfig, SettingSources, StoreConfig},
    error::StartError,
};

/// How often keys are maintained. A key that another process made is known here after this time.
const KEY_INTERVAL: Duration = Duration::from_secs(10);
/// Expired rows are removed on every sixth round.
const ROUNDS_PER_SWEEP: u64 = 6;
/// How long a mail that is being sent, or the writing of audit records, may take when the process
/// stops.
const FINISHING_TIME: Duration = Duration::from_secs(5);

/// The provider and its database.
pub struct RunningProvider {
    /// The provider.
    pub provider: Arc<Provider>,
    /// Its endpoints and pages.
    pub router: Router,
    /// The proxies whose word on the address of a request is trusted.
    pub trusted_proxies: Vec<Network>,
    /// Whether the database can be written.
    pub writable: Arc<WriteProbe>,
    /// How the pages look.
    branding: SharedBranding,
    database: Database,
    /// The tasks that run beside the requests.
    tasks: Vec<AbortHandle>,
    mail: Option<FinishingTask>,
    audit: FinishingTask,
}

/// A task that comes to its end when the process stops.
struct FinishingTask {
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

/// Opens the database, creates what is missing in it, and assembles the provider. `trusted` are
/// certification authorities (DER) for its requests to clients, beside the machine's.
#[allow(clippy::too_many_arguments)] // Each is a part of the configuration.
pub async fn start(
    config: ProviderConfig,
    store_config: &StoreConfig,
    mail: Option<&MailConfig>,
    branding: Branding,
    audit: AuditConfig,
    demo: bool,
    trusted: &[Vec<u8>],
    sources: &SettingSources,
) -> Result<RunningProvider, StartError> {
    let database = Database::open(store_config, sources).await?;
    let store = database.store();
    let broken =
        |error: &dyn std::fmt::Display| database::refuse(store_config, sources, error.to_string());
    import_users(&*store, &config, store_config, demo, sources).await?;
    let stored_keys = store.signing_keys().await.map_err(|error| broken(&error))?;
    let master = master_key::obtain(&store_config.master_key, &stored_keys, &SystemEntropy)?;
    let keys = KeyRing::open(
        &*store,
        master,
        RotationPolicy::default(),
        config.signing_algorithms,
        &SystemClock,
        &SystemEntropy,
    )
    .await
    .map_err(|error| broken(&error))?;
    let upstream_clients = upstream::clients(config.upstream, trusted)?;
    let directories = directories::open(config.directory_clients, trusted)?;
    let allow_private = config.settings.registration.allow_private_addresses;
    let parts = ProviderParts {
        settings: config.settings,
        clients: config.clients,
        plain_secrets: demo,
        resources: config.resources,
        keys,
        passwords: password_verifier(),
        breached_passwords: breached_passwords::open(&config.breached_passwords, trusted)?,
        jwks_source: Arc::new(HttpJwksSource::new(trusted)?),
        documents: Arc::new(HttpDocumentSource::new(trusted, allow_private)?),
        upstream_clients,
        directory_clients: directories::clients(&directories),
        audit: audit.settings,
        clock: Arc::new(SystemClock),
        entropy: Arc::new(SystemEntropy),
    };
    let provider = Provider::assemble(parts, store).await.map_err(|error| match error {
        AssembleError::Settings(error) => {
            sources.refuse(&format!("provider.{}", error.key), &error.value, error.problem)
        }
        AssembleError::Store(error) => broken(&error),
        AssembleError::AuditKey(error) => broken(&error),
    })?;
    let provider = Arc::new(provider);
    let branding = SharedBranding::new(branding);
    let mailer = mail.map(|mail| {
        let mailer = Mailer::new(mail, branding.clone(), provider.issuer(), trusted);
        Arc::new(mailer)
    });
    let trusted_proxies = config.trusted_proxies;
    let settings = HttpSettings {
        trusted_proxies: trusted_proxies.clone(),
        demo_mailbox: mailer.as_ref().and_then(|mailer| mailer.mailbox()),
        branding: branding.clone(),
    };
    let router = doorward_provider_http::router(Arc::clone(&provider), settings);
    let channel = HttpBackChannel::new(trusted)?;
    let mut tasks = vec![
        tokio::spawn(maintain(Arc::clone(&provider))).abort_handle(),
        tokio::spawn(Arc::clone(&provider).watch_clients()).abort_handle(),
        tokio::spawn(Arc::clone(&provider).deliver_logout_tokens(Arc::new(channel))).abort_handle(),
    ];
    tasks.extend(directories.into_iter().map(|own| tokio::spawn(own.watch()).abort_handle()));
    if let Some(webhook) = audit.webhook {
        let channel = Arc::new(HttpAuditChannel::new(webhook, trusted)?);
        let delivery = Arc::clone(&provider).deliver_audit_records(channel);
        tasks.push(tokio::spawn(delivery).abort_handle());
    }
    let mail = mailer.map(|mailer| {
        FinishingTask::start(|stopped| Arc::clone(&provider).deliver_mails(mailer, stopped))
    });
    let audit = FinishingTask::start(|stopped| Arc::clone(&provider).keep_audit_records(stopped));
    let writable = Arc::new(WriteProbe::new(database.store()));
    Ok(RunningProvider {
        provider,
        router,
        trusted_proxies,
        writable,
        branding,
        database,
        tasks,
        mail,
        audit,
    })
}

impl RunningProvider {
    /// The database.
    pub fn store(&self) -> Arc<dyn Store> {
        self.database.store()
    }

    /// What takes over clients and users of a configuration that is read again.
    pub fn reloading(&self) -> Reloading {
        Reloading {
            provider: Arc::clone(&self.provider),
            store: self.database.store(),
            branding: self.branding.clone(),
        }
    }

    /// Ends the tasks and logs what the database did. Call this when no request is being answered.
    pub async fn stop(self) {
        if let Some(mail) = self.mail {
            mail.stop("a mail was being sent: it may be sent again").await;
        }
        self.tasks.iter().for_each(AbortHandle::abort);
        self.audit.stop("audit records were being written: some may be in the log only").await;
        let stats = self.database.stats();
        let (commits, commands) = stats.map(|stats| (stats.commits, stats.commands)).unzip();
        tracing::info!(commits, commands, "the database is closed");
    }
}

impl FinishingTask {
    /// Starts a task that ends when it is told `true`.
    fn start<F>(task: impl FnOnce(watch::Receiver<bool>) -> F) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let (stop, stopped) = watch::channel(false);
        Self { stop, task: tokio::spawn(task(stopped)) }
    }

    /// Lets what has begun come to its end. `unfinished` is logged if that takes too long.
    async fn stop(mut self, unfinished: &'static str) {
        let _ = self.stop.send(true);
        if timeout(FINISHING_TIME, &mut self.task).await.is_err() {
            tracing::warn!("{unfinished}");
            self.task.abort();
        }
    }
}

/// At most half of the machine's cores compute password hashes; the others issue tokens.
fn password_verifier() -> PasswordVerifier {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    PasswordVerifier::new((cores / 2).clamp(1, 8))
}

async fn import_users(
    store: &dyn Store,
    config: &ProviderConfig,
    store_config: &StoreConfig,
    demo: bool,
    sources: &SettingSources,
) -> Result<(), StartError> {
    let refuse = |problem: String| database::refuse(store_config, sources, problem);
    if !demo {
        let left = users::left_from_demo(store, &config.users).await;
        let left = left.map_err(|error| refuse(error.to_string()))?;
        if let Some(username) = left {
            let problem = format!(
                "this database was used in demo mode: everyone knows the password of its user \
                 {username}. Use another database, or define this user under [[users]]"
            );
            return Err(refuse(problem).into());
        }
    }
    let imported = users::import(store, &config.users).await.map_err(|error| match error {
        ImportError::Store(error) => refuse(error.to_string()),
        other => sources.refuse("users", "[[users]]", other.to_string()),
    })?;
    if imported > 0 {
        tracing::debug!(users = imported, "users of the configuration were added or changed");
    }
    Ok(())
}

async fn maintain(provider: Arc<Provider>) {
    let mut times = tokio::time::interval(KEY_INTERVAL);
    times.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    for round in 0_u64.. {
        times.tick().await;
        let done = if round % ROUNDS_PER_SWEEP == 0 {
            provider.maintain().await
        } else {
            provider.maintain_keys().await.map(|()| 0)
        };
        match done {
            Ok(0) => {}
            Ok(rows) => tracing::debug!(rows, "expired rows were removed"),
            Err(error) => {
                tracing::error!(%error, "maintenance failed; it is tried again in ten seconds");
            }
        }
    }
}
