//! `doorward import …`: brings users in from another system.

mod outcome;
mod reading;

use std::{
    collections::{HashMap, HashSet},
    ffi::OsString,
    fs,
    future::ready,
    path::{Path, PathBuf},
    str::FromStr,
    sync::Arc,
};

use clap::Args;
use doorward_admin::{AdminScope, scim};
use doorward_protocol::{
    ids::{ClientId, Sub},
    scope::Scope,
    secret::Secret,
};
use doorward_provider::{
    ProviderSettings,
    model::{
        account_notice::AccountNotices,
        consent::Consent,
        external_identity::{ExternalId, ExternalSubject, Issuer, MOST_IDENTITIES, StoredIdentity},
        group::{GROUPS, GroupName, StoredGroup, name_made_apart},
        identity_provider::IdentityProvider,
        password::FirebaseHashes,
        time::SystemEntropy,
        token_handle,
        user::{User, UserClaims, normalized_username},
    },
    store::{
        AddedGroupMember, AddedIdentity, AddedIdentityUser, IdentityLink, LinkedBy, StoreError,
    },
    use_case::administration::{
        clients::{self, ClientRules},
        groups::{self, GroupChangeError},
    },
};
use doorward_provider_store::{PostgresOptions, PostgresUrl, UrlError};
use futures::{StreamExt as _, stream};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use self::{
    outcome::{Outcome, Taken, in_shell},
    reading::{Counted, Reading, ended},
};
use super::{CommandContext, CommandError, DataArguments, by_operator};
use crate::import::{
    Configuration, ForeignClient, ForeignConsent, ForeignGroup, ForeignLink, ForeignUser, Format,
    Found, Manner, RefusedGroup, Source, hash_parameters,
};

/// Users that are written at the same time. The store commits those that wait together.
const AT_ONCE: usize = 64;
/// How many groups are looked at that may be called like another one. One of them is, and the
/// others have a name of these letters.
const MOST_SHOWN_SO: u32 = 20;

/// What to bring in.
#[derive(Debug, Args)]
pub struct ImportArguments {
    /// Whose export it is.
    #[arg(value_enum)]
    format: Format,
    /// The export. For identityserver also its database: a SQLite file, or the URL of a PostgreSQL,
    /// without the password if that is in a file.
    #[arg(value_name = "FILE")]
    export: Place,
    /// The file with the password for the database.
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
    /// The certificates (PEM) by which the database's own is checked, in place of those that this
    /// machine trusts.
    #[arg(long, value_name = "FILE")]
    ca_file: Option<PathBuf>,
    /// For firebase, and for csv with a column of salts: the file with the parameters of the
    /// hashes, as Firebase's console shows them.
    #[arg(long, value_name = "FILE")]
    hash_config: Option<PathBuf>,
    /// Take the links with a provider over: its name in the export, and its issuer, which is that
    /// of a provider in the configuration. Give it once for each provider.
    #[arg(long = "link", value_name = "NAME=ISSUER")]
    links: Vec<LinkedProvider>,
    /// Say what would be done, and change nothing.
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    data: DataArguments,
}

/// Where the export is, as it was given.
#[derive(Debug, Clone)]
enum Place {
    File(PathBuf),
    /// With a password, perhaps.
    Url(Secret),
}

impl From<OsString> for Place {
    fn from(given: OsString) -> Self {
        match given.to_str() {
            Some(url) if url.starts_with("postgres:") || url.starts_with("postgresql:") => {
                Self::Url(Secret::new(url))
            }
            _ => Self::File(given.into()),
        }
    }
}

/// Options of the URL that a file of the configuration would have are options of the command here.
fn refused_url(error: UrlError) -> CommandError {
    CommandError::refused(match error {
        UrlError::Elsewhere { option, .. } if option == "sslrootcert" => {
            format!("{option} is not read from the URL: give the file by --ca-file")
        }
        UrlError::Elsewhere { option, .. } if option == "passfile" => {
            format!("{option} is not read from the URL: give the password by --password-file")
        }
        UrlError::Elsewhere { option, .. } => {
            format!("{option} is not read from the URL: leave it out")
        }
        error => format!("the URL of the database: {error}"),
    })
}

