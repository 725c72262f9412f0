//! Other providers by which users sign in: those of the configuration are shown here and changed
//! there. Of one name there may be two, if the configuration got one later: then the stored one is
//! shown, with why it is not used.

use std::collections::BTreeMap;

use axum::{
    Json,
    extract::{Extension, State},
    response::{IntoResponse as _, Response},
};
use doorward_protocol::{base64url, secret::Secret};
use doorward_provider::{
    model::{
        identity_provider::{IdentityProvider, IdentityProviderName},
        paths,
        stored_identity_provider::{Credential, CredentialKind, StoredIdentityProvider},
    },
    use_case::{
        administration::identity_providers::{
            ProviderChangeError, StoredProviders, recorded, recorded_change,
        },
        upstream_factory::UpstreamRefusal,
    },
};
use http::{
    HeaderMap, StatusCode,
    header::{ETAG, LOCATION},
};
use serde_json::{Map, Value, json};

use super::{
    Answer,
    body::{Body, Named, Parameters},
    history::History,
    location,
    page::{self, PageParameters},
    problem::Problem,
    state::AdminApi,
    version::Version,
};
use crate::types::identity_provider_settings::{Preset, SETTINGS};
pub use crate::types::identity_providers::{
    CheckStep, CheckedIdentityProvider, IdentityProviderChanges, IdentityProviderRow,
    IdentityProviderView, NewIdentityProvider,
};

/// A provider, and where it is defined.
#[derive(Clone)]
enum Found {
    Configured(IdentityProvider),
    /// With what it is by its settings, or why they do not hold.
    Stored(StoredIdentityProvider, Result<IdentityProvider, UpstreamRefusal>),
}

impl Found {
    fn name(&self) -> &IdentityProviderName {
        match self {
            Self::Configured(provider) => &provider.name,
            Self::Stored(stored, _) => &stored.name,
        }
    }

    fn is_configured(&self) -> bool {
        matches!(self, Self::Configured(_))
    }

    fn provider(&self) -> Option<&IdentityProvider> {
        match self {
            Self::Configured(provider) => Some(provider),
            Self::Stored(_, checked) => checked.as_ref().ok(),
        }
    }

    /// Its settings under their names in the configuration, as they were given.
    fn settings(&self) -> &Map<String, Value> {
        match self {
            Self::Configured(provider) => &provider.settings,
            Self::Stored(stored, _) => &stored.settings,
        }
    }

    /// Why nobody signs in by it although it is enabled. Beside its settings that may be its
    /// secret, which this process could not decrypt.
    fn problem(&self, api: &AdminApi) -> Option<String> {
        let Self::Stored(stored, checked) = self else { return None };
        let used = || api.provider().identity_providers().problem(stored);
        checked.as_ref().err().cloned().or_else(used).map(|problem| problem.to_string())
    }

    fn row(&self, api: &AdminApi) -> IdentityProviderRow {
        let provider = self.provider();
        IdentityProviderRow {
            name: self.name().to_string(),
            preset: Preset::of(self.settings()).name().to_owned(),
            title: provider.map(|own| own.title.clone()),
            issuer: provider.map(|own| own.issuer.clone()),
            enabled: provider.map(|own| own.enabled),
            configured: self.is_configured(),
            problem: self.problem(api),
        }
    }

    fn view(&self, api: &AdminApi) -> IdentityProviderView {
        let file = &api.settings().configuration_file;
        let credential = match self {
            Self::Configured(_) => None,
            Self::Stored(stored, _) => Some(stored.credential.kind),
        };
        IdentityProviderView {
            name: self.name().to_string(),
            configured: self.is_configured(),
            read_only: self.is_configured().then(|| read_only(file)),
            problem: self.problem(api),
            credential: credential.map(|kind| kind.name().to_owned()),
            settings: self.settings().clone(),
            registration: registration(api, self.name()),
        }
    }

    fn version(&self) -> Version {
        let mut settings = self.settings().clone();
        let credential = match self {
            Self::Configured(_) => Value::Null,
            Self::Stored(stored, _) => {
                let sealed = base64url::encode(stored.credential.sealed.as_bytes());
                json!([stored.credential.kind.name(), sealed])
            }
        };
        // One by one, so that whoever is overtaken is told which of them is different.
        let known = SETTINGS.map(|own| (own.name, settings.remove(own.name).unwrap_or_default()));
        let whole = [
            ("name", json!(self.name())),
            ("configured", json!(self.is_configured())),
            ("credential", credential),
            ("settings", Value::Object(settings)),
        ];
        Version::of(whole.into_iter().chain(known))
    }

    fn shown(&self, api: &AdminApi) -> Response {
        ([(ETAG, self.version().etag())], Json(self.view(api))).into_response()
    }
}

fn read_only(file: &str) -> String {
    format!("This identity provider is defined in the configuration ({file}): change it there.")
}

/// What our client is registered with at this provider.
fn registration(api: &AdminApi, name: &str) -> BTreeMap<String, String> {
    let addresses = paths::external_addresses(api.provider().issuer(), name);
    addresses.into_iter().map(|(kind, address)| (kind.to_owned(), address)).collect()
}

