//! A user: the account, its access, and beside it what happened to it.

mod access;
mod edit;
mod factors;
mod links;
mod passkeys;

use doorward_admin::{
    Operation,
    types::users::{EventRow, UserChanges, UserView},
};
use doorward_leptos::boxed_effect;
use leptos::prelude::*;
use serde_json::{Map, Value};

use super::new_user::roles;
use crate::{
    api::Call,
    names,
    route::{Route, query},
    session::Session,
    ui::{
        self, badge, button, card,
        dialog::{Dialog, Question, confirm_of},
        facts, fill,
        form::{Form, form, select},
        history::history,
        json, link,
        list::List,
        mono, nothing,
        object::{Object, Read},
        or_dash, plain,
    },
};

/// The user whom a page shows.
type User = Object<UserView>;

/// The page.
pub fn page(session: Session, sub: String) -> AnyView {
    let read = Call::new(Operation::ReadUser, &[&sub]);
    let user = User::new(session, read);
    let name = Memo::new(move |_| user.get().map(|read| read.value.username));
    let theirs = Memo::new(move |_| user.get().and_then(|read| read.value.admin_role));
    // Nobody acts on a user who may do more.
    let can_act =
        Memo::new(move |_| user.get().is_some() && session.covers(theirs.get().as_deref()));
    let editing = RwSignal::new(false);
    let heading_name = sub.clone();
    let head = move || {
        let actions = actions(session, user, can_act, editing);
        ui::heading(name.get().unwrap_or_else(|| heading_name.clone()), actions)
    };
    let account = user.view(move |read| account(session, user, read, editing));
    let of = query(&[("sub", &sub)]);
    view! {
        {link(session, Route::Users, "back-link", session.texts.users)}
        {head}
        <div class="admin-columns">
            <div class="stack">
                {account}
                {access::sessions(session, sub.clone(), can_act)}
                {factors::factors(session, sub.clone(), can_act)}
                {links::links(session, sub.clone(), can_act)}
                {access::grants(session, sub.clone(), can_act)}
            </div>
            <div class="stack">
                {activity(session, sub)}
                {history(session, of)}
            </div>
        </div>
    }
    .into_any()
}

/// What the page of an action shows when it can be done at all.
fn offered(session: Session, can_act: Memo<bool>, operation: Operation) -> Memo<bool> {
    Memo::new(move |_| can_act.get() && session.offers(operation))
}

fn actions(session: Session, user: User, can_act: Memo<bool>, editing: RwSignal<bool>) -> AnyView {
    let t = session.texts;
    let (removing, toggling, giving) =
        (RwSignal::new(false), RwSignal::new(false), RwSignal::new(false));
    let sub = move || untrack(|| user.get()).map(|read| read.value.sub).unwrap_or_default();
    let may_change = offered(session, can_act, Operation::ChangeUser);
    let may_remove = offered(session, can_act, Operation::RemoveUser);
    let may_give = offered(session, can_act, Operation::SetAdminRole);
    let enabled = Memo::new(move |_| user.get().is_none_or(|read| read.value.enabled));
    let begin = move |operation, intent: &'static str, open: RwSignal<bool>| {
        session.begin(operation, intent, move || open.set(true));
    };
    // What was meant before a sign-in goes on after it.
    boxed_effect(move || {
        let wanted = [
            ("edit", editing, may_change),
            ("disable", toggling, may_change),
            ("role", giving, may_give),
            ("remove", removing, may_remove),
        ];
        for (intent, open, may) in wanted {
            if may.get() && session.resumes(intent) {
                open.set(true);
            }
        }
    });
    let buttons = move || {
        let edit = may_change.get().then(|| {
            button(t.edit, "btn btn-small", move || begin(Operation::ChangeUser, "edit", editing))
        });
        let role = may_give.get().then(|| {
            button(t.change_role, "btn btn-small", move || {
                begin(Operation::SetAdminRole, "role", giving);
            })
        });
        let toggle = may_change.get().then(|| {
            let label = if enabled.get() { t.disable } else { t.enable };
            button(label, "btn btn-small", move || {
                begin(Operation::ChangeUser, "disable", toggling);
            })
        });
        let remove = may_remove.get().then(|| {
            button(t.remove, "btn btn-small btn-danger", move || {
                begin(Operation::RemoveUser, "remove", removing);
            })
        });
        view! { {edit} {role} {toggle} {remove} }
    };
    let username = move || untrack(|| user.get()).map(|it| it.value.username).unwrap_or_default();
    let remove = move || {
        let question = Question {
            id: "remove-user",
            title: fill(t.remove_user_title, &[&username()]),
            text: t.remove_user_text.to_owned(),
            action: t.remove.to_owned(),
        };
        let call = move || Call::new(Operation::RemoveUser, &[&sub()]).if_match(user.etag());
        confirm_of(session, removing, question, user, call, move || {
            session.go(Route::Users);
            session.done(t.user_removed);
        })
    };
    let toggle = move || {
        let is_enabled = enabled.get();
        let (title, text, action) = if is_enabled {
            (t.disable_title, t.disable_text, t.disable)
        } else {
            (t.enable_title, t.enable_text, t.enable)
        };
        let question = Question {
            id: "toggle-user",
            title: fill(title, &[&username()]),
            text: text.to_owned(),
            action: action.to_owned(),
        };
        let call = move || {
            let changes =
                UserChanges { username: None, enabled: Some(!is_enabled), claims: Map::new() };
            Call::new(Operation::ChangeUser, &[&sub()]).if_match(user.etag()).body(&changes)
        };
        confirm_of(session, toggling, question, user, call, move || {
            user.reload();
            session.done(if is_enabled { t.user_disabled } else { t.user_enabled });
        })
    };
    view! {
        {buttons} {move || user.get().map(|_| remove())} {move || user.get().map(|_| toggle())}
        {role_dialog(session, user, giving)}
    }
    .into_any()
}

