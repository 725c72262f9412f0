//! Directories, and the users who are managed in them.

use doorward_protocol::ids::Sub;

use super::Provider;
use crate::{
    store::StoreError,
    use_case::{
        directory::{Directories, DirectoryStates},
        directory_management::DirectoryManager,
    },
};

impl Provider {
    /// The directory of this name, if its users may be managed.
    pub fn managed_directory(&self, name: &str) -> Option<&dyn DirectoryManager> {
        self.managed_directories().find(|own| own.abilities().name.as_str() == name)
    }

    /// Every directory of which the users may be managed.
    pub fn managed_directories(&self) -> impl Iterator<Item = &dyn DirectoryManager> {
        let clients = self.directory_clients.values();
        clients.filter_map(|client| client.manager())
    }

    /// Ends all sessions of a user and revokes all that clients have of them. Returns how many
    /// sessions there were.
    pub async fn end_access(&self, sub: &Sub) -> Result<u64, StoreError> {
        self.access_of_users.clone().end(sub.clone(), self.now()).await
    }

    pub(super) fn directories(&self) -> Directories<'_> {
        Directories { settings: &self.settings.directories, clients: &self.directory_clients }
    }

    pub(super) fn directory_states(&self) -> DirectoryStates<'_> {
        DirectoryStates {
            directories: self.directories(),
            identities: &*self.store,
            access: &self.access_of_users,
            clock: &*self.clock,
        }
    }
}
