//! `doorward import …`: brings users in from another system.

use std::{
    collections::{BTreeMap, HashSet},
    fmt::{Display, Write as _},
    fs::File,
    path::{Path, PathBuf},
    str::FromStr,
    sync::Arc,
};

use clap::Args;
use doorward_protocol::ids::Sub;
use doorward_provider::{
    ProviderSettings,
    model::{
        account_notice::AccountNotices,
        external_identity::{ExternalId, ExternalSubject, Issuer, MOST_IDENTITIES, StoredIdentity},
        identity_provider::{IdentityProvider, IdentityProviderName},
        time::SystemEntropy,
        token_handle,
        user::{User, UserClaims, normalized_username},
    },
    store::{AddedIdentity, AddedIdentityUser, IdentityLink, LinkedBy, StoreError},
};
use futures::{StreamExt as _, stream};
use serde_json::json;

use super::{CommandContext, CommandError, DataArguments, by_operator, done};
use crate::import::{ForeignLink, ForeignUser, Format, read_users};

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
    lines: Vec<String>,
    /// What was left behind, and of how many users.
    left: BTreeMap<String, usize>,
}

impl ImportArguments {
    pub(super) async fn run(self) -> Result<(), CommandError> {
        // The whole export is read once before anything is written.
        let mut total = 0_usize;
        self.read(|_| total += 1)?;
        let context = CommandContext::open(&self.data).await?;
        for link in &self.links {
            link.configured(&context.config.provider.settings)?;
        }
        let mut outcome = Outcome::default();
        let mut seen = HashSet::new();
        let (send, receive) = std::sync::mpsc::sync_channel(PAGE);
        let (format, file) = (self.format, self.file.clone());
        let reading = std::thread::spawn(move || {
            read(format, &file, |user| {
                let _ = send.send(user);
            })
        });
        loop {
            let page: Vec<_> =
                receive.iter().take(PAGE).map(|user| refuse_repeated(user, &mut seen)).collect();
            if page.is_empty() {
                break;
            }
            self.take_over(&context, page, &mut outcome).await?;
        }
        reading.join().map_err(|_| CommandError::refused("the export can't be read"))??;
        if !self.dry_run {
            let file = self.file.display().to_string();
            context.audit(by_operator("users_imported", "file", &file)).await;
        }
        self.report(&context, total, &outcome);
        Ok(())
    }

    fn read(&self, each: impl FnMut(Result<ForeignUser, String>)) -> Result<(), CommandError> {
        read(self.format, &self.file, each)
    }

    async fn take_over(
        &self,
        context: &CommandContext,
        page: Vec<Result<ForeignUser, String>>,
        outcome: &mut Outcome,
    ) -> Result<(), CommandError> {
        let mut taken = stream::iter(page)
            .map(|user| async {
                match user {
                    Ok(user) => self.take_over_one(context, user).await,
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
        foreign: ForeignUser,
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
            let written = write(context, user, identities).await;
            match written {
                // Two users of one page may claim the same.
                Err(StoreError::Conflict(problem)) => return refused(&problem),
                written => left.extend(written?),
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
        let Outcome { added, present, without_password, refused, lines, left } = outcome;
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
        let _ = write!(
            text,
            "Of {total} users {added} {verb} ({without_password} without a password), {present} \
             are there already, {refused} can't be taken over."
        );
        let facts = json!({
            "dry_run": self.dry_run, "users": total, "added": added, "present": present,
            "without_password": without_password, "refused": refused, "problems": lines,
            "left": left,
        });
        done(context.json, &text, facts);
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
) -> Result<(), CommandError> {
    let refuse =
        |problem: &dyn Display| CommandError::refused(format!("{}: {problem}", file.display()));
    let export = File::open(file).map_err(|error| refuse(&error))?;
    read_users(format, export, each).map_err(|error| refuse(&error))
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
