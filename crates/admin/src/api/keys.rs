//! Signing keys: listed, rotated and retired.

use axum::{
    Json,
    extract::{Extension, State},
    response::IntoResponse as _,
};
use doorward_provider::{
    keys::KeyRingError,
    model::time::Seconds,
    use_case::administration::keys::{
        ANNOUNCED_FOR, AddedKeys, KeyState, RetireError, add_keys, retirement,
    },
};
use http::StatusCode;
use serde::Deserialize;
use serde_json::json;

use super::{
    Answer,
    body::{Named, Parameters},
    history::History,
    problem::Problem,
    state::AdminApi,
};
use crate::ChangeEvent;
pub use crate::types::keys::{KeyRow, Rotated};

/// How many keys there may be for more to be made.
const MOST: usize = 20;

/// How to retire a key.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RetireParameters {
    /// Also a key that signs, as after a leak: a new key signs at once.
    #[serde(default)]
    replace: bool,
}

/// `GET /keys`. There are a few, so they are one page.
pub async fn list(State(api): State<AdminApi>) -> Answer {
    let (keys, now) = (api.store().signing_keys().await?, api.now());
    let algorithms = api.provider().keys().algorithms();
    let rows = keys.iter().map(|key| KeyRow {
        kid: key.kid.clone(),
        algorithm: key.algorithm.as_str().to_owned(),
        since: key.activates_at.seconds(),
        state: KeyState::of(key, &keys, algorithms, now).as_str().to_owned(),
    });
    Ok(Json(json!({"items": rows.collect::<Vec<_>>()})).into_response())
}

/// `POST /keys`.
pub async fn rotate(State(api): State<AdminApi>, Extension(history): Extension<History>) -> Answer {
    if api.store().signing_keys().await?.len() >= MOST {
        return Err(Problem::conflict(format!(
            "There are {MOST} keys, and every verifier reads them all: retire old ones first."
        )));
    }
    let ring = api.provider().keys();
    let algorithms = ring.algorithms();
    let added = add_keys(
        ring,
        api.store(),
        api.store(),
        algorithms,
        api.now(),
        ANNOUNCED_FOR,
        api.entropy(),
    )
    .await
    .map_err(problem)?;
    note_each(&history, &added);
    let takes_over = added.takes_over.seconds();
    history.detail("takes_over", takes_over);
    Ok((StatusCode::CREATED, Json(Rotated { takes_over })).into_response())
}

/// `DELETE /keys/{kid}`.
pub async fn retire(
    State(api): State<AdminApi>,
    Extension(history): Extension<History>,
    Named(kid): Named<String>,
    Parameters(parameters): Parameters<RetireParameters>,
) -> Answer {
    let (now, ring) = (api.now(), api.provider().keys());
    api.store().check_clock(now).await?;
    let keys = api.store().signing_keys().await?;
    let replaced = retirement(&kid, parameters.replace, &keys, ring.algorithms(), now);
    let replaced = replaced.map_err(|error| match error {
        RetireError::Missing(_) => Problem::missing("There is no key with this kid."),
        RetireError::Signs(_) => Problem::conflict(
            "This key signs: rotate the keys and retire it when the new one signs, or give \
             replace=true.",
        ),
    })?;
    history.detail("replaced", replaced.is_some());
    if let Some(algorithm) = replaced {
        let (algorithms, at_once, entropy) = ([algorithm], Seconds::ZERO, api.entropy());
        let added =
            add_keys(ring, api.store(), api.store(), &algorithms, now, at_once, entropy).await;
        for kid in added.map_err(problem)?.kids {
            history.also(ChangeEvent::KeysRotated, "kid", &kid);
        }
    }
    api.store().remove_signing_keys(&[kid]).await?;
    api.provider().upkeep().maintain_keys().await.map_err(problem)?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// Each key has a record of its own, so that it is found by its name.
fn note_each(history: &History, added: &AddedKeys) {
    let mut kids = added.kids.iter();
    if let Some(kid) = kids.next() {
        history.on("kid", kid);
    }
    for kid in kids {
        history.also(ChangeEvent::KeysRotated, "kid", kid);
    }
}

fn problem(error: KeyRingError) -> Problem {
    match error {
        KeyRingError::Store(error) => error.into(),
        other => {
            tracing::error!(error = %other, "keys can't be changed");
            Problem::internal()
        }
    }
}
