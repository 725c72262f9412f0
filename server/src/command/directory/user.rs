//! `doorward directory user …`: users of a directory, where `[directories.management]` allows it.

use std::sync::Arc;

use clap::Subcommand;
use doorward_admin::ChangeEvent;
use doorward_directory::LdapDirectory;
use doorward_provider::{
    audit::{Data, Outcome, Record},
    model::{external_identity::ExternalSubject, user::User},
    store::StoreError,
    use_case::{
        directory::{
            AccessOfUsers, DirectoryClient as _, forget_wrong_passwords, password_set_in_directory,
        },
        directory_management::{
            DirectoryManager, EntryAttributes, EntryChanges, ManageError, ManagedEntry, NewEntry,
            linked_user,
        },
    },
};
use serde_json::{Map, Value, json};

use super::super::{
    CommandContext, CommandError, DataArguments, by_operator, done, print_object, print_rows,
    user::PasswordSource,
};
use crate::{provider::directories, tls::Tls};

/// What to do with users of a directory.
#[derive(Debug, Subcommand)]
pub enum DirectoryUserCommand {
    /// List users, sorted by user name.
    List {
        /// The name of the directory in the configuration.
        directory: String,
        /// Those of whom the user name, a name or the e-mail address begins with this.
        #[arg(long, value_name = "TEXT", default_value = "")]
        prefix: String,
        /// How many are read at most.
        #[arg(long, value_name = "NUMBER", default_value_t = 2000)]
        most: u16,
        #[command(flatten)]
        data: DataArguments,
    },
    /// Show a user with attributes and groups.
    Show {
        #[command(flatten)]
        user: OneEntry,
    },
    /// Add a user.
    Add {
        /// The name of the directory in the configuration.
        directory: String,
        /// The user name.
        username: String,
        /// Below which entry the user is added, as a distinguished name. Default: the one that
        /// the configuration names.
        #[arg(long, value_name = "DN")]
        parent: Option<String>,
        /// A value of an attribute: NAME=VALUE. May be given several times.
        #[arg(long = "set", value_name = "NAME=VALUE")]
        set: Vec<String>,
        #[command(flatten)]
        password: PasswordSource,
        /// Add the user without a password.
        #[arg(long, conflicts_with_all = ["password_stdin", "must_change"])]
        no_password: bool,
        /// The user has to set another password at the first sign-in.
        #[arg(long)]
        must_change: bool,
        /// Add the user disabled.
        #[arg(long)]
        disabled: bool,
        #[command(flatten)]
        data: DataArguments,
    },
    /// Change attributes of a user, or the user name.
    Set {
        #[command(flatten)]
        user: OneEntry,
        /// Another user name.
        #[arg(long)]
        username: Option<String>,
        /// A value in place of those that the attribute has: NAME=VALUE. May be given several
        /// times, also for several values of one attribute.
        #[arg(long = "set", value_name = "NAME=VALUE")]
        set: Vec<String>,
        /// Remove an attribute. May be given several times.
        #[arg(long, value_name = "NAME")]
        unset: Vec<String>,
    },
    /// Disable a user's account. Its sessions and all access end.
    Disable {
        #[command(flatten)]
        user: OneEntry,
    },
    /// Enable a user's account again.
    Enable {
        #[command(flatten)]
        user: OneEntry,
    },
    /// Show a user's groups, or change them.
    Groups {
        #[command(flatten)]
        user: OneEntry,
        /// A group that the user gets into. May be given several times.
        #[arg(long, value_name = "GROUP")]
        add: Vec<String>,
        /// A group that the user leaves. May be given several times.
        #[arg(long, value_name = "GROUP")]
        remove: Vec<String>,
    },
    /// Set a user's password. Their sessions and all access end.
    Password {
        #[command(flatten)]
        user: OneEntry,
        #[command(flatten)]
        password: PasswordSource,
        /// The user has to set another password at the next sign-in.
        #[arg(long)]
        must_change: bool,
    },
}

/// A user of a directory.
#[derive(Debug, clap::Args)]
pub struct OneEntry {
    /// The name of the directory in the configuration.
    directory: String,
    /// The user name, or the identifier of the entry (entryUUID, objectGUID).
    user: String,
    #[command(flatten)]
    data: DataArguments,
}

/// An open directory, and what the command works with.
struct Managed {
    context: CommandContext,
    name: String,
    client: Arc<LdapDirectory>,
}

