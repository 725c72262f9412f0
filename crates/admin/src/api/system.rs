//! Who the caller is, the numbers of the overview, and the configuration.

use axum::{
    Json,
    extract::{Extension, State},
    response::IntoResponse as _,
};
use doorward_policy::decide_all_at;
use doorward_provider::{
    model::time::{Seconds, Timestamp},
    use_case::administration::keys::KeyState,
};

use super::{Answer, caller::Caller, state::AdminApi};
use crate::Operation;
pub use crate::types::system::{
    ActivityHour, ActivityView, ConfigurationView, MeOperation, MeView, OverviewView, Trouble,
};

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
        Some(MeOperation { name: operation.name().to_owned(), needs_sign_in })
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
    let counts = api.store().count_users().await?;
    let sessions = api.store().count_sessions(MOST_COUNTED, now).await?;
    let keys = api.store().signing_keys().await?;
    let algorithms = provider.keys().algorithms();
    let signing =
        keys.iter().filter(|key| KeyState::of(key, &keys, algorithms, now) == KeyState::Signs);
    let chain_holds = provider.audit().chain_holds().await?;
    let troubles = [
        provider.directories().is_a_directory_down().then_some(Trouble::DirectoryIsDown),
        (!chain_holds).then_some(Trouble::AuditChainIsBroken),
    ];
    let view = OverviewView {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        issuer: provider.issuer().to_owned(),
        users: counts.users,
        disabled_users: counts.disabled,
        sessions,
        all_sessions_counted: sessions < u64::from(MOST_COUNTED),
        waiting_mails: provider.deliveries().waiting_mails().await?,
        mail_is_failing: provider.deliveries().mail_is_failing(),
        troubles: troubles.into_iter().flatten().collect(),
        oldest_signing_key: signing.map(|key| key.activates_at.seconds()).min(),
    };
    Ok(Json(view).into_response())
}

/// What counts as a sign-in, and what as one that was refused.
const SIGN_INS: [&str; 1] = ["signed_in"];
const REFUSED: [&str; 2] = ["sign_in_refused", "second_step_refused"];
/// An hour in seconds.
const HOUR: u32 = 3600;
/// How many hours are counted.
const HOURS: u32 = 24;
/// How many sessions are counted, and records of an event: more than most providers have in a day,
/// and few enough for an answer in 100 ms.
const MOST_COUNTED: u32 = 100_000;

/// `GET /activity`.
pub async fn activity(State(api): State<AdminApi>) -> Answer {
    let this_hour = api.now().seconds() / i64::from(HOUR) * i64::from(HOUR);
    let from = this_hour - i64::from(HOUR * (HOURS - 1));
    let hour =
        |index: u32| ActivityHour { from: from + i64::from(index * HOUR), sign_ins: 0, refused: 0 };
    let mut view = ActivityView { hours: (0..HOURS).map(hour).collect(), is_whole: true };
    for (events, add) in [
        (SIGN_INS.as_slice(), add_sign_ins as fn(&mut ActivityHour, u64)),
        (REFUSED.as_slice(), add_refused),
    ] {
        for event in events {
            let (from, step) = (Timestamp::from_seconds(from), Seconds::new(HOUR));
            let counts = api.store().count_audit_records(event, from, step, MOST_COUNTED).await?;
            view.is_whole &= counts.iter().map(|(_, count)| count).sum::<u32>() < MOST_COUNTED;
            for (index, count) in counts {
                // A clock that is ahead has written the others.
                if let Some(hour) = view.hours.get_mut(index as usize) {
                    add(hour, count.into());
                }
            }
        }
    }
    Ok(Json(view).into_response())
}

fn add_sign_ins(hour: &mut ActivityHour, count: u64) {
    hour.sign_ins += count;
}

fn add_refused(hour: &mut ActivityHour, count: u64) {
    hour.refused += count;
}

/// `GET /configuration`.
pub async fn configuration(State(api): State<AdminApi>) -> Answer {
    let settings = api.settings();
    Ok(Json(settings.configuration.view(&settings.configuration_file)).into_response())
}