fn read_hash_config(file: &Path) -> Result<FirebaseHashes, CommandError> {
    let read = fs::read_to_string(file).map_err(|error| error.to_string());
    read.and_then(|text| hash_parameters(&text))
        .map_err(|problem| CommandError::refused(format!("{}: {problem}", file.display())))
}

/// A provider whose links are taken over.
#[derive(Debug, Clone)]
struct LinkedProvider {
    /// As the export calls it.
    name: String,
    issuer: Issuer,
}

impl FromStr for LinkedProvider {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, issuer) =
            text.split_once('=').ok_or("write it as google=https://accounts.google.com")?;
        let name = name.to_owned();
        let issuer = Issuer::parse(issuer).map_err(|_| "the issuer is an address in ASCII")?;
        Ok(Self { name, issuer })
    }
}

impl LinkedProvider {
    /// The provider in the configuration. Links with any other would let nobody in.
    fn configured<'a>(
        &self,
        providers: &'a ProviderSettings,
    ) -> Result<&'a IdentityProvider, CommandError> {
        providers.vouching_as(&self.issuer).ok_or_else(|| {
            CommandError::refused(format!(
                "--link {}={}: no provider in [[identity_providers]] and no directory has this \
                 issuer, and nobody could sign in by these links: configure it first",
                self.name, self.issuer
            ))
        })
    }
}

/// The groups here, by their paths in the export. `None`: it is not taken over.
type Groups = HashMap<String, Option<GroupName>>;

impl ImportArguments {
    pub(super) async fn run(self) -> Result<(), CommandError> {
        let reading = self.reading()?;
        // The whole export is read once before anything is written.
        let (counted, mut configuration) = reading.count()?;
        let context = CommandContext::open(&self.data).await?;
        for link in &self.links {
            link.configured(&context.config.provider.settings)?;
        }
        let resources = std::mem::take(&mut configuration.resources);
        let mut outcome = Outcome::new(self.dry_run, counted.users, resources);
        for what in std::mem::take(&mut configuration.left) {
            outcome.say(format!("left behind: {what}"));
        }
        let written =
            self.take_over(&context, &reading, &counted, configuration, &mut outcome).await;
        outcome.stopped = written.is_err();
        if !self.dry_run && written.is_ok() {
            context.audit(by_operator("users_imported").on("file", &reading.shown)).await;
        }
        // After an error, too: the new secrets of clients are nowhere else.
        outcome.report(context.json);
        written
    }

    /// What is to be read.
    fn reading(&self) -> Result<Reading, CommandError> {
        let (source, shown) = match &self.export {
            Place::File(file) => (Source::File(file.clone()), file.display().to_string()),
            Place::Url(url) => {
                let url = PostgresUrl::parse(url).map_err(refused_url)?;
                let shown = url.to_string();
                let mut options = PostgresOptions::new(url);
                options.ca_file.clone_from(&self.ca_file);
                options.password_file.clone_from(&self.password_file);
                (Source::Postgres(Box::new(options)), shown)
            }
        };
        if matches!(source, Source::Postgres(_)) && self.format != Format::Identityserver {
            let problem = "only import identityserver reads from a database";
            return Err(CommandError::refused(format!("{shown}: {problem}")));
        }
        let firebase = self.hash_config.as_deref().map(read_hash_config).transpose()?;
        let manner = Manner { format: self.format, now: CommandContext::now(), firebase };
        Ok(Reading { manner, source, shown })
    }

    /// Writes what the export has, and notes it.
    async fn take_over(
        &self,
        context: &CommandContext,
        reading: &Reading,
        counted: &Counted,
        configuration: Configuration,
        outcome: &mut Outcome,
    ) -> Result<(), CommandError> {
        let groups = self.take_over_groups(context, configuration.groups, outcome).await?;
        for client in configuration.clients {
            let refused = match client {
                Ok(client) => self.take_over_client(context, client, outcome).await?,
                Err(problem) => Some(problem),
            };
            if let Some(problem) = refused {
                outcome.refuse_client(problem);
            }
        }
        let added = self.take_over_users(context, reading, &groups, outcome).await?;
        if counted.consents > 0 {
            self.take_over_consents(context, reading, &added, outcome).await?;
        }
        Ok(())
    }

