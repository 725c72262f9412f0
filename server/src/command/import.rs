//! `doorward import …`: brings users in from another system.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    fmt::{Display, Write as _},
    fs::File,
    path::{Path, PathBuf},
    str::FromStr,
    sync::Arc,
};

use clap::Args;
use doorward_protocol::ids::{ClientId, Sub};
use doorward_provider::{
    ProviderSettings,
    model::{
        account_notice::AccountNotices,
        external_identity::{ExternalId, ExternalSubject, Issuer, MOST_IDENTITIES, StoredIdentity},
        group::{GROUPS, GroupName, StoredGroup, name_made_apart},
        identity_provider::{IdentityProvider, IdentityProviderName},
        time::SystemEntropy,
        token_handle,
        user::{User, UserClaims, normalized_username},
    },
    store::{
        AddedGroupMember, AddedIdentity, AddedIdentityUser, IdentityLink, LinkedBy, StoreError,
    },
    use_case::administration::clients::{self, ClientRules},
};
use futures::{StreamExt as _, stream};
use serde_json::{Value, json};

use super::{CommandContext, CommandError, DataArguments, by_operator, done};
use crate::import::{
    Configuration, ForeignClient, ForeignGroup, ForeignLink, ForeignUser, Format, read_export,
};

/// Users that are written at the same time. The store commits those that wait together.
const AT_ONCE: usize = 64;
/// Users that are read before they are written.
const PAGE: usize = 1000;
/// What is said about single users is printed for the first ones; the rest is counted.
const MOST_LINES: usize = 200;

/// What to bring in.
#[derive(Debug, Args)]
pub struct ImportArguments {
    /// Whose export it is.
    #[arg(value_enum)]
    format: Format,
    /// The export.
    file: PathBuf,
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

/// A provider whose links are taken over.
#[derive(Debug, Clone)]
struct LinkedProvider {
    name: IdentityProviderName,
    issuer: Issuer,
}

impl FromStr for LinkedProvider {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, issuer) =
            text.split_once('=').ok_or("write it as google=https://accounts.google.com")?;
        let name = IdentityProviderName::parse(name).map_err(|error| error.to_string())?;
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

/// What became of the users of an export.
#[derive(Default)]
struct Outcome {
    added: usize,
    present: usize,
    without_password: usize,
    refused: usize,
    /// What became of clients and groups.
    clients: Counts,
    groups: Counts,
    lines: Vec<String>,
    /// Tables that are missing in the configuration.
    resources: Vec<String>,
    /// What was left behind, and of how many users.
    left: BTreeMap<String, usize>,
}

/// How many there were.
#[derive(Default)]
struct Counts {
    added: usize,
    present: usize,
    refused: usize,
}

/// The groups here, by their paths in the export.
type Groups = HashMap<String, GroupName>;

impl ImportArguments {
    pub(super) async fn run(self) -> Result<(), CommandError> {
        // The whole export is read once before anything is written.
        let mut total = 0_usize;
        let configuration = self.read(|_| total += 1)?;
        let context = CommandContext::open(&self.data).await?;
        for link in &self.links {
            link.configured(&context.config.provider.settings)?;
        }
        let mut outcome = Outcome::default();
        let Configuration { clients, groups, resources, left } = configuration;
        outcome.resources = resources;
        outcome.lines.extend(left.into_iter().map(|what| format!("left behind: {what}")));
        let groups = self.take_over_groups(&context, groups, &mut outcome).await?;
        for client in clients {
            self.take_over_client(&context, client, &mut outcome).await?;
        }
        let mut seen = HashSet::new();
        let (send, receive) = std::sync::mpsc::sync_channel(PAGE);
        let (format, file) = (self.format, self.file.clone());
        let reading = std::thread::spawn(move || {
            read(format, &file, |user| {
                let _ = send.send(user);
            })
            .map(|_| ())
        });
        loop {
            let page: Vec<_> =
                receive.iter().take(PAGE).map(|user| refuse_repeated(user, &mut seen)).collect();
            if page.is_empty() {
                break;
            }
            self.take_over(&context, page, &groups, &mut outcome).await?;
        }
        reading.join().map_err(|_| CommandError::refused("the export can't be read"))??;
        if !self.dry_run {
            let file = self.file.display().to_string();
            context.audit(by_operator("users_imported", "file", &file)).await;
        }
        self.report(&context, total, &outcome);
        Ok(())
    }

    fn read(
        &self,
        each: impl FnMut(Result<ForeignUser, String>),
    ) -> Result<Configuration, CommandError> {
        read(self.format, &self.file, each)
    }

