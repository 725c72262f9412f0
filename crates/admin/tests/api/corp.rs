//! A directory in memory. What LDAP makes of it is tried in `doorward-directory`.

use std::{
    collections::BTreeSet,
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
};

use async_trait::async_trait;
use doorward_protocol::secret::Secret;
use doorward_provider::{
    model::{
        directory::LoginName, external_identity::ExternalSubject,
        identity_provider::IdentityProviderName, time::Timestamp,
    },
    use_case::{
        directory::{
            BeforeBind, DirectoryClient, DirectoryError, DirectoryUser, PasswordChangeError,
        },
        directory_management::{
            DirectoryGroup, DirectoryManager, EntryChanges, Found, ManageError, ManagedDirectory,
            ManagedEntry, NewEntry, check_username, checked_attributes,
        },
    },
};

/// Where its users are.
const BASE: &str = "ou=people,dc=corp";

#[derive(Debug)]
pub struct Corp {
    abilities: ManagedDirectory,
    pub entries: Mutex<Vec<ManagedEntry>>,
    members: Mutex<BTreeSet<(String, String)>>,
    pub passwords: Mutex<Vec<(String, String)>>,
    pub is_down: AtomicBool,
    /// What is answered to the next write, although it is done.
    pub after_write: Mutex<Option<ManageError>>,
}

pub fn id(text: &str) -> ExternalSubject {
    ExternalSubject::parse(text).unwrap()
}

fn entry(new: &NewEntry) -> ManagedEntry {
    let first = |name: &str| new.attributes.get(name)?.first().cloned();
    ManagedEntry {
        id: id(&format!("entry-{}", new.username)),
        dn: format!("uid={},{BASE}", new.username),
        username: new.username.clone(),
        name: first("cn"),
        email: first("mail"),
        enabled: new.enabled,
        attributes: new.attributes.clone(),
        state: None,
        flags: None,
    }
}

fn plain(username: &str) -> ManagedEntry {
    entry(&NewEntry {
        username: username.to_owned(),
        parent: None,
        attributes: [("cn".to_owned(), vec![username.to_uppercase()])].into(),
        password: None,
        must_change: false,
        enabled: true,
    })
}

impl Corp {
    pub fn new() -> Self {
        let entries = ["alice", "ada", "bob", "olga"].map(plain);
        Self {
            abilities: ManagedDirectory {
                name: IdentityProviderName::parse("corp").unwrap(),
                base: BASE.to_owned(),
                editable: vec!["cn".to_owned(), "mail".to_owned()],
                has_groups: true,
            },
            entries: Mutex::new(entries.into()),
            members: Mutex::default(),
            passwords: Mutex::default(),
            is_down: AtomicBool::new(false),
            after_write: Mutex::default(),
        }
    }

    fn up(&self) -> Result<(), ManageError> {
        if self.is_down.load(Relaxed) {
            return Err(ManageError::Unavailable("down on purpose".to_owned()));
        }
        Ok(())
    }

    /// An entry that was added in the directory itself.
    pub fn add(&self, username: &str, change: impl FnOnce(&mut ManagedEntry)) {
        let mut added = plain(username);
        change(&mut added);
        self.entries.lock().unwrap().push(added);
    }

    fn written<T>(&self, answer: T) -> Result<T, ManageError> {
        self.after_write.lock().unwrap().take().map_or(Ok(answer), Err)
    }

    fn group_of(name: &str) -> DirectoryGroup {
        DirectoryGroup {
            id: id(name),
            dn: format!("cn={name},ou=groups,dc=corp"),
            name: name.to_owned(),
        }
    }
}

#[async_trait]
impl DirectoryManager for Corp {
    fn abilities(&self) -> &ManagedDirectory {
        &self.abilities
    }

    async fn find(
        &self,
        text: &str,
        most: usize,
        _: Timestamp,
    ) -> Result<Found<ManagedEntry>, ManageError> {
        self.up()?;
        let mut items = self.entries.lock().unwrap().clone();
        items.retain(|entry| entry.username.starts_with(text));
        items.sort_by_key(|entry| entry.username.clone());
        let is_cut = items.len() > most;
        items.truncate(most);
        Ok(Found { items, is_cut })
    }

    async fn named(&self, name: &str, _: Timestamp) -> Result<ManagedEntry, ManageError> {
        let entries = self.entries.lock().unwrap();
        entries.iter().find(|entry| entry.username == name).cloned().ok_or(ManageError::Missing)
    }