impl DirectoryUserCommand {
    /// Runs the command.
    pub async fn run(self) -> Result<(), CommandError> {
        match self {
            Self::List { directory, prefix, most, data } => {
                Managed::open(&directory, &data).await?.list(&prefix, most.into()).await
            }
            Self::Show { user } => {
                let managed = Managed::open(&user.directory, &user.data).await?;
                let entry = managed.entry(&user.user).await?;
                managed.show(&entry).await
            }
            Self::Add {
                directory,
                username,
                parent,
                set,
                password,
                no_password,
                must_change,
                disabled,
                data,
            } => {
                let managed = Managed::open(&directory, &data).await?;
                let password = if no_password { None } else { Some(password.read()?) };
                let attributes = assigned(&set)?;
                let enabled = !disabled;
                let new = NewEntry { username, parent, attributes, password, must_change, enabled };
                managed.add(&new).await
            }
            Self::Set { user, username, set, unset } => {
                let mut attributes = assigned(&set)?;
                for name in unset {
                    attributes.insert(name, Vec::new());
                }
                if username.is_none() && attributes.is_empty() {
                    let problem = "nothing is given to set: see doorward directory user set --help";
                    return Err(CommandError::refused(problem));
                }
                let changes = EntryChanges { username, attributes, enabled: None };
                change(&user, &changes, "is changed").await
            }
            Self::Disable { user } => change(&user, &enabling(false), "is disabled").await,
            Self::Enable { user } => change(&user, &enabling(true), "is enabled").await,
            Self::Groups { user, add, remove } => groups(&user, &add, &remove).await,
            Self::Password { user, password, must_change } => {
                let managed = Managed::open(&user.directory, &user.data).await?;
                let entry = managed.entry(&user.user).await?;
                let password = password.read()?;
                let set = managed.manager()?.set_password(&entry, &password, must_change).await;
                if let Err(error) = set {
                    let is_unclear = error.may_have_set_password();
                    let change = is_unclear.then_some(Change::PasswordSet);
                    return Err(managed.failed(error, change, &entry).await);
                }
                managed.finish(Change::PasswordSet, &entry, "has another password").await
            }
        }
    }
}

fn enabling(enabled: bool) -> EntryChanges {
    EntryChanges { enabled: Some(enabled), ..EntryChanges::default() }
}

/// What a command does to an entry.
#[derive(Clone, Copy)]
enum Change<'a> {
    Added,
    Edited { before: &'a ManagedEntry },
    PasswordSet,
}

impl Change<'_> {
    fn event(self) -> ChangeEvent {
        match self {
            Self::Added => ChangeEvent::DirectoryUserAdded,
            Self::Edited { .. } => ChangeEvent::DirectoryUserChanged,
            Self::PasswordSet => ChangeEvent::DirectoryPasswordSet,
        }
    }

    /// Whether what the account has here ends with it.
    fn ends_access(self, after: &ManagedEntry) -> bool {
        matches!(self, Self::PasswordSet) || !after.enabled
    }

    /// What it was and is, for the history. A password is not shown, and nothing else has changed
    /// with it.
    fn data(self, after: &ManagedEntry, details: Map<String, Value>) -> Data {
        match self {
            Self::Added => Data::new(details, None, Some(recorded(after))),
            Self::Edited { before } => {
                Data::new(details, Some(recorded(before)), Some(recorded(after)))
            }
            Self::PasswordSet => Data::new(details, None, None),
        }
    }
}

async fn change(user: &OneEntry, changes: &EntryChanges, what: &str) -> Result<(), CommandError> {
    let managed = Managed::open(&user.directory, &user.data).await?;
    let before = managed.entry(&user.user).await?;
    let after = managed.manager()?.change(&before, changes, CommandContext::now()).await;
    let change = Change::Edited { before: &before };
    let after = match after {
        Ok(after) => after,
        Err(error) => {
            let is_unclear = error.may_be_changed() && changes.enabled == Some(false);
            let change = is_unclear.then_some(change);
            return Err(managed.failed(error, change, &before).await);
        }
    };
    managed.finish(change, &after, what).await
}