/// All providers in the order of their names; of two with one name that of the store first.
async fn all(api: &AdminApi) -> Result<Vec<Found>, Problem> {
    let registry = api.provider().identity_providers();
    let configured = registry.configured();
    let stored = api.store().identity_providers().await?.providers;
    let sorted = configured.sort_out(&stored, registry.factory()).into_iter();
    let of_store = sorted.map(|(stored, checked)| {
        Found::Stored(stored.clone(), checked.map(|checked| checked.provider))
    });
    let of_file = configured.providers.iter().cloned().map(Found::Configured);
    let mut all: Vec<Found> = of_store.chain(of_file).collect();
    all.sort_by(|one, other| one.name().cmp(other.name()));
    Ok(all)
}

async fn find(api: &AdminApi, name: &str) -> Result<Found, Problem> {
    let mut all = all(api).await?.into_iter();
    all.find(|own| own.name().as_str() == name).ok_or_else(missing)
}

fn missing() -> Problem {
    Problem::missing("There is no identity provider of this name.")
}

/// `GET /identity-providers`.
pub async fn list(
    State(api): State<AdminApi>,
    Parameters(parameters): Parameters<PageParameters>,
) -> Answer {
    let limit = page::limit(parameters.limit)?;
    let after: Option<(IdentityProviderName, bool)> = page::after(parameters.cursor.as_deref())?;
    // Both parts are bounded: the configuration by its operator, and the store by what it takes.
    let place = |own: &Found| (own.name().clone(), own.is_configured());
    let rows = all(&api).await?.into_iter();
    let rows = rows.filter(|own| after.as_ref().is_none_or(|after| place(own) > *after));
    let rows: Vec<Found> = rows.take(limit as usize + 1).collect();
    Ok(page::page(rows, limit, place, |own| own.row(&api)))
}

/// `GET /identity-providers/{identity_provider}`.
pub async fn read(State(api): State<AdminApi>, Named(name): Named<String>) -> Answer {
    Ok(find(&api, &name).await?.shown(&api))
}

/// `POST /identity-providers`.
pub async fn create(
    State(api): State<AdminApi>,
    Extension(history): Extension<History>,
    Body(new): Body<NewIdentityProvider>,
) -> Answer {
    let NewIdentityProvider { name, mut settings, client_secret, client_key } = new;
    let name: IdentityProviderName =
        name.parse().map_err(|error| Problem::invalid("name", error))?;
    history.on("identity_provider", &name);
    settings.retain(|_, value| !value.is_null());
    let credential = credential(client_secret, client_key)?.ok_or_else(|| {
        Problem::invalid("client_secret", "give a secret, or a private key as client_key")
    })?;
    let added = stored_providers(&api).add(&name, settings, &credential).await.map_err(problem)?;
    history.changed(None, Some(recorded(&added)));
    api.identity_providers_changed().await?;
    let location = location("identity-providers", &name)?;
    let shown = find(&api, &name).await?.shown(&api);
    Ok((StatusCode::CREATED, [(LOCATION, location)], shown).into_response())
}

/// `PATCH /identity-providers/{identity_provider}`.
pub async fn change(
    State(api): State<AdminApi>,
    Extension(history): Extension<History>,
    Named(name): Named<String>,
    headers: HeaderMap,
    Body(asked): Body<IdentityProviderChanges>,
) -> Answer {
    let known = may_change(&api, &name, &headers).await?;
    let IdentityProviderChanges { settings, client_secret, client_key } = asked;
    let credential = credential(client_secret, client_key)?;
    let providers = stored_providers(&api);
    let changed = providers.change(&name, |before, draft| {
        same(&known, before)?;
        draft.credential = credential;
        for (name, value) in settings {
            if value.is_null() {
                draft.settings.remove(&name);
            } else {
                draft.settings.insert(name, value);
            }
        }
        Ok::<_, Changed>(())
    });
    let changed = match changed.await {
        Ok(changed) => changed,
        Err(changed) => return Err(refused(&api, &name, &headers, changed).await?),
    };
    let (before, after) = recorded_change(&changed);
    history.changed(Some(before), Some(after));
    api.identity_providers_changed().await?;
    Ok(find(&api, &name).await?.shown(&api))
}

