//! Where a user is signed in, and which clients have access.

use doorward_admin::{
    Operation,
    types::users::{GrantRow, SessionRow},
};
use leptos::prelude::*;

use super::offered;
use crate::route::Route;
use crate::{
    api::Call,
    session::Session,
    ui::{
        button, card,
        dialog::{Question, confirm},
        link,
        list::List,
        mono, named_button, nothing, or_dash, plain,
    },
};

/// The sessions, which can be ended one by one or all.
pub fn sessions(session: Session, sub: String, can_act: Memo<bool>) -> AnyView {
    let t = session.texts;
    let of = sub.clone();
    let list = List::<SessionRow>::new(session, move || Call::new(Operation::ListSessions, &[&of]));
    let may_end = offered(session, can_act, Operation::EndSession);
    let (all, one) = (RwSignal::new(false), RwSignal::new(false));
    let chosen = RwSignal::new(String::new());
    let table = list.table(t.sessions, t.session_columns, t.no_sessions, move |row| {
        let (sid, name) = (row.sid.clone(), session.moment(row.signed_in));
        let end = may_end.get().then(|| {
            named_button(t.end, name.clone(), "btn btn-small", move || {
                chosen.set(sid.clone());
                one.set(true);
            })
        });
        let place = [row.browser, row.address].into_iter().flatten().collect::<Vec<_>>();
        vec![
            plain(name),
            or_dash(Some(place.join(" · "))),
            plain(row.methods.join(", ")),
            plain(session.moment(row.expires)),
            end.unwrap_or_else(nothing),
        ]
    });
    let question = |id, title: &str, text: &str| Question {
        id,
        title: title.to_owned(),
        text: text.to_owned(),
        action: t.end.to_owned(),
    };
    let ended = move || {
        list.reload();
        session.done(t.sessions_ended);
    };
    let of = sub.clone();
    let end_one = move || Call::new(Operation::EndSession, &[&of, &chosen.get_untracked()]);
    let end_all = move || Call::new(Operation::EndSessions, &[&sub]);
    let one_question = question("end-session", t.end_session_title, t.end_session_text);
    let all_question = question("end-sessions", t.end_sessions_title, t.end_sessions_text);
    let actions = move || {
        let has_some = !list.rows().is_empty() && may_end.get();
        has_some.then(|| button(t.end_all, "btn btn-small btn-danger", move || all.set(true)))
    };
    view! {
        {card(t.sessions, actions.into_any(), table)}
        {confirm(session, one, one_question, end_one, ended)}
        {confirm(session, all, all_question, end_all, ended)}
    }
    .into_any()
}

/// The clients that have access to the user's data.
pub fn grants(session: Session, sub: String, can_act: Memo<bool>) -> AnyView {
    let t = session.texts;
    let of = sub.clone();
    let list = List::<GrantRow>::new(session, move || Call::new(Operation::ListGrants, &[&of]));
    let may_revoke = offered(session, can_act, Operation::RevokeGrant);
    let (open, chosen) = (RwSignal::new(false), RwSignal::new(String::new()));
    let table = list.table(t.grants, t.grant_columns, t.no_grants, move |row| {
        let (client, name) = (row.client_id.clone(), row.client_id.clone());
        let revoke = may_revoke.get().then(|| {
            named_button(t.revoke, name, "btn btn-small", move || {
                chosen.set(client.clone());
                open.set(true);
            })
        });
        let used = row.last_used.map(|at| session.moment(at));
        let client = if untrack(|| session.offers(Operation::ReadClient)) {
            link(session, Route::Client(row.client_id.clone()), "strong-link", row.client_id)
        } else {
            plain(row.client_id)
        };
        vec![client, mono(row.scope), or_dash(used), revoke.unwrap_or_else(nothing)]
    });
    let question = Question {
        id: "revoke-grant",
        title: t.revoke_title.to_owned(),
        text: t.revoke_text.to_owned(),
        action: t.revoke.to_owned(),
    };
    let revoke = move || Call::new(Operation::RevokeGrant, &[&sub, &chosen.get_untracked()]);
    let done = move || {
        list.reload();
        session.done(t.revoked);
    };
    view! {
        {card(t.grants, nothing(), table)}
        {confirm(session, open, question, revoke, done)}
    }
    .into_any()
}
