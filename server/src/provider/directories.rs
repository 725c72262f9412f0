//! The directories (LDAP) by which users sign in, on `doorward-directory`.

use std::{sync::Arc, time::Duration};

use doorward_directory::{LdapDirectory, settings::DirectorySettings};
use doorward_provider::use_case::directory::{DirectoryClient, DirectoryClients};

use crate::error::StartError;

/// How often each directory is asked whether it answers.
const INTERVAL: Duration = Duration::from_secs(15);

/// A directory that is asked now and then, so that operators know that it is down before users do.
pub struct OpenDirectory(Arc<LdapDirectory>);

/// Makes the clients. `trusted` are certification authorities (DER) beside the machine's. Nothing
/// is asked of the directories yet, so they need not run.
pub fn open(
    settings: Vec<DirectorySettings>,
    trusted: &[Vec<u8>],
) -> Result<Vec<OpenDirectory>, StartError> {
    settings.into_iter().map(|settings| open_one(settings, trusted).map(OpenDirectory)).collect()
}

/// Makes the client of one directory.
pub fn open_one(
    settings: DirectorySettings,
    trusted: &[Vec<u8>],
) -> Result<Arc<LdapDirectory>, StartError> {
    let name = settings.name.clone();
    let failed = |error| StartError::Refused(format!("the directory {name}: {error}"));
    LdapDirectory::new(settings, trusted).map(Arc::new).map_err(failed)
}

/// The clients by the names of their directories.
pub fn clients(directories: &[OpenDirectory]) -> DirectoryClients {
    let named = |OpenDirectory(own): &OpenDirectory| {
        (own.settings().name.clone(), Arc::clone(own) as Arc<dyn DirectoryClient>)
    };
    directories.iter().map(named).collect()
}

impl OpenDirectory {
    /// Asks the directory now and then, and tells the metrics, until it is dropped.
    pub async fn watch(self) {
        let name = self.0.settings().name.to_string();
        let gauge = metrics::gauge!("doorward_directory_up", "directory" => name.clone());
        let mut times = tokio::time::interval(INTERVAL);
        times.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut was_up = true;
        loop {
            times.tick().await;
            let is_up = self.0.probe().await;
            gauge.set(if is_up { 1.0 } else { 0.0 });
            if is_up != was_up {
                if is_up {
                    tracing::info!(directory = name, "the directory answers again");
                } else {
                    tracing::error!(directory = name, "the directory does not answer");
                }
            }
            was_up = is_up;
        }
    }
}