    /// Adds the groups that are not there. Returns what became of each.
    async fn take_over_groups(
        &self,
        context: &CommandContext,
        groups: Vec<Result<ForeignGroup, RefusedGroup>>,
        outcome: &mut Outcome,
    ) -> Result<Groups, CommandError> {
        let (mut all, mut shown) = (Groups::new(), HashMap::new());
        for group in groups {
            let (path, taken) = match group {
                Err(RefusedGroup { path, problem }) => (path, Err(problem)),
                Ok(group) => {
                    let path = group.path.clone();
                    (path, self.take_over_group(context, group, &mut shown, outcome).await?)
                }
            };
            match taken {
                Ok(name) => drop(all.insert(path, Some(name))),
                Err(problem) => {
                    outcome.groups.refused += 1;
                    outcome.say(problem);
                    all.entry(path).or_default();
                }
            }
        }
        Ok(all)
    }

    /// Adds a group that is not there. Returns its name here, or why nobody can be a member of it.
    /// `shown` are those of this import, by what people call them.
    async fn take_over_group(
        &self,
        context: &CommandContext,
        ForeignGroup { path, mut group, left }: ForeignGroup,
        shown: &mut HashMap<String, GroupName>,
        outcome: &mut Outcome,
    ) -> Result<Result<GroupName, String>, CommandError> {
        let store = &context.store;
        // Who joins the group of somebody else gets its roles.
        let is_other = |own: &StoredGroup| own.group.shown_name() != path;
        let other = |own: &StoredGroup| {
            let (name, called) = (&own.group.name, own.group.shown_name());
            Ok(Err(format!(
                "the group {path}: there is a group {name} here, which people call {called}. It \
                 may be another one, so nobody becomes a member of it"
            )))
        };
        let mut stored = store.group(&group.name).await?;
        // Two groups there are two groups here, whatever their names have in common.
        let is_second = shown.values().any(|name| *name == group.name);
        if is_second || stored.as_ref().is_some_and(is_other) {
            let name = name_made_apart(&path).map_err(CommandError::refused)?;
            let apart = store.group(&name).await?;
            if let (None, false, Some(stored)) = (&apart, is_second, &stored) {
                return other(stored);
            }
            group.name = name;
            group.display_name = Some(path.clone());
            stored = apart;
        }
        let (name, key) = (group.name.clone(), group.display_key());
        if let Some(stored) = stored {
            if is_other(&stored) {
                return other(&stored);
            }
            outcome.groups.present += 1;
        } else {
            let same = store.groups_shown_as(&key, MOST_SHOWN_SO).await?;
            let same = same.into_iter().map(|own| own.group);
            let mut same = same.filter(|own| own.display_key() == key).map(|own| own.name);
            if let Some(same) = shown.get(&key).cloned().or_else(|| same.next()) {
                return Ok(Err(format!(
                    "the group {path}: people call the group {same} so already. Give one of them \
                     another name"
                )));
            }
            if !self.dry_run {
                let added = StoredGroup::added(group, &SystemEntropy);
                match groups::add_group(&**store, added).await {
                    Ok(_) => context.audit(by_operator("group_added").on("group", &name)).await,
                    Err(GroupChangeError::Store(error)) => return Err(error.into()),
                    Err(problem) => return Ok(Err(format!("the group {path}: {problem}"))),
                }
            }
            outcome.groups.added += 1;
            for what in left {
                outcome.say(format!("left behind of the group {path}: {what}"));
            }
        }
        shown.insert(key, name.clone());
        Ok(Ok(name))
    }

