//! `doorward identity-provider …`: other providers by which users sign in. Those of the
//! configuration are shown here and changed there. A running server sees changes within a second.

mod arguments;
mod check;
mod mapping;

use std::path::PathBuf;

use clap::Subcommand;
use doorward_admin::ChangeEvent;
use doorward_provider::{
    keys::{MasterKey, provider_credential},
    model::{
        identity_provider::{IdentityProvider, IdentityProviderName},
        stored_identity_provider::{Credential, StoredIdentityProvider},
    },
    use_case::{
        administration::identity_providers::{
            ProviderChangeError, ProviderDraft, StoredProviders, recorded, recorded_change,
        },
        upstream_factory::UpstreamRefusal,
    },
};
use serde_json::{Map, Value, json};

use self::mapping::Pasted;
pub(super) use self::{
    arguments::{ProviderArguments, ask_for_secret},
    check::report,
};
use super::{
    CommandContext, CommandError, DataArguments, by_operator, confirm::Confirmation, done,
    print_object, print_rows,
};
use crate::{provider::upstream::StoredUpstreams, tls::Tls};

/// What to do with other providers.
#[derive(Debug, Subcommand)]
pub enum IdentityProviderCommand {
    /// List the providers of the configuration and those of the database.
    List(DataArguments),
    /// Show the settings of a provider, without its secret.
    Show(OneProvider),
    /// Add a provider. Settings that are not given have their defaults, which
    /// `doorward.example.toml` lists under `[[identity_providers]]`.
    Add {
        /// Its name, which never changes: 1 to 32 characters, a to z, 0 to 9 and hyphens.
        name: IdentityProviderName,
        #[command(flatten)]
        settings: Box<ProviderArguments>,
        #[command(flatten)]
        data: DataArguments,
    },
    /// Change a provider. Whatever is not given stays. --set enabled=false keeps everybody from
    /// signing in by it, and keeps its settings.
    Set {
        /// The provider.
        name: IdentityProviderName,
        #[command(flatten)]
        settings: Box<ProviderArguments>,
        #[command(flatten)]
        data: DataArguments,
    },
    /// Remove a provider. The links of users with it stay, and nobody can sign in by them.
    Remove {
        #[command(flatten)]
        provider: OneProvider,
        #[command(flatten)]
        confirmation: Confirmation,
    },
    /// Ask a provider for its metadata and keys, and tell what to enter there. Nothing is changed.
    Check {
        /// The name of the provider in the configuration or in the database.
        name: String,
        /// Also show what becomes of these claims: a file with a JSON object, or with a JWT, whose
        /// signature is not checked. - is standard input.
        #[arg(long, value_name = "FILE")]
        claims: Option<PathBuf>,
        #[command(flatten)]
        data: DataArguments,
    },
}

/// A provider and the rest.
#[derive(Debug, clap::Args)]
pub struct OneProvider {
    /// The provider.
    pub(super) name: IdentityProviderName,
    #[command(flatten)]
    pub(super) data: DataArguments,
}

impl IdentityProviderCommand {
    /// Runs the command.
    pub async fn run(self) -> Result<(), CommandError> {
        match self {
            Self::List(data) => list(&CommandContext::open(&data).await?).await,
            Self::Show(OneProvider { name, data }) => {
                show(&CommandContext::open(&data).await?, &name).await
            }
            Self::Add { name, settings, data } => {
                Box::pin(add(&CommandContext::open(&data).await?, name, &settings)).await
            }
            Self::Set { name, settings, data } => {
                Box::pin(set(&CommandContext::open(&data).await?, &name, &settings)).await
            }
            Self::Remove { provider: OneProvider { name, data }, confirmation } => {
                remove(&CommandContext::open(&data).await?, &name, confirmation).await
            }
            Self::Check { name, claims, data } => {
                let pasted = claims.as_deref().map(Pasted::read).transpose()?;
                Box::pin(check::check(&data, &name, pasted.as_ref())).await
            }
        }
    }
}

/// The columns of a list.
pub(super) const COLUMNS: &[&str] = &["name", "title", "issuer", "enabled", "from", "problem"];

