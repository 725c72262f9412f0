//! The second factors of a user, and a link to set another password.

use axum::{
    Json,
    extract::{Extension, State},
    response::IntoResponse as _,
};
use doorward_provider::{
    model::{factor::FactorSummary, time::Timestamp, user::User},
    use_case::accounts::{Asker, SendLinkError},
};
use http::{HeaderMap, StatusCode, header::ETAG};
use serde_json::json;

use super::super::{
    Answer, body::Named, caller::Caller, history::History, problem::Problem, state::AdminApi,
    version::Version,
};
pub use crate::types::users::FactorsView;

impl FactorsView {
    fn of(factors: FactorSummary) -> Self {
        Self {
            authenticator_app_since: factors.totp_since.map(Timestamp::seconds),
            recovery_codes: factors.recovery_codes,
            passkeys: factors.passkeys,
        }
    }
}

fn version(user: &User, factors: FactorSummary) -> Version {
    Version::of([
        ("sub", json!(user.sub)),
        ("authenticator_app_since", json!(factors.totp_since.map(Timestamp::seconds))),
        ("recovery_codes", json!(factors.recovery_codes)),
        ("passkeys", json!(factors.passkeys)),
    ])
}

/// `GET /users/{sub}/factors`.
pub async fn read_factors(State(api): State<AdminApi>, Named(sub): Named<String>) -> Answer {
    let user = api.user(&sub).await?;
    let factors = api.store().factors(&user.sub).await?;
    let etag = version(&user, factors).etag();
    Ok(([(ETAG, etag)], Json(FactorsView::of(factors))).into_response())
}

/// `DELETE /users/{sub}/factors`.
pub async fn reset_factors(
    State(api): State<AdminApi>,
    Extension(caller): Extension<Caller>,
    Extension(history): Extension<History>,
    Named(sub): Named<String>,
    headers: HeaderMap,
) -> Answer {
    let user = api.user(&sub).await?;
    caller.may_act_on(&user)?;
    let factors = api.store().factors(&user.sub).await?;
    version(&user, factors).require(&headers)?;
    let notices = api.provider().operator_notices().of_reset_factors(&user)?;
    let reset = api.store().reset_factors(&user.sub, Some(factors), notices, api.now());
    let Some(before) = reset.await? else {
        let present = api.store().factors(&user.sub).await?;
        return Err(version(&user, factors).overtaken_by(&version(&user, present)));
    };
    let before = FactorsView::of(before);
    history.changed(Some(json!(before)), None);
    api.provider().deliveries().notice_changes();
    Ok(Json(before).into_response())
}

/// `POST /users/{sub}/password-reset`.
pub async fn reset_password(
    State(api): State<AdminApi>,
    Extension(caller): Extension<Caller>,
    Extension(history): Extension<History>,
    Named(sub): Named<String>,
) -> Answer {
    let user = api.user(&sub).await?;
    caller.may_act_on(&user)?;
    if !api.provider().settings().accounts.mail {
        return Err(Problem::conflict("Mail can't be sent: set [mail] up first."));
    }
    let by = caller.name();
    let asker = Asker { address: &by, browser: None, language: "en", mark: None, client_id: None };
    match api.provider().accounts().send_reset_link_for_administrator(&user, asker).await {
        Ok(address) => {
            history.detail("email", address.normalized());
            Ok(StatusCode::ACCEPTED.into_response())
        }
        Err(SendLinkError::Throttled(seconds)) => {
            Err(Problem::too_many("You have sent many links. Wait a while.", seconds))
        }
        Err(SendLinkError::OnTheirWay(seconds)) => {
            let detail = "Links are on their way to the user. Wait until they work no longer.";
            Err(Problem::too_many(detail, seconds))
        }
        Err(SendLinkError::NoAddress) => Err(Problem::conflict(
            "The user has no e-mail address that is known to be theirs, or may not sign in.",
        )),
        Err(SendLinkError::InDirectory) => Err(Problem::conflict(
            "The user's password is in a directory. It has to be changed there.",
        )),
        Err(SendLinkError::Store(error)) => Err(error.into()),
    }
}