    /// Adds a client that is not there. Says why it can't be taken over, if it can't.
    async fn take_over_client(
        &self,
        context: &CommandContext,
        mut client: ForeignClient,
        outcome: &mut Outcome,
    ) -> Result<Option<String>, CommandError> {
        let name = client.client_id.clone();
        let id = match ClientId::parse(&*name) {
            Ok(id) => id,
            Err(error) => return Ok(Some(format!("the client {name}: {error}"))),
        };
        let provider = &context.config.provider;
        let is_configured = provider.clients.iter().any(|own| own.client_id == name);
        if is_configured || context.store.client(&id).await?.is_some() {
            outcome.clients.present += 1;
            return Ok(None);
        }
        let mut allowed = Vec::new();
        for scope in std::mem::take(&mut client.scopes) {
            if !provider.resources.knows(&scope) {
                client.leave(format!("the scope {scope}, which the configuration does not define"));
            } else if administers(&scope) {
                client.leave(format!(
                    "the scope {scope}, which lets it administer Doorward. If it should: doorward \
                     client set {} --add-scope {}",
                    in_shell(&name),
                    in_shell(&scope)
                ));
            } else {
                allowed.push(scope);
            }
        }
        client.list("allowed_scopes", allowed);
        let rules = ClientRules {
            resources: &provider.resources,
            algorithms: &provider.signing_algorithms,
        };
        let read = |client: &ForeignClient| {
            serde_json::from_value(Value::Object(client.settings.clone()))
                .map_err(|error| format!("the client {name}: {error}"))
        };
        let secret = match read(&client) {
            Err(problem) => return Ok(Some(problem)),
            Ok(settings) => clients::needs_secret(&settings)
                .then(|| clients::add_secret(&mut client.settings, None, None, &SystemEntropy)),
        };
        let checked = read(&client).and_then(|settings| {
            rules.check(settings).map_err(|error| format!("the client {name}: {error}"))
        });
        if let Err(problem) = checked {
            return Ok(Some(problem));
        }
        if !self.dry_run {
            clients::add_client(&*context.store, id.clone(), client.settings)
                .await
                .map_err(CommandError::refused)?;
            if let Some(secret) = secret {
                outcome.tell_secret(name.clone(), secret.expose());
            }
            context.audit(by_operator("client_added").on("client_id", &id)).await;
        }
        outcome.clients.added += 1;
        for what in &client.left {
            outcome.say(format!("left behind of the client {name}: {what}"));
        }
        outcome.new_clients.insert(name);
        Ok(None)
    }

    /// Adds the users who are not there, and tells what those who are lack. Returns who was added.
    async fn take_over_users(
        &self,
        context: &CommandContext,
        reading: &Reading,
        groups: &Groups,
        outcome: &mut Outcome,
    ) -> Result<HashSet<Short>, CommandError> {
        let (mut seen, mut added) = (HashSet::new(), HashSet::new());
        let (mut found, reading) = reading.stream();
        let users = stream::poll_fn(|task| found.poll_recv(task)).filter_map(|found| {
            ready(match found {
                Found::User(user) => Some(refuse_repeated(user, &mut seen)),
                Found::Consent(_) => None,
            })
        });
        let mut taken = users
            .map(|user| async {
                match user {
                    Ok(user) => self.take_over_one(context, user, groups).await,
                    Err(problem) => Ok(Taken::Refused(problem)),
                }
            })
            .buffered(AT_ONCE);
        while let Some(one) = taken.next().await {
            let one = one?;
            if let Taken::Added { sub, .. } = &one {
                added.insert(short(sub));
            }
            outcome.note(one);
        }
        drop(taken);
        ended(reading)?;
        Ok(added)
    }

    /// Remembers the consents of users whom this import added. Others may be somebody else under
    /// the same identifier, or may have withdrawn them.
    async fn take_over_consents(
        &self,
        context: &CommandContext,
        reading: &Reading,
        added: &HashSet<Short>,
        outcome: &mut Outcome,
    ) -> Result<(), CommandError> {
        let (mut found, reading) = reading.stream();
        while let Some(found) = found.recv().await {
            if let Found::Consent(consent) = found
                && let Some(left) = self.take_over_consent(context, consent, added, outcome).await?
            {
                outcome.consents.refused += 1;
                outcome.leave(left.to_owned());
            }
        }
        ended(reading)
    }

