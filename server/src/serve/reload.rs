//! SIGHUP: reads the certificates and the configuration again while the process serves.
//!
//! The log level, the clients, the users and the branding of the configuration are taken over.
//! Everything else needs a restart; the log names what has changed. A configuration with a mistake
//! changes nothing.

use std::time::Duration;

use doorward_admin::api::SharedConfiguration;

use crate::{
    config::{Config, ServeArguments, SettingSources},
    error::StartError,
    process::{log::LevelHandle, notify, signals::ReloadSignals},
    provider::Reloading,
    tls::TlsServer,
};

/// How often the certificate's files are checked for changes. The tool that renews them, such as
/// cert-manager, may not know this process.
const CERTIFICATE_CHECK_INTERVAL: Duration = Duration::from_secs(30);
/// The keys that are taken over.
const TAKEN_OVER: [&str; 3] = ["clients", "log.level", "users"];
/// How the keys of a section begin that is taken over as a whole.
const TAKEN_OVER_SECTION: &str = "branding.";
/// The keys that say which provider this is.
const IDENTITY: [&str; 4] = ["demo", "provider.issuer", "store.path", "store.url"];

/// What is read again, and what takes it over.
pub struct Reload {
    /// How the configuration was found.
    pub arguments: ServeArguments,
    /// The settings in use.
    pub sources: SettingSources,
    /// The certificate.
    pub tls: Option<TlsServer>,
    /// The log level.
    pub level: LevelHandle,
    /// The provider's clients and users, if it runs here.
    pub provider: Option<Reloading>,
    /// The configuration that operators are shown.
    pub configuration: SharedConfiguration,
}

impl Reload {
    /// Waits for signals and for new certificates from now on.
    pub fn start(mut self, mut signals: ReloadSignals) {
        let mut checks = tokio::time::interval(CERTIFICATE_CHECK_INTERVAL);
        tokio::spawn(async move {
            loop {
                tokio::select! {
                    () = signals.next() => self.reload().await,
                    _ = checks.tick() => {
                        if let Some(tls) = &self.tls {
                            tls.reload_if_changed();
                        }
                    }
                }
            }
        });
    }

    async fn reload(&mut self) {
        tracing::info!("SIGHUP: reading the certificate and the configuration again");
        notify::reloading();
        if let Some(tls) = &self.tls {
            tls.reload();
        }
        if let Err(error) = self.read_configuration().await {
            for line in error.to_string().lines() {
                tracing::error!(error = line, "the configuration in use stays");
            }
        }
        notify::ready("serving");
    }

    /// Refuses a configuration of another provider, or none: an import would remove the clients of
    /// this one, or add those of the demo.
    fn refuse_another_provider(
        &self,
        config: &Config,
        changed: &[String],
    ) -> Result<(), StartError> {
        if self.sources.has_file() && !config.sources.has_file() {
            return Err(StartError::Refused(
                "the configuration file is gone: put it back, or restart".to_owned(),
            ));
        }
        if config.sources.has_empty_file() && !self.sources.has_empty_file() {
            return Err(StartError::Refused(
                "the configuration file is empty: is it being written? Write it, or restart"
                    .to_owned(),
            ));
        }
        match changed.iter().find(|key| IDENTITY.contains(&key.as_str())) {
            None => Ok(()),
            Some(key) => Err(StartError::Refused(format!(
                "{key} has changed, which makes it another provider: restart"
            ))),
        }
    }

    async fn read_configuration(&mut self) -> Result<(), StartError> {
        let config = self.arguments.load()?;
        let changed = self.sources.changed_keys(&config.sources);
        self.refuse_another_provider(&config, &changed)?;
        let described = crate::config::show(&config).unwrap_or_default();
        let (taken_over, need_restart): (Vec<_>, Vec<_>) =
            changed.into_iter().partition(|key| is_taken_over(key));
        if let Some(provider) = &self.provider {
            provider.import(config.provider, config.branding, config.demo).await?;
        }
        self.level.set(&config.log.level);
        tracing::info!(changed = ?taken_over, "the configuration was read again");
        if !need_restart.is_empty() {
            tracing::warn!(keys = ?need_restart, "these settings have changed and need a restart");
        }
        self.configuration.replace(described, need_restart.clone());
        // What needs a restart is named again at the next signal.
        if need_restart.is_empty() {
            self.sources = config.sources;
        }
        Ok(())
    }
}

/// Whether a changed key is taken over without a restart.
fn is_taken_over(key: &str) -> bool {
    TAKEN_OVER.contains(&key) || key.starts_with(TAKEN_OVER_SECTION)
}