async fn groups(user: &OneEntry, add: &[String], remove: &[String]) -> Result<(), CommandError> {
    let managed = Managed::open(&user.directory, &user.data).await?;
    let entry = managed.entry(&user.user).await?;
    let linked = managed.linked(&entry).await?;
    let changes =
        remove.iter().map(|name| (name, false)).chain(add.iter().map(|name| (name, true)));
    for (name, is_member) in changes {
        let group = managed.manager()?.group_named(name).await.map_err(|error| match error {
            ManageError::Missing => {
                CommandError::Missing(format!("the directory has no group {name:?}"))
            }
            other => refused(other),
        })?;
        let is_changed =
            managed.manager()?.set_member(&entry, &group, is_member).await.map_err(refused)?;
        if !is_changed {
            let what = if is_member { "is a member of" } else { "is not a member of" };
            let problem = format!("{} {what} {name} already", entry.username);
            return Err(CommandError::Missing(problem));
        }
        let event = if is_member {
            ChangeEvent::DirectoryMemberAdded
        } else {
            ChangeEvent::DirectoryMemberRemoved
        };
        let mut record = by_operator(event).on("group", &group.id);
        let details = json!({"directory": managed.name, "entry": entry.id, "group": group.name});
        record.data = Data::new(object(details), None, None);
        managed.context.audit(of_user(record, linked.as_ref())).await;
    }
    managed.show(&entry).await
}

impl Managed {
    async fn open(name: &str, data: &DataArguments) -> Result<Self, CommandError> {
        let mut context = CommandContext::open(data).await?;
        let config = &mut context.config;
        let trusted = Tls::trusted(&config.tls, &config.sources).map_err(CommandError::refused)?;
        let settings = std::mem::take(&mut config.provider.directory_clients);
        let known: Vec<String> = settings.iter().map(|own| own.name.to_string()).collect();
        let Some(settings) = settings.into_iter().find(|own| &*own.name == name) else {
            return Err(super::unknown(name, &known));
        };
        let client = directories::open_one(settings, &trusted).map_err(CommandError::refused)?;
        let managed = Self { context, name: name.to_owned(), client };
        managed.manager()?;
        Ok(managed)
    }

    fn manager(&self) -> Result<&dyn DirectoryManager, CommandError> {
        self.client.manager().ok_or_else(|| {
            CommandError::Missing(format!(
                "the users of {} are not managed: give it a table [directories.management]",
                self.name
            ))
        })
    }

    /// The entry with this user name, or else with this identifier.
    async fn entry(&self, name: &str) -> Result<ManagedEntry, CommandError> {
        let (manager, now) = (self.manager()?, CommandContext::now());
        let found = match (manager.named(name, now).await, ExternalSubject::parse(name)) {
            (Err(ManageError::Missing | ManageError::Invalid { .. }), Ok(id)) => {
                manager.entry(&id, now).await
            }
            (found, _) => found,
        };
        found.map_err(|error| match error {
            ManageError::Missing => {
                let base = &manager.abilities().base;
                CommandError::Missing(format!("the directory has no user {name:?} below {base}"))
            }
            other => refused(other),
        })
    }

    /// The account here of an entry.
    async fn linked(&self, entry: &ManagedEntry) -> Result<Option<User>, CommandError> {
        let (name, store) = (&self.manager()?.abilities().name, &*self.context.store);
        Ok(linked_user(store, store, name, &entry.id).await?)
    }

    async fn list(&self, prefix: &str, most: usize) -> Result<(), CommandError> {
        let found = self.manager()?.find(prefix, most, CommandContext::now()).await;
        let found = found.map_err(refused)?;
        let row = |entry: &ManagedEntry| {
            json!({
                "username": entry.username, "id": entry.id, "enabled": entry.enabled,
                "name": entry.name, "email": entry.email,
            })
        };
        let rows: Vec<Value> = found.items.iter().map(row).collect();
        print_rows(self.context.json, &["username", "enabled", "name", "email", "id"], &rows);
        if found.is_cut {
            tracing::warn!(
                most,
                "the directory has more users: give a longer --prefix, or another --most"
            );
        }
        Ok(())
    }

    async fn show(&self, entry: &ManagedEntry) -> Result<(), CommandError> {
        let groups = self.manager()?.groups_of(entry).await.map_err(refused)?;
        let groups: Vec<String> = groups.into_iter().map(|group| group.name).collect();
        let linked = self.linked(entry).await?;
        let shown = json!({
            "username": entry.username, "id": entry.id, "dn": entry.dn, "enabled": entry.enabled,
            "attributes": entry.attributes, "groups": groups,
            "sub": linked.map(|user| user.sub),
        });
        print_object(self.context.json, &shown);
        Ok(())
    }

    async fn add(&self, new: &NewEntry) -> Result<(), CommandError> {
        let added = self.manager()?.create(new, CommandContext::now()).await;
        let entry = added.map_err(refused)?;
        self.finish(Change::Added, &entry, "was added").await
    }

    /// Why the directory has not made a change, or may have: then what the account has here ends.
    /// If that fails, too, both are said.
    async fn failed(
        &self,
        error: ManageError,
        unclear: Option<Change<'_>>,
        entry: &ManagedEntry,
    ) -> CommandError {
        let ended = match unclear {
            Some(change) => self.end_unclear(change, entry).await,
            None => Ok(()),
        };
        match ended {
            Ok(()) => refused(error),
            Err(ending) => both(&error, &ending),
        }
    }