    async fn entry(&self, id: &ExternalSubject, _: Timestamp) -> Result<ManagedEntry, ManageError> {
        self.up()?;
        let entries = self.entries.lock().unwrap();
        entries.iter().find(|entry| entry.id == *id).cloned().ok_or(ManageError::Missing)
    }

    async fn create(&self, new: &NewEntry, _: Timestamp) -> Result<ManagedEntry, ManageError> {
        check_username(&new.username)?;
        checked_attributes(&new.attributes, &self.abilities.editable)?;
        if let Some(parent) = new.parent.as_ref().filter(|parent| *parent != BASE) {
            return Err(ManageError::Outside(parent.clone()));
        }
        let mut entries = self.entries.lock().unwrap();
        if entries.iter().any(|entry| entry.username == new.username) {
            return Err(ManageError::Exists);
        }
        entries.push(entry(new));
        Ok(entry(new))
    }

    async fn change(
        &self,
        before: &ManagedEntry,
        changes: &EntryChanges,
        _: Timestamp,
    ) -> Result<ManagedEntry, ManageError> {
        let given = checked_attributes(&changes.attributes, &self.abilities.editable)?;
        let mut entries = self.entries.lock().unwrap();
        let entry = entries.iter_mut().find(|entry| **entry == *before);
        let entry = entry.ok_or(ManageError::Overtaken)?;
        if let Some(username) = &changes.username {
            entry.username.clone_from(username);
        }
        entry.enabled = changes.enabled.unwrap_or(entry.enabled);
        entry.attributes.extend(given);
        entry.attributes.retain(|_, values| !values.is_empty());
        self.written(entry.clone())
    }

    async fn set_password(
        &self,
        entry: &ManagedEntry,
        password: &Secret,
        _: bool,
    ) -> Result<(), ManageError> {
        let set = (entry.username.clone(), password.expose().to_owned());
        self.passwords.lock().unwrap().push(set);
        self.written(())
    }

    async fn groups(&self, text: &str, most: usize) -> Result<Found<DirectoryGroup>, ManageError> {
        let mut items: Vec<DirectoryGroup> = ["sales", "staff"].map(Self::group_of).into();
        items.retain(|group| group.name.starts_with(text));
        let is_cut = items.len() > most;
        items.truncate(most);
        Ok(Found { items, is_cut })
    }

    async fn group_named(&self, name: &str) -> Result<DirectoryGroup, ManageError> {
        self.group(&id(name)).await
    }

    async fn group(&self, id: &ExternalSubject) -> Result<DirectoryGroup, ManageError> {
        let found = self.groups(id, 1).await?.items.into_iter();
        found.into_iter().find(|group| group.id == *id).ok_or(ManageError::Missing)
    }

    async fn groups_of(&self, entry: &ManagedEntry) -> Result<Vec<DirectoryGroup>, ManageError> {
        let members = self.members.lock().unwrap();
        let of =
            |(own, group): &(String, String)| (*own == *entry.id).then(|| Self::group_of(group));
        Ok(members.iter().filter_map(of).collect())
    }

    async fn set_member(
        &self,
        entry: &ManagedEntry,
        group: &DirectoryGroup,
        is_member: bool,
    ) -> Result<bool, ManageError> {
        let pair = (entry.id.to_string(), group.id.to_string());
        let mut members = self.members.lock().unwrap();
        Ok(if is_member { members.insert(pair) } else { members.remove(&pair) })
    }
}

/// Nobody signs in with it here.
#[async_trait]
impl DirectoryClient for Corp {
    async fn verify(
        &self,
        _: &LoginName,
        _: &Secret,
        _: &dyn BeforeBind,
        _: Timestamp,
    ) -> Result<DirectoryUser, DirectoryError> {
        Err(DirectoryError::NoEntry)
    }

    async fn decoy(&self, _: &LoginName) {}

    async fn entry(
        &self,
        _: &ExternalSubject,
        _: Timestamp,
    ) -> Result<Option<DirectoryUser>, DirectoryError> {
        Err(DirectoryError::Unavailable("down on purpose".to_owned()))
    }

    async fn subject(&self, _: &LoginName) -> Result<Option<ExternalSubject>, DirectoryError> {
        Ok(None)
    }

    async fn change_password(
        &self,
        _: &ExternalSubject,
        _: &Secret,
        _: &Secret,
    ) -> Result<(), PasswordChangeError> {
        Err(PasswordChangeError::WrongPassword)
    }

    fn is_up(&self) -> bool {
        true
    }

    fn manager(&self) -> Option<&dyn DirectoryManager> {
        Some(self)
    }
}