async fn list(context: &CommandContext) -> Result<(), CommandError> {
    let configured = context.configured_vouching();
    let stored = context.store.identity_providers().await?.providers;
    let rules = context.stored_upstreams(&[]);
    let of_file = configured.providers.iter().map(|own| line(own, true, None));
    let of_store = configured.sort_out(&stored, &rules).into_iter().map(|(own, checked)| {
        match checked {
            Ok(checked) => line(&checked.provider, false, None),
            // Of what does not hold, the name is known.
            Err(error) => line(&IdentityProvider::new(own.name.clone(), ""), false, Some(error)),
        }
    });
    let rows: Vec<Value> = of_file.chain(of_store).collect();
    print_rows(context.json, COLUMNS, &rows);
    Ok(())
}

fn line(provider: &IdentityProvider, configured: bool, problem: Option<UpstreamRefusal>) -> Value {
    let is_known = problem.is_none();
    ProviderLine {
        name: &provider.name,
        title: is_known.then_some(&*provider.title),
        issuer: is_known.then_some(&*provider.issuer),
        enabled: is_known.then_some(provider.enabled),
        configured,
        problem: problem.map(|problem| problem.to_string()),
    }
    .to_value()
}

/// What is said about a provider in lists.
pub(super) struct ProviderLine<'a> {
    pub(super) name: &'a str,
    pub(super) title: Option<&'a str>,
    pub(super) issuer: Option<&'a str>,
    pub(super) enabled: Option<bool>,
    pub(super) configured: bool,
    pub(super) problem: Option<String>,
}

impl ProviderLine<'_> {
    pub(super) fn to_value(&self) -> Value {
        json!({
            "name": self.name, "title": self.title, "issuer": self.issuer,
            "enabled": self.enabled, "from": from(self.configured), "problem": self.problem,
        })
    }
}

fn from(configured: bool) -> &'static str {
    if configured { "configuration" } else { "store" }
}

async fn show(context: &CommandContext, name: &IdentityProviderName) -> Result<(), CommandError> {
    let all = context.store.identity_providers().await?.providers;
    if let Some(stored) = all.iter().find(|own| own.name == *name) {
        let credential = Some(stored.credential.kind.name());
        print_settings(context.json, name, stored.settings.clone(), credential);
        return Ok(());
    }
    let mut configured = context.configured_vouching().providers.iter();
    let found = configured.find(|own| own.name == *name).ok_or_else(|| missing(name))?;
    print_settings(context.json, name, found.settings.clone(), None);
    Ok(())
}

/// Prints the settings of a provider, and where they are from. `credential`: what a stored one
/// authenticates by.
pub(super) fn print_settings(
    json: bool,
    name: &str,
    mut settings: Map<String, Value>,
    credential: Option<&str>,
) {
    settings.insert("name".to_owned(), json!(name));
    settings.insert("from".to_owned(), json!(from(credential.is_none())));
    if let Some(credential) = credential {
        settings.insert(credential.to_owned(), json!("(not shown)"));
    }
    print_object(json, &Value::Object(settings));
}

async fn add(
    context: &CommandContext,
    name: IdentityProviderName,
    arguments: &ProviderArguments,
) -> Result<(), CommandError> {
    refuse_configured(context, &name)?;
    let mut settings = Map::new();
    let given = arguments.apply(&name, &mut settings)?;
    let credential = given.map_or_else(ask_for_secret, Ok)?;
    let editing = Editing::of(context).await?;
    let added = editing.providers(context).add(&name, settings, &credential).await?;
    let record = by_operator(ChangeEvent::IdentityProviderAdded).on(OBJECT, &name);
    context.audit(record.changing(None, Some(recorded(&added)))).await;
    tell_added(context.json, &name);
    Ok(())
}

/// What the audit history calls a provider.
const OBJECT: &str = "identity_provider";

/// Says that a provider was added.
pub(super) fn tell_added(json: bool, name: &str) {
    let sentence = format!(
        "The identity provider {name} was added. doorward identity-provider check {name} tells \
         what to enter there."
    );
    done(json, &sentence, json!({"name": name}));
}