/// Gives a role in the administration, or takes it.
fn role_dialog(session: Session, user: User, open: RwSignal<bool>) -> AnyView {
    let t = session.texts;
    view! {
        <Dialog open=open title=t.change_role id="role-user">
            {
                let state = Form::new(session);
                let read = untrack(|| user.get());
                let own = read.as_ref().and_then(|read| read.value.admin_role.clone());
                let role = RwSignal::new(own.unwrap_or_default());
                let save = move || {
                    state.clear();
                    let Some(read) = untrack(|| user.get()) else { return };
                    let role = Some(role.get_untracked()).filter(|role| !role.is_empty());
                    let body = serde_json::json!({"role": role});
                    let call = Call::new(Operation::SetAdminRole, &[&read.value.sub])
                        .if_match(read.etag)
                        .body(&body);
                    let done = move |answer: crate::api::Answer| {
                        user.set(&answer);
                        open.set(false);
                        session.done(t.role_changed);
                    };
                    state.send(call, done, move |failure| {
                        state.overtaken(failure, move || user.reload())
                    });
                };
                let content = view! {
                    <p>{t.change_role_text}</p>
                    {select("user-role", t.admin_role, roles(session), role)}
                    {state.failure()}
                    <div class="row">
                        {state.submit(t.save)}
                        {button(t.cancel, "btn btn-quiet", move || open.set(false))}
                    </div>
                };
                form(save, content.into_any())
            }
        </Dialog>
    }
    .into_any()
}

/// The account, or the form to change it.
fn account(session: Session, user: User, read: Read<UserView>, editing: RwSignal<bool>) -> AnyView {
    let t = session.texts;
    let shown = move || {
        if editing.get() {
            return edit::edit(session, user, read.clone(), editing);
        }
        let view = read.value.clone();
        let state = if view.enabled {
            badge("badge-ok", t.may_sign_in)
        } else {
            badge("badge-no", t.disabled)
        };
        let role = match &view.admin_role {
            Some(role) => badge("", t.role_name(role)),
            None => or_dash(None),
        };
        let groups = view
            .groups
            .iter()
            .map(|group| link(session, Route::Group(group.clone()), "badge", group.clone()));
        let groups: AnyView = if view.groups.is_empty() {
            or_dash(None)
        } else {
            let groups = groups.collect_view();
            view! { <span class="row">{groups}</span> }.into_any()
        };
        let password = if view.has_password { t.yes } else { t.no };
        let mut rows = vec![
            (t.username.to_owned(), plain(view.username.clone())),
            (t.sub.to_owned(), mono(view.sub.clone())),
            (t.state.to_owned(), state),
            (t.has_password.to_owned(), plain(password)),
            (t.admin_role.to_owned(), role),
            (t.groups.to_owned(), groups),
        ];
        rows.extend(provisioned(session, view.provisioned_by.clone()));
        rows.extend(view.claims.iter().map(|(name, value)| claim(name, value)));
        card(t.account, nothing(), facts(rows))
    };
    shown.into_any()
}

/// The client that manages an object by SCIM, if there is one.
pub fn provisioned(session: Session, by: Option<String>) -> Option<(String, AnyView)> {
    let shown = |client: String| {
        if untrack(|| session.offers(Operation::ReadClient)) {
            link(session, Route::Client(client.clone()), "", client)
        } else {
            plain(client)
        }
    };
    by.map(|client| (session.texts.provisioned_by.to_owned(), shown(client)))
}

fn claim(name: &str, value: &Value) -> (String, AnyView) {
    (name.to_owned(), plain(json::shown(value)))
}

/// What the user did and what happened to the account, as the user sees it.
fn activity(session: Session, sub: String) -> AnyView {
    let t = session.texts;
    let list = List::<EventRow>::new(session, move || {
        Call::new(Operation::ListAccountEvents, &[&sub]).query("limit=20")
    });
    let rows = move || {
        let rows = list.rows();
        if rows.is_empty() {
            return list.or_empty(t.no_history);
        }
        let rows = rows.into_iter().map(|event| {
            let place = [event.address, event.browser, event.detail];
            let place = place.into_iter().flatten().collect::<Vec<_>>().join(" · ");
            view! {
                <li>
                    <span class="event-name">{names::event(t, &event.event)}</span>
                    <span class="muted event-at">{session.moment(event.at)}</span>
                    <span class="muted event-who">{place}</span>
                </li>
            }
        });
        view! { <ol class="timeline">{rows.collect_view()}</ol> }.into_any()
    };
    card(t.activity, nothing(), list.framed(rows.into_any()))
}