    /// Says why a consent is left behind, if it is.
    async fn take_over_consent(
        &self,
        context: &CommandContext,
        consent: ForeignConsent,
        added: &HashSet<Short>,
        outcome: &mut Outcome,
    ) -> Result<Option<&'static str>, CommandError> {
        let (others, scopes): (Vec<String>, Vec<String>) =
            consent.scopes.into_iter().partition(|scope| administers(scope));
        let (Ok(sub), Ok(client_id), Ok(scope)) = (
            Sub::parse(&*consent.sub),
            ClientId::parse(&*consent.client_id),
            scopes.join(" ").parse::<Scope>(),
        ) else {
            return Ok(Some("a consent that names no user, client and scope"));
        };
        if !added.contains(&short(&sub)) {
            return Ok(Some("a consent of somebody whom this import did not add"));
        }
        let clients = &context.config.provider.clients;
        let is_here = clients.iter().any(|own| own.client_id == consent.client_id)
            || outcome.new_clients.contains(&consent.client_id)
            || context.store.client(&client_id).await?.is_some();
        if !is_here {
            return Ok(Some("a consent to a client that is not here"));
        }
        // The export may have two for one client.
        if context.store.consent(&sub, &client_id).await?.is_some() {
            outcome.consents.present += 1;
            return Ok(None);
        }
        if !self.dry_run {
            let consent = Consent { scope, expires_at: consent.expires_at };
            context.store.remember_consent(&sub, &client_id, consent).await?;
        }
        outcome.consents.added += 1;
        for scope in others {
            outcome.leave(format!(
                "the scope {scope} of a consent, which lets a client administer Doorward"
            ));
        }
        Ok(None)
    }

    async fn take_over_one(
        &self,
        context: &CommandContext,
        mut foreign: ForeignUser,
        groups: &Groups,
    ) -> Result<Taken, CommandError> {
        let store = &context.store;
        let name = foreign.username.clone();
        let with_name = store.user_by_username(&normalized_username(&name)).await?;
        let with_sub = match &foreign.sub {
            Some(sub) => store.user(sub).await?,
            None => with_name.clone(),
        };
        let Memberships { here: member_of, not_here, others } =
            of_export(std::mem::take(&mut foreign.groups), groups);
        let providers = &context.config.provider.settings;
        if let Some(here) = with_sub {
            // Under another name it may be somebody else. So may be who has no identifier there.
            let is_same = foreign.sub.is_some()
                && normalized_username(&here.username) == normalized_username(&name);
            if !is_same {
                return Ok(Taken::Present);
            }
            let is_new = |group: &GroupName| !here.groups.iter().any(|own| own.name == *group);
            let lacks = member_of.into_iter().filter(is_new).collect();
            let (links, _) = self.identities_of(providers, &here, foreign.links);
            let own = match links.as_slice() {
                [] => Vec::new(),
                _ => store.external_identities(&here.sub).await?,
            };
            let is_new = |link: &StoredIdentity| !own.iter().any(|own| own.id == link.id);
            let links =
                links.into_iter().filter(is_new).map(|link| (link.provider, link.id.subject));
            return Ok(Taken::Same {
                name,
                sub: here.sub.clone(),
                lacks,
                lacks_links: links.collect(),
            });
        }
        let refused = |problem: &str| Ok(Taken::Refused(format!("{name}: {problem}")));
        if with_name.is_some() {
            return refused("another user has this name");
        }
        if let Some(sub) = &foreign.sub
            && store.is_used_sub(sub).await?
        {
            return refused("a removed user had this sub");
        }
        // A group that the export does not have is a value of the claim.
        if !others.is_empty() {
            foreign.claims.insert(GROUPS.to_owned(), others.into());
        }
        foreign.leave_nul();
        let sub = foreign.sub.unwrap_or_else(|| token_handle::draw_id(&SystemEntropy));
        let user = User {
            sub,
            username: foreign.username,
            password_hash: foreign.password_hash,
            enabled: !foreign.is_disabled,
            claims: Arc::new(UserClaims(foreign.claims)),
            groups: Arc::default(),
            mapped: Arc::default(),
        };
        if let Some(email) = user.verified_email()
            && store.user_by_email(&email).await?.is_some()
        {
            return refused("another user has this verified e-mail address");
        }
        let (sub, has_password) = (user.sub.clone(), user.password_hash.is_some());
        let (identities, mut left) = self.identities_of(providers, &user, foreign.links);
        for identity in &identities {
            if store.external_identity(&identity.id).await?.is_some() {
                return refused("another user has one of the links");
            }
        }
        if !self.dry_run {
            let written = write(context, user, identities).await;
            match written {
                // Two users of one page may claim the same.
                Err(StoreError::Conflict(problem)) => return refused(&problem),
                written => left.extend(written?),
            }
        }
        left.extend(not_here.into_iter().map(|path| format!("the membership in {path}")));
        left.extend(self.join(context, &member_of, &sub).await?);
        let left = foreign.left.into_iter().chain(left).collect();
        Ok(Taken::Added {
            name,
            sub,
            has_password,
            password_left: foreign.password_left,
            from_attributes: foreign.from_attributes,
            rights_left: foreign.rights_left,
            left,
        })
    }

    /// Makes a user a member. Says of which groups that is not possible.
    async fn join(
        &self,
        context: &CommandContext,
        groups: &[GroupName],
        sub: &Sub,
    ) -> Result<Vec<String>, CommandError> {
        let mut left = Vec::new();
        if self.dry_run {
            return Ok(left);
        }
        for group in groups {
            let added = context.store.add_group_member(group, sub).await?;
            if !matches!(added, AddedGroupMember::Added | AddedGroupMember::WasMember) {
                left.push(format!("the membership in {group}"));
            }
        }
        Ok(left)
    }

    /// The identities that are taken over, and what is said about the others.
    fn identities_of(
        &self,
        providers: &ProviderSettings,
        user: &User,
        links: Vec<ForeignLink>,
    ) -> (Vec<StoredIdentity>, Vec<String>) {
        let (mut identities, mut left) = (Vec::new(), Vec::new());
        for link in links {
            let named = self.links.iter().find(|own| own.name == link.provider);
            let here = named.and_then(|named| Some((named, named.configured(providers).ok()?)));
            let subject = ExternalSubject::parse(&link.subject);
            let Some(((named, provider), subject)) = here.zip(subject.ok()) else {
                left.push(left_link(&link.provider));
                continue;
            };
            identities.push(StoredIdentity {
                id: ExternalId { issuer: named.issuer.clone(), subject },
                sub: user.sub.clone(),
                provider: provider.name.clone(),
                shown: link.shown,
                mapped: UserClaims::default(),
                created_at: CommandContext::now(),
                used_at: None,
            });
        }
        (identities, left)
    }
}