async fn set(
    context: &CommandContext,
    name: &IdentityProviderName,
    arguments: &ProviderArguments,
) -> Result<(), CommandError> {
    refuse_configured(context, name)?;
    let editing = Editing::of(context).await?;
    let change = |_: &StoredIdentityProvider, draft: &mut ProviderDraft| {
        draft.credential = arguments.apply(name, &mut draft.settings)?;
        Ok::<_, CommandError>(())
    };
    let changed = editing.providers(context).change(name, change).await?;
    let record = by_operator(ChangeEvent::IdentityProviderChanged).on(OBJECT, name);
    let (before, after) = recorded_change(&changed);
    context.audit(record.changing(Some(before), Some(after))).await;
    tell_changed(context.json, name);
    Ok(())
}

/// Says that a provider is changed.
pub(super) fn tell_changed(json: bool, name: &str) {
    done(json, &format!("The identity provider {name} is changed."), json!({"name": name}));
}

async fn remove(
    context: &CommandContext,
    name: &IdentityProviderName,
    confirmation: Confirmation,
) -> Result<(), CommandError> {
    let all = context.store.identity_providers().await?.providers;
    if all.iter().all(|own| own.name != *name) {
        refuse_configured(context, name)?;
        return Err(missing(name));
    }
    confirmation.ask(&removal_question(name))?;
    let editing = Editing::of(context).await?;
    let removed = editing.providers(context).remove(name, |_| Ok::<_, CommandError>(())).await?;
    let record = by_operator(ChangeEvent::IdentityProviderRemoved).on(OBJECT, name);
    context.audit(record.changing(Some(recorded(&removed)), None)).await;
    tell_removed(context.json, name);
    Ok(())
}

pub(super) fn removal_question(name: &str) -> String {
    format!("Remove the identity provider {name}? Nobody can sign in by it then.")
}

/// Says that a provider is removed.
pub(super) fn tell_removed(json: bool, name: &str) {
    let sentence = format!("The identity provider {name} is removed. The links of users stay.");
    done(json, &sentence, json!({"name": name}));
}

/// Refuses a provider of the configuration.
fn refuse_configured(
    context: &CommandContext,
    name: &IdentityProviderName,
) -> Result<(), CommandError> {
    let configured = context.configured_vouching().providers;
    if configured.iter().all(|own| own.name != *name) {
        return Ok(());
    }
    let file = context.config.sources.file();
    Err(CommandError::Missing(format!(
        "the identity provider {name:?} is defined in the configuration ({file}): change it there"
    )))
}

/// What a change needs beside the context.
struct Editing {
    rules: StoredUpstreams,
    master: MasterKey,
}

impl Editing {
    async fn of(context: &CommandContext) -> Result<Self, CommandError> {
        let config = &context.config;
        let trusted = Tls::trusted(&config.tls, &config.sources).map_err(CommandError::refused)?;
        let rules = context.stored_upstreams(&trusted);
        Ok(Self { rules, master: context.master_key().await? })
    }

    fn providers<'a>(&'a self, context: &'a CommandContext) -> StoredProviders<'a> {
        StoredProviders {
            table: &*context.store,
            signing_keys: &*context.store,
            configured: context.configured_vouching(),
            factory: &self.rules,
            master: &self.master,
        }
    }
}

/// What a stored provider's client authenticates by.
async fn unsealed(
    context: &CommandContext,
    stored: &StoredIdentityProvider,
) -> Result<Credential, CommandError> {
    let master = context.master_key().await?;
    provider_credential::open(&master, &stored.name, &stored.credential).map_err(|_| {
        CommandError::refused(format!(
            "the {} of {} can't be decrypted: set it again",
            stored.credential.kind.name(),
            stored.name
        ))
    })
}

impl From<ProviderChangeError> for CommandError {
    fn from(error: ProviderChangeError) -> Self {
        match error {
            ProviderChangeError::Store(error) => error.into(),
            ProviderChangeError::Refused(error) => Self::refused(error),
            other => Self::Missing(other.to_string()),
        }
    }
}

pub(super) fn missing(name: &str) -> CommandError {
    CommandError::Missing(format!(
        "there is no identity provider {name:?}: doorward identity-provider list shows those that \
         there are"
    ))
}
