//! Clients are added, changed and removed.

use axum::{
    Json,
    extract::{Extension, State},
    response::IntoResponse as _,
};
use doorward_protocol::{ids::ClientId, secret::Secret};
use doorward_provider::{
    model::{client::ClientSettings, settings_error::SettingsError, stored_client::StoredClient},
    use_case::administration::clients::{
        ClientChangeError, ClientRules, add_client, add_secret, change_client, needs_secret,
        remove_client,
    },
};
use http::{
    HeaderMap, StatusCode,
    header::{ETAG, LOCATION},
};
use serde_json::{Map, Value};

use super::{
    super::{
        Answer,
        body::{self, Body, Named},
        caller::Caller,
        history::History,
        location,
        problem::Problem,
        state::AdminApi,
    },
    find, may_change,
    view::{ClientView, version},
};
pub use crate::types::clients::{ClientChanges, CreatedClient, NewClient};

/// Settings that are not the client's to be given here: a secret is made by the provider.
const SECRETS: &str = "client_secrets";

/// `POST /clients`.
pub async fn create(
    State(api): State<AdminApi>,
    Extension(caller): Extension<Caller>,
    Extension(history): Extension<History>,
    Body(new): Body<NewClient>,
) -> Answer {
    let client_id: ClientId = new
        .client_id
        .parse()
        .map_err(|_| Problem::invalid("client_id", "this is not a client identifier"))?;
    history.on("client_id", &client_id);
    let mut given = new.settings;
    refuse_own(&given)?;
    given.retain(|_, value| !value.is_null());
    given.insert("client_id".to_owned(), client_id.to_string().into());
    let typed = typed(&given)?;
    caller.may_act_on_client(&typed)?;
    let secret = needs_secret(&typed).then(|| add_secret(&mut given, None, None, api.entropy()));
    check(&api, &given, None)?;
    let after = Value::Object(given.clone());
    add_client(api.store(), client_id.clone(), given).await.map_err(problem)?;
    history.changed(None, Some(after));
    api.clients_changed().await?;
    let client = find(&api, &client_id).await?;
    let body = CreatedClient {
        client: ClientView::of(&api, &caller, &client)?,
        client_secret: secret.as_ref().map(Secret::expose).map(str::to_owned),
    };
    let location = location("clients", &client_id)?;
    let headers = [(LOCATION, location), (ETAG, version(&api, &client).etag())];
    Ok((StatusCode::CREATED, headers, Json(body)).into_response())
}

/// `PATCH /clients/{client_id}`.
pub async fn change(
    State(api): State<AdminApi>,
    Extension(caller): Extension<Caller>,
    Extension(history): Extension<History>,
    Named(client_id): Named<String>,
    headers: HeaderMap,
    Body(changes): Body<ClientChanges>,
) -> Answer {
    refuse_own(&changes.settings)?;
    let edit = Edit { api: &api, caller: &caller, history: &history, headers: &headers };
    let client = edit.client(&client_id, |client| {
        for (name, value) in changes.settings {
            if value.is_null() {
                client.settings.remove(&name);
            } else {
                client.settings.insert(name, value);
            }
        }
        Ok(())
    });
    let ((), client) = client.await?;
    let view = ClientView::of(&api, &caller, &client)?;
    Ok(([(ETAG, version(&api, &client).etag())], Json(view)).into_response())
}

/// `DELETE /clients/{client_id}`.
pub async fn remove(
    State(api): State<AdminApi>,
    Extension(caller): Extension<Caller>,
    Extension(history): Extension<History>,
    Named(client_id): Named<String>,
    headers: HeaderMap,
) -> Answer {
    let named = find(&api, &client_id).await?;
    let removed = remove_client(api.store(), &named.client_id, |client| {
        may_change(&api, &caller, client)?;
        version(&api, client).require(&headers)?;
        Ok::<_, Changed>(())
    });
    let settings = match removed.await {
        Ok(settings) => settings,
        Err(Changed::Overtaken) => return Err(overtaken(&api, &client_id, &headers).await?),
        Err(Changed::Problem(problem)) => return Err(problem),
    };
    history.changed(Some(Value::Object(settings)), None);
    api.clients_changed().await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// A change of a client: by whom, and which state of it the request is about.
pub(super) struct Edit<'a> {
    pub api: &'a AdminApi,
    pub caller: &'a Caller,
    pub history: &'a History,
    pub headers: &'a HeaderMap,
}