    /// Ends what the account has here, since the directory may have made a change that ends it,
    /// and records that.
    async fn end_unclear(
        &self,
        change: Change<'_>,
        entry: &ManagedEntry,
    ) -> Result<(), CommandError> {
        let Some(user) = self.linked(entry).await? else { return Ok(()) };
        let ended = self.end_access(change, &user).await;
        let mut record = by_operator(change.event()).on("entry", &entry.id);
        record.outcome = Outcome::Failed;
        let details = json!({"directory": self.name, "ended_sessions": ended.as_ref().ok()});
        record.data = Data::new(object(details), None, None);
        self.context.audit(record.on_user(&user.sub)).await;
        let ended = ended?;
        tracing::warn!(ended_sessions = ended, sub = %user.sub,
            "the directory may have made the change, so what the account has here has ended");
        Ok(())
    }

    /// Ends what the account has here, because of this change.
    async fn end_access(&self, change: Change<'_>, user: &User) -> Result<u64, StoreError> {
        let (store, now) = (&self.context.store, CommandContext::now());
        let event = matches!(change, Change::PasswordSet)
            .then(|| password_set_in_directory(&user.sub, now));
        let access = AccessOfUsers::telling_nobody(store.clone(), store.clone(), store.clone());
        access.end(user.sub.clone(), event, now).await
    }

    /// Ends what the account has here if the change was one that ends it, records the change, and
    /// says what was done.
    async fn finish(
        &self,
        change: Change<'_>,
        entry: &ManagedEntry,
        what: &str,
    ) -> Result<(), CommandError> {
        let linked = self.linked(entry).await?;
        let mut details = json!({"directory": self.name});
        let mut facts = json!({"username": entry.username, "id": entry.id, "dn": entry.dn});
        let mut ended = Ok(0);
        if let Some(user) = linked.as_ref().filter(|_| change.ends_access(entry)) {
            ended = self.end_access(change, user).await;
            facts["ended_sessions"] = json!(ended.as_ref().ok());
            details["ended_sessions"] = json!(ended.as_ref().ok());
        }
        let mut record = by_operator(change.event()).on("entry", &entry.id);
        record.data = change.data(entry, object(details));
        self.context.audit(of_user(record, linked.as_ref())).await;
        ended?;
        if let (Change::PasswordSet, Some(user)) = (change, &linked) {
            forget_wrong_passwords(&*self.context.store, user, CommandContext::now()).await?;
        }
        let sentence = format!("The user {} {what} in the directory.", entry.username);
        done(self.context.json, &sentence, facts);
        Ok(())
    }
}

fn of_user(record: Record, user: Option<&User>) -> Record {
    match user {
        Some(user) => record.on_user(&user.sub),
        None => record,
    }
}

fn object(value: Value) -> Map<String, Value> {
    if let Value::Object(members) = value { members } else { Map::new() }
}

/// What the audit history keeps of an entry.
fn recorded(entry: &ManagedEntry) -> Value {
    json!({
        "dn": entry.dn, "username": entry.username, "enabled": entry.enabled,
        "attributes": entry.attributes,
    })
}

/// The values of attributes that are given as NAME=VALUE.
fn assigned(assignments: &[String]) -> Result<EntryAttributes, CommandError> {
    let mut attributes = EntryAttributes::new();
    for assignment in assignments {
        let Some((name, value)) = assignment.split_once('=') else {
            let problem = format!("--set {assignment:?}: give NAME=VALUE, like mail=a@example.com");
            return Err(CommandError::refused(problem));
        };
        attributes.entry(name.trim().to_owned()).or_default().push(value.to_owned());
    }
    Ok(attributes)
}

/// The error of the directory, and that of the store after it.
fn both(error: &ManageError, ending: &CommandError) -> CommandError {
    CommandError::refused(format!(
        "{error}. It may have made the change, and what the account has here has not ended: \
         {ending}"
    ))
}

fn refused(error: ManageError) -> CommandError {
    match error {
        ManageError::Invalid { .. } | ManageError::Outside(_) => CommandError::refused(error),
        other => CommandError::Missing(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_error_of_the_directory_is_told_whatever_fails_after_it() {
        let error = ManageError::Unavailable("all are gone".to_owned());
        let said = both(&error, &CommandError::Missing("the disk is full".to_owned())).to_string();
        assert!(said.contains("all are gone") && said.contains("the disk is full"), "{said}");
    }
}
