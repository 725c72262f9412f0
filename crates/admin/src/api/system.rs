//! Who the caller is, the numbers of the overview, and the configuration.

use axum::{
    Json,
    extract::{Extension, State},
    response::IntoResponse as _,
};
use doorward_policy::decide_all_at;
use doorward_provider::use_case::administration::keys::KeyState;
use serde::Serialize;
use utoipa::ToSchema;

use super::{Answer, caller::Caller, state::AdminApi};
use crate::{AdminRole, Operation};

/// The caller.
#[derive(Debug, Serialize, ToSchema)]
pub struct MeView {
    /// Whom the access token is about.
    sub: String,
    /// The role that the user has now; null for a client.
    role: Option<AdminRole>,
    /// What the caller may do, with this token, after another sign-in where that is needed.
    operations: Vec<MeOperation>,
}

/// Something that the caller may do.
#[derive(Debug, Serialize, ToSchema)]
pub struct MeOperation {
    /// Its name.
    name: &'static str,
    /// Whether another sign-in is needed first.
    needs_sign_in: bool,
}

/// Numbers. Timestamps are seconds since 1970.
#[derive(Debug, Serialize, ToSchema)]
pub struct OverviewView {
    /// The version of the server.
    version: &'static str,
    /// The issuer.
    issuer: String,
    /// Users.
    users: u64,
    /// Users who may not sign in.
    disabled_users: u64,
    /// Sessions that have not expired.
    sessions: u64,
    /// Mails that wait.
    waiting_mails: u64,
    /// Whether the last attempt to send a mail failed for a reason that is not the mail's own.
    mail_is_failing: bool,
    /// Since when the key signs that signs for the longest time.
    oldest_signing_key: Option<i64>,
}

/// The configuration in effect.
#[derive(Debug, Serialize, ToSchema)]
pub struct ConfigurationView {
    /// Where it is written, and so where it is changed.
    file: String,
    /// All settings as TOML, defaults included. Secrets are replaced by words.
    toml: String,
}

/// `GET /me`.
pub async fn me(State(api): State<AdminApi>, Extension(caller): Extension<Caller>) -> Answer {
    let fresh = &api.settings().fresh_sign_in;
    let now = api.now().seconds();
    let allowed = Operation::ALL.iter().filter_map(|operation| {
        let decision = decide_all_at(&[operation.policy(fresh)], &caller.principal, now);
        let needs_sign_in = match decision {
            doorward_policy::Decision::Allowed => false,
            doorward_policy::Decision::Denied(denial) => {
                denial.step_up()?;
                if !denial.missing_scope().is_empty() {
                    return None;
                }
                true
            }
        };
        Some(MeOperation { name: operation.name(), needs_sign_in })
    });
    let view = MeView {
        sub: caller.principal.sub().to_owned(),
        role: caller.role(),
        operations: allowed.collect(),
    };
    Ok(Json(view).into_response())
}

/// `GET /overview`.
pub async fn overview(State(api): State<AdminApi>) -> Answer {
    let (now, provider) = (api.now(), api.provider());
    let counts = api.store().count_users(now).await?;
    let keys = api.store().signing_keys().await?;
    let algorithms = provider.keys().algorithms();
    let signing =
        keys.iter().filter(|key| KeyState::of(key, &keys, algorithms, now) == KeyState::Signs);
    let view = OverviewView {
        version: env!("CARGO_PKG_VERSION"),
        issuer: provider.issuer().to_owned(),
        users: counts.users,
        disabled_users: counts.disabled,
        sessions: counts.sessions,
        waiting_mails: provider.waiting_mails().await?,
        mail_is_failing: provider.mail_is_failing(),
        oldest_signing_key: signing.map(|key| key.activates_at.seconds()).min(),
    };
    Ok(Json(view).into_response())
}

/// `GET /configuration`.
pub async fn configuration(State(api): State<AdminApi>) -> Answer {
    let settings = api.settings();
    let view = ConfigurationView {
        file: settings.configuration_file.clone(),
        toml: settings.configuration.clone(),
    };
    Ok(Json(view).into_response())
}