/// Whether a client with this scope changes what is in Doorward. An export of another system does
/// not decide on that, whatever its scopes are called.
fn administers(scope: &str) -> bool {
    scope == scim::SCOPE || AdminScope::parse(scope).is_some()
}

/// The groups of a user.
#[derive(Default)]
struct Memberships {
    here: Vec<GroupName>,
    /// The paths of those that are not taken over.
    not_here: Vec<String>,
    /// The paths of those that the export does not have.
    others: Vec<String>,
}

fn of_export(paths: Vec<String>, groups: &Groups) -> Memberships {
    let mut found = Memberships::default();
    for path in paths {
        match groups.get(&path) {
            Some(Some(group)) => found.here.push(group.clone()),
            Some(None) => found.not_here.push(path),
            None => found.others.push(path),
        }
    }
    found
}

/// What is said about a link that is not taken over.
fn left_link(provider: &str) -> String {
    format!("the link to an identity at {provider}")
}

/// Writes a user with the links; returns what is said about those that the store did not take. The
/// first one comes with the user, in one transaction.
async fn write(
    context: &CommandContext,
    user: User,
    identities: Vec<StoredIdentity>,
) -> Result<Vec<String>, StoreError> {
    let (store, now) = (&context.store, CommandContext::now());
    let taken = || StoreError::Conflict("another user has the name or one of the links".to_owned());
    let mut identities = identities.into_iter();
    let mut left = Vec::new();
    let Some(first) = identities.next() else {
        store.put_user(user, now).await?;
        return Ok(left);
    };
    let added = store.add_user_with_identity(user, first, None, now).await?;
    if added != AddedIdentityUser::Added {
        return Err(taken());
    }
    for identity in identities {
        let provider = identity.provider.clone();
        let link = IdentityLink { identity, by: LinkedBy::Request, most: MOST_IDENTITIES };
        let added = store.add_external_identity(link, AccountNotices::default()).await?;
        if !matches!(added, AddedIdentity::Added | AddedIdentity::WasLinked) {
            left.push(left_link(&provider));
        }
    }
    Ok(left)
}

/// Refuses a user whose identifier the export had before: both would be one user to applications.
fn refuse_repeated(
    user: Result<ForeignUser, String>,
    seen: &mut HashSet<Short>,
) -> Result<ForeignUser, String> {
    let user = user?;
    match &user.sub {
        Some(sub) if !seen.insert(short(sub)) => {
            Err(format!("{}: the export has the sub {sub} twice", user.username))
        }
        _ => Ok(user),
    }
}

/// A part of the hash of an identifier, which is enough to know it again.
type Short = [u8; 16];

fn short(sub: &Sub) -> Short {
    let hash: [u8; 32] = Sha256::digest(sub.as_bytes()).into();
    *hash.first_chunk().unwrap_or(&[0; 16])
}