impl Edit<'_> {
    /// Changes a client whom the caller may change, if it is as the request says. The result is
    /// checked like any other client, and the caller must be one who may make it. Returns what
    /// `change` gives, and the client as it is then.
    pub async fn client<T: Send>(
        self,
        client_id: &str,
        change: impl FnOnce(&mut StoredClient) -> Result<T, Problem> + Send,
    ) -> Result<(T, StoredClient), Problem> {
        let Self { api, caller, history, headers } = self;
        let named = find(api, client_id).await?;
        let mut ends = (Value::Null, Value::Null);
        let outcome = change_client(api.store(), &named.client_id, |client| {
            may_change(api, caller, client)?;
            version(api, client).require(headers)?;
            let before = Value::Object(client.settings.clone());
            let outcome = change(client)?;
            caller.may_act_on_client(&typed(&client.settings)?)?;
            check(api, &client.settings, before.as_object())?;
            ends = (before, Value::Object(client.settings.clone()));
            Ok(outcome)
        });
        let outcome = match outcome.await {
            Err(Changed::Overtaken) => return Err(overtaken(api, client_id, headers).await?),
            Err(Changed::Problem(problem)) => return Err(problem),
            Ok(outcome) => outcome,
        };
        history.changed(Some(ends.0), Some(ends.1));
        api.clients_changed().await?;
        Ok((outcome, find(api, client_id).await?))
    }
}

/// The refusal of a change while which another client was changed, or this one: the header says
/// which.
async fn overtaken(
    api: &AdminApi,
    client_id: &str,
    headers: &HeaderMap,
) -> Result<Problem, Problem> {
    version(api, &find(api, client_id).await?).require(headers)?;
    Ok(Problem::conflict("Clients were changed at the same time. Try again."))
}

/// Why a client was not changed.
enum Changed {
    Overtaken,
    Problem(Problem),
}

impl From<ClientChangeError> for Changed {
    fn from(error: ClientChangeError) -> Self {
        match error {
            ClientChangeError::Overtaken => Self::Overtaken,
            other => Self::Problem(problem(other)),
        }
    }
}

impl From<Problem> for Changed {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}

fn problem(error: ClientChangeError) -> Problem {
    match error {
        ClientChangeError::Missing(_) => {
            Problem::missing("There is no client with this client_id.")
        }
        ClientChangeError::Taken(_) => Problem::conflict("There is a client of this name already."),
        ClientChangeError::Overtaken => Problem::conflict("Clients were changed meanwhile."),
        ClientChangeError::Settings(error) => {
            Problem::invalid(format!("settings.{}", error.key), error.problem)
        }
        ClientChangeError::Store(error) => error.into(),
    }
}

/// Refuses what is not a setting here: the identifier never changes, and secrets have resources of
/// their own.
fn refuse_own(given: &Map<String, Value>) -> Result<(), Problem> {
    if given.contains_key("client_id") {
        let problem = "the identifier is not one of the settings";
        return Err(Problem::invalid("settings.client_id", problem));
    }
    if given.contains_key(SECRETS) {
        let problem = "make secrets by POST /clients/{client_id}/secrets";
        return Err(Problem::invalid(format!("settings.{SECRETS}"), problem));
    }
    Ok(())
}

/// The settings as a type. The setting that is wrong is named.
fn typed(given: &Map<String, Value>) -> Result<ClientSettings, Problem> {
    let text = serde_json::to_vec(given).map_err(|_| Problem::internal())?;
    body::parse(&text).map_err(|problem| problem.below("settings"))
}

/// Refuses settings that the provider could not use.
fn check(
    api: &AdminApi,
    given: &Map<String, Value>,
    before: Option<&Map<String, Value>>,
) -> Result<(), Problem> {
    let bytes = serde_json::to_vec(given).map_or(usize::MAX, |text| text.len());
    if bytes > body::MOST_BYTES {
        let problem = format!("all settings together have at most {} bytes", body::MOST_BYTES);
        return Err(Problem::invalid("settings", problem));
    }
    let provider = api.provider();
    let algorithms = provider.keys().algorithms();
    let files = &(api.parts().branding_files)();
    let rules = ClientRules { resources: provider.resources(), algorithms, files };
    rules.check(typed(given)?, before).map_err(|error| refused(given, &error))
}

/// The refusal of a setting. Of a list it names the value that is wrong.
fn refused(given: &Map<String, Value>, error: &SettingsError) -> Problem {
    let values = given.get(error.key).and_then(Value::as_array);
    let is_it = |value: &Value| value.as_str() == Some(&*error.value);
    let index = values.and_then(|values| values.iter().position(is_it));
    let place = index.map(|index| format!("[{index}]")).unwrap_or_default();
    Problem::invalid(format!("settings.{}{place}", error.key), error.problem)
}