/// `DELETE /identity-providers/{identity_provider}`.
pub async fn remove(
    State(api): State<AdminApi>,
    Extension(history): Extension<History>,
    Named(name): Named<String>,
    headers: HeaderMap,
) -> Answer {
    let known = may_change(&api, &name, &headers).await?;
    let removed = stored_providers(&api).remove(&name, |before| same(&known, before)).await;
    let removed = match removed {
        Ok(removed) => removed,
        Err(changed) => return Err(refused(&api, &name, &headers, changed).await?),
    };
    history.changed(Some(recorded(&removed)), None);
    api.identity_providers_changed().await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// `GET /identity-providers/{identity_provider}/check`.
pub async fn check(State(api): State<AdminApi>, Named(name): Named<String>) -> Answer {
    let found = find(&api, &name).await?;
    let registry = api.provider().identity_providers();
    let client = match &found {
        Found::Configured(_) => registry.configured_client(&name).ok_or_else(missing)?,
        Found::Stored(stored, _) => match registry.stored_client(stored) {
            Ok(client) => client,
            Err(error) => return Ok(checked(&api, &found, vec![step("settings", Err(error))])),
        },
    };
    let problem = match &found {
        Found::Stored(_, Err(error)) => Some(step("settings", Err(error.clone()))),
        _ => None,
    };
    let looked = client.examine().await.into_iter().map(|(name, outcome)| step(name, outcome));
    Ok(checked(&api, &found, problem.into_iter().chain(looked).collect()))
}

fn step<E: ToString>(check: &str, outcome: Result<String, E>) -> CheckStep {
    let (ok, text) = match outcome {
        Ok(remark) => (true, remark),
        Err(problem) => (false, problem.to_string()),
    };
    CheckStep { check: check.to_owned(), ok, text }
}

fn checked(api: &AdminApi, found: &Found, checks: Vec<CheckStep>) -> Response {
    let mut registration = registration(api, found.name());
    let client_id = found.settings().get("client_id").and_then(Value::as_str).map(str::to_owned);
    registration.extend(client_id.map(|id| ("client_id".to_owned(), id)));
    Json(CheckedIdentityProvider { checks, registration }).into_response()
}

/// A secret or a key that a request gives.
fn credential(secret: Option<Secret>, key: Option<Secret>) -> Result<Option<Credential>, Problem> {
    match (secret, key) {
        (Some(_), Some(_)) => Err(Problem::invalid(
            "client_key",
            "there is a client_secret, too: give one of the two",
        )),
        (Some(value), None) => Ok(Some(Credential { kind: CredentialKind::Secret, value })),
        (None, Some(value)) => Ok(Some(Credential { kind: CredentialKind::Key, value })),
        (None, None) => Ok(None),
    }
}

fn stored_providers(api: &AdminApi) -> StoredProviders<'_> {
    let registry = api.provider().identity_providers();
    StoredProviders {
        table: api.store(),
        signing_keys: api.store(),
        configured: registry.configured(),
        factory: registry.factory(),
        master: api.provider().keys().master(),
    }
}

/// The stored provider that a change is about, as the caller knows it. One of the configuration is
/// refused, with the reason.
async fn may_change(
    api: &AdminApi,
    name: &str,
    headers: &HeaderMap,
) -> Result<StoredIdentityProvider, Problem> {
    let found = find(api, name).await?;
    match &found {
        Found::Configured(_) => {
            Err(Problem::read_only(read_only(&api.settings().configuration_file)))
        }
        Found::Stored(stored, _) => {
            found.version().require(headers)?;
            Ok(stored.clone())
        }
    }
}

/// Why a provider was not changed.
enum Changed {
    Overtaken,
    Problem(Problem),
}

impl From<ProviderChangeError> for Changed {
    fn from(error: ProviderChangeError) -> Self {
        match error {
            ProviderChangeError::Overtaken => Self::Overtaken,
            other => Self::Problem(problem(other)),
        }
    }
}

/// Refuses a provider that is not any more as it was compared.
fn same(known: &StoredIdentityProvider, now: &StoredIdentityProvider) -> Result<(), Changed> {
    if known == now { Ok(()) } else { Err(Changed::Overtaken) }
}

/// The refusal of a change. If another provider was changed meanwhile, or this one, the header says
/// which.
async fn refused(
    api: &AdminApi,
    name: &str,
    headers: &HeaderMap,
    changed: Changed,
) -> Result<Problem, Problem> {
    match changed {
        Changed::Problem(problem) => Ok(problem),
        Changed::Overtaken => {
            may_change(api, name, headers).await?;
            Ok(problem(ProviderChangeError::Overtaken))
        }
    }
}

/// The members of a request that are not among its settings.
const BESIDE: [&str; 4] = ["name", "settings", "client_secret", "client_key"];

fn problem(error: ProviderChangeError) -> Problem {
    match error {
        ProviderChangeError::Missing => missing(),
        ProviderChangeError::Taken => {
            Problem::conflict("There is an identity provider of this name already.")
        }
        ProviderChangeError::Overtaken => {
            Problem::conflict("Identity providers were changed at the same time. Try again.")
        }
        ProviderChangeError::TooMany => {
            Problem::conflict("There are as many identity providers as there may be: remove one.")
        }
        ProviderChangeError::OtherMasterKey => {
            Problem::unavailable("The master key was changed: restart this server first.")
        }
        ProviderChangeError::Refused(UpstreamRefusal { field, problem }) => {
            if BESIDE.contains(&&*field) || field.starts_with("settings.") {
                Problem::invalid(field, problem)
            } else {
                Problem::invalid(format!("settings.{field}"), problem)
            }
        }
        ProviderChangeError::Store(error) => error.into(),
    }
}
