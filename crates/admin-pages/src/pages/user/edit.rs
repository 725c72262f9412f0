//! The form to change a user. It sends what is different, and the state that it is about. If
//! somebody was faster, it shows what they changed, and nothing of either is lost.

use doorward_admin::{
    Operation,
    types::users::{UserChanges, UserView},
};
use doorward_protocol::account::{checked_username, is_email_address};
use leptos::prelude::*;
use serde_json::{Map, Value};

use super::User;
use crate::{
    api::{Answer, Call, Failure},
    browser,
    session::Session,
    ui::{
        button, card,
        claims::claims,
        form::{Field, Form, Part, checkbox, form},
        json, nothing,
        object::Read,
        overtaken::{Difference, Overtaken, different},
    },
};

/// The claims that have a field of their own.
const FIELDS: [&str; 3] = ["name", "email", "email_verified"];

/// The form.
pub fn edit(
    session: Session,
    user: User,
    read: Read<UserView>,
    editing: RwSignal<bool>,
) -> AnyView {
    let t = session.texts;
    let state = Form::new(session);
    let overtaken = Overtaken::new(session, read.clone());
    let view = read.value;
    let text = |name: &str| view.claims.get(name).and_then(Value::as_str).unwrap_or_default();
    let username = RwSignal::new(view.username.clone());
    let name = RwSignal::new(text("name").to_owned());
    let email = RwSignal::new(text("email").to_owned());
    let is_verified = view.claims.get("email_verified") == Some(&Value::Bool(true));
    let verified = RwSignal::new(is_verified);
    let rest = view.claims.iter().filter(|(name, _)| !FIELDS.contains(&name.as_str()));
    let rest: Map<String, Value> =
        rest.map(|(name, value)| (name.clone(), value.clone())).collect();
    let field = Field::text("edit-claims", "claims", t.other_claims);
    let Part { view: claims, said } = claims(session, state, field, &rest);
    let save = move || {
        state.clear();
        let typed = Typed {
            username: username.get_untracked(),
            name: name.get_untracked(),
            email: browser::composed(email.get_untracked().trim()),
            verified: verified.get_untracked(),
            claims: said(),
        };
        let before = overtaken.before();
        let Some(changes) = changes(session, state, &before, typed) else { return };
        let call = Call::new(Operation::ChangeUser, &[&before.sub])
            .if_match(overtaken.etag())
            .body(&changes);
        let done = move |answer: Answer| {
            editing.set(false);
            user.set(&answer);
            session.done(t.saved);
        };
        let read = Call::new(Operation::ReadUser, &[&before.sub]);
        let failed = move |failure: &Failure| overtaken.takes(failure, read);
        session.begin(Operation::ChangeUser, "edit", || state.send(call, done, failed));
    };
    let leave = move || {
        editing.set(false);
        user.reload();
    };
    let difference =
        move |before: &UserView, present: &UserView| difference(session, before, present);
    let conflict = overtaken.view(difference, leave);
    let content = view! {
        {Field::text("edit-username", "username", t.username).view(state, username)}
        {Field::text("edit-name", "claims.name", t.full_name).view(state, name)}
        {Field::text("edit-email", "claims.email", t.email).view(state, email)}
        {checkbox("edit-verified", t.email_is_verified, verified)}
        {claims}
        {conflict}
        {state.failure()}
        <div class="row">
            {state.submit(t.save)}
            {button(t.cancel, "btn btn-quiet", move || editing.set(false))}
        </div>
    };
    card(t.account, nothing(), form(save, content.into_any()))
}

/// What is in the form.
struct Typed {
    username: String,
    name: String,
    email: String,
    verified: bool,
    /// The further claims, if nothing is wrong with them.
    claims: Option<Value>,
}

/// What is different, by the server's own rules, or what is wrong beside each field.
fn changes(session: Session, state: Form, before: &UserView, typed: Typed) -> Option<UserChanges> {
    let t = session.texts;
    let username = checked_username(&typed.username);
    if username.is_err() {
        state.refuse("username", t.username_rule);
    }
    if !typed.email.is_empty() && !is_email_address(&typed.email) {
        state.refuse("claims.email", t.email_rule);
    }
    let (Ok(username), Some(Value::Object(mut after)), true) =
        (username, typed.claims, state.is_valid())
    else {
        return None;
    };
    let name = typed.name.trim();
    if !name.is_empty() {
        after.insert("name".to_owned(), name.into());
    }
    if !typed.email.is_empty() {
        after.insert("email".to_owned(), typed.email.as_str().into());
    }
    if typed.verified || before.claims.contains_key("email_verified") {
        after.insert("email_verified".to_owned(), typed.verified.into());
    }
    Some(UserChanges {
        username: (username != before.username).then_some(username),
        enabled: None,
        claims: json::changes(&before.claims, &after),
    })
}

/// What is different in a user who was changed by somebody else: as it was, and as it is.
fn difference(session: Session, before: &UserView, present: &UserView) -> Vec<Difference> {
    let t = session.texts;
    let state = |user: &UserView| if user.enabled { t.may_sign_in } else { t.disabled }.to_owned();
    let role = |user: &UserView| user.admin_role.clone().unwrap_or_default();
    let own = [
        (t.username, before.username.clone(), present.username.clone()),
        (t.state, state(before), state(present)),
        (t.admin_role, role(before), role(present)),
    ];
    let own = own.map(|(name, before, present)| (name.to_owned(), before, present));
    different(own.into_iter().chain(json::both(&before.claims, &present.claims)))
}