    /// Adds the groups that are not there. Returns those that users can be members of.
    async fn take_over_groups(
        &self,
        context: &CommandContext,
        groups: Vec<Result<ForeignGroup, String>>,
        outcome: &mut Outcome,
    ) -> Result<Groups, CommandError> {
        let mut taken = Groups::new();
        for group in groups {
            let ForeignGroup { path, mut group, left } = match group {
                Ok(group) => group,
                Err(problem) => {
                    outcome.groups.refused += 1;
                    outcome.lines.push(problem);
                    continue;
                }
            };
            // Two groups there are two groups here, whatever their names have in common.
            let mut stored = context.store.group(&group.name).await?;
            let is_other = |shown: &str| shown != path;
            let is_taken = stored.as_ref().is_some_and(|one| is_other(one.group.shown_name()))
                || taken.values().any(|name| *name == group.name);
            if is_taken {
                group.name = name_made_apart(&path).map_err(CommandError::refused)?;
                group.display_name = Some(path.clone());
                stored = context.store.group(&group.name).await?;
            }
            taken.insert(path.clone(), group.name.clone());
            if stored.is_some() {
                outcome.groups.present += 1;
                continue;
            }
            outcome.groups.added += 1;
            let left =
                left.into_iter().map(|what| format!("left behind of the group {path}: {what}"));
            outcome.lines.extend(left);
            if !self.dry_run {
                let name = group.name.clone();
                let added = StoredGroup::added(group, &SystemEntropy);
                if context.store.add_group(added).await? {
                    context.audit(by_operator("group_added", "group", &name)).await;
                }
            }
        }
        Ok(taken)
    }

    /// Adds a client that is not there.
    async fn take_over_client(
        &self,
        context: &CommandContext,
        client: Result<ForeignClient, String>,
        outcome: &mut Outcome,
    ) -> Result<(), CommandError> {
        let mut refuse = |problem: String| {
            outcome.clients.refused += 1;
            outcome.lines.push(problem);
            Ok(())
        };
        let mut client = match client {
            Ok(client) => client,
            Err(problem) => return refuse(problem),
        };
        let name = client.client_id.clone();
        let id = match ClientId::parse(&*name) {
            Ok(id) => id,
            Err(error) => return refuse(format!("the client {name}: {error}")),
        };
        let provider = &context.config.provider;
        let is_configured = provider.clients.iter().any(|own| own.client_id == name);
        if is_configured || context.store.client(&id).await?.is_some() {
            outcome.clients.present += 1;
            return Ok(());
        }
        let (known, unknown): (Vec<String>, Vec<String>) = std::mem::take(&mut client.scopes)
            .into_iter()
            .partition(|scope| provider.resources.knows(scope));
        for scope in unknown {
            client.leave(format!("the scope {scope}, which the configuration does not define"));
        }
        client.list("allowed_scopes", known);
        let rules = ClientRules {
            resources: &provider.resources,
            algorithms: &provider.signing_algorithms,
        };
        let read = |client: &ForeignClient| {
            serde_json::from_value(Value::Object(client.settings.clone()))
                .map_err(|error| format!("the client {name}: {error}"))
        };
        let secret = match read(&client) {
            Err(problem) => return refuse(problem),
            Ok(settings) => clients::needs_secret(&settings)
                .then(|| clients::add_secret(&mut client.settings, None, None, &SystemEntropy)),
        };
        let checked = read(&client).and_then(|settings| {
            rules.check(settings).map_err(|error| format!("the client {name}: {error}"))
        });
        if let Err(problem) = checked {
            return refuse(problem);
        }
        outcome.clients.added += 1;
        let left = client.left.iter();
        outcome.lines.extend(left.map(|what| format!("left behind of the client {name}: {what}")));
        if self.dry_run {
            return Ok(());
        }
        if let Some(secret) = secret {
            let secret = secret.expose();
            outcome.lines.push(format!("the client {name} has a new secret: {secret}"));
        }
        clients::add_client(&*context.store, id.clone(), client.settings)
            .await
            .map_err(CommandError::refused)?;
        context.audit(by_operator("client_added", "client_id", &id)).await;
        Ok(())
    }

    async fn take_over(
        &self,
        context: &CommandContext,
        page: Vec<Result<ForeignUser, String>>,
        groups: &Groups,
        outcome: &mut Outcome,
    ) -> Result<(), CommandError> {
        let mut taken = stream::iter(page)
            .map(|user| async {
                match user {
                    Ok(user) => self.take_over_one(context, user, groups).await,
                    Err(problem) => Ok(Taken::Refused(problem)),
                }
            })
            .buffered(AT_ONCE);
        while let Some(one) = taken.next().await {
            outcome.note(one?);
        }
        Ok(())
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
        if with_sub.is_some() {
            return Ok(Taken::Present);
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
        let mut member_of = Vec::new();
        let mut others = Vec::new();
        for path in std::mem::take(&mut foreign.groups) {
            match groups.get(&path) {
                Some(group) => member_of.push(group.clone()),
                None => others.push(path),
            }
        }
        // A group that the export does not have is a value of the claim.
        if !others.is_empty() {
            foreign.claims.insert(GROUPS.to_owned(), others.into());
        }
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
        let has_password = user.password_hash.is_some();
        let providers = &context.config.provider.settings;
        let (identities, mut left) = self.identities_of(providers, &user, foreign.links);
        for identity in &identities {
            if store.external_identity(&identity.id).await?.is_some() {
                return refused("another user has one of the links");
            }
        }
        if !self.dry_run {
            let sub = user.sub.clone();
            let written = write(context, user, identities).await;
            match written {
                // Two users of one page may claim the same.
                Err(StoreError::Conflict(problem)) => return refused(&problem),
                written => left.extend(written?),
            }
            for group in member_of {
                let added = store.add_group_member(&group, &sub).await?;
                if !matches!(added, AddedGroupMember::Added | AddedGroupMember::WasMember) {
                    left.push(format!("the membership in {group}"));
                }
            }
        }
        let left = foreign.left.into_iter().chain(left).collect();
        Ok(Taken::Added { name, has_password, left })
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
            let named = self.links.iter().find(|own| own.name.as_str() == link.provider);
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

    fn report(&self, context: &CommandContext, total: usize, outcome: &Outcome) {
        let Outcome { added, present, without_password, refused, lines, left, .. } = outcome;
        let (clients, groups) = (&outcome.clients, &outcome.groups);
        let verb = if self.dry_run { "would be added" } else { "were added" };
        let mut text = lines.iter().take(MOST_LINES).fold(String::new(), |mut text, line| {
            text.push_str(line);
            text.push('\n');
            text
        });
        if lines.len() > MOST_LINES {
            let _ = writeln!(text, "… and {} more", lines.len() - MOST_LINES);
        }
        for (what, users) in left {
            let _ = writeln!(text, "left behind for {users} users: {what}");
        }
        let resources = outcome.resources.join("\n");
        if !resources.is_empty() {
            let _ = writeln!(text, "The configuration needs these, if it does not have them:");
            let _ = writeln!(text, "\n{resources}");
        }
        for (counts, what) in [(groups, "groups"), (clients, "clients")] {
            let Counts { added, present, refused } = counts;
            if added + present + refused > 0 {
                let _ = writeln!(
                    text,
                    "Of the {what} {added} {verb}, {present} are there already, {refused} can't be \
                     taken over."
                );
            }
        }
        let _ = write!(
            text,
            "Of {total} users {added} {verb} ({without_password} without a password), {present} \
             are there already, {refused} can't be taken over."
        );
        let facts = json!({
            "dry_run": self.dry_run, "users": total, "added": added, "present": present,
            "without_password": without_password, "refused": refused, "problems": lines,
            "left": left, "resources": outcome.resources,
            "clients": clients.to_json(), "groups": groups.to_json(),
        });
        done(context.json, &text, facts);
    }
}

impl Counts {
    fn to_json(&self) -> Value {
        json!({"added": self.added, "present": self.present, "refused": self.refused})
    }
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

fn read(
    format: Format,
    file: &Path,
    each: impl FnMut(Result<ForeignUser, String>),
) -> Result<Configuration, CommandError> {
    let refuse =
        |problem: &dyn Display| CommandError::refused(format!("{}: {problem}", file.display()));
    let export = File::open(file).map_err(|error| refuse(&error))?;
    read_export(format, export, each).map_err(|error| refuse(&error))
}

/// Refuses a user whose identifier the export had before: both would be one user to applications.
fn refuse_repeated(
    user: Result<ForeignUser, String>,
    seen: &mut HashSet<Sub>,
) -> Result<ForeignUser, String> {
    let user = user?;
    match &user.sub {
        Some(sub) if !seen.insert(sub.clone()) => {
            Err(format!("{}: the export has the sub {sub} twice", user.username))
        }
        _ => Ok(user),
    }
}

/// What became of one user.
enum Taken {
    Added { name: String, has_password: bool, left: Vec<String> },
    Present,
    Refused(String),
}

impl Outcome {
    fn note(&mut self, taken: Taken) {
        match taken {
            Taken::Present => self.present += 1,
            Taken::Refused(problem) => {
                self.refused += 1;
                self.lines.push(problem);
            }
            Taken::Added { name, has_password, left } => {
                self.added += 1;
                if !has_password {
                    self.without_password += 1;
                }
                for what in left {
                    if what.starts_with("the password:") {
                        self.lines.push(format!("{name}: {what}"));
                    } else {
                        *self.left.entry(what).or_default() += 1;
                    }
                }
            }
        }
    }
}
