//! A user to add.

use doorward_admin::{
    AdminRole, Operation,
    types::users::{NewUser, UserView},
};
use doorward_protocol::{
    account::{checked_username, is_email_address},
    secret::Secret,
};
use leptos::prelude::*;
use serde_json::Map;

use crate::{
    api::Call,
    browser,
    route::Route,
    session::Session,
    ui::{
        self,
        form::{Field, Form, after_sign_in, checkbox, form, select},
        link,
    },
};

/// The page.
pub fn page(session: Session) -> AnyView {
    let form = after_sign_in(session, Operation::CreateUser, move || add(session));
    view! {
        {ui::heading(session.texts.add_user, ui::nothing())}
        <section class="card admin-card admin-form">{form}</section>
    }
    .into_any()
}

fn add(session: Session) -> AnyView {
    let t = session.texts;
    let state = Form::new(session);
    let text = || RwSignal::new(String::new());
    let (username, name, email, password, sub) = (text(), text(), text(), text(), text());
    let verified = RwSignal::new(false);
    let role = RwSignal::new(String::new());
    let create = move || {
        state.clear();
        let new = NewUser {
            username: username.get_untracked(),
            sub: Some(sub.get_untracked()).filter(|sub| !sub.is_empty()),
            enabled: true,
            password: Some(password.get_untracked())
                .filter(|password| !password.is_empty())
                .map(Secret::new),
            admin_role: AdminRole::parse(&role.get_untracked()),
            claims: Map::new(),
        };
        let Some(new) = checked(
            state,
            session,
            new,
            &name.get_untracked(),
            &email.get_untracked(),
            verified.get_untracked(),
        ) else {
            return;
        };
        let call = Call::new(Operation::CreateUser, &[]).body(&new);
        let done = move |answer: crate::api::Answer| {
            password.set(String::new());
            if let Ok(user) = answer.read::<UserView>() {
                session.go(Route::User(user.sub));
                session.done(t.user_added);
            }
        };
        session.begin(Operation::CreateUser, "", || state.send(call, done, |_| false));
    };
    let content = view! {
        {Field::text("new-username", "username", t.username).view(state, username)}
        {Field::text("new-name", "claims.name", t.full_name).view(state, name)}
        {Field::text("new-email", "claims.email", t.email).view(state, email)}
        {checkbox("new-verified", t.email_is_verified, verified)}
        {Field::text("new-password", "password", t.password)
            .kind("password")
            .hint(t.password_hint)
            .view(state, password)}
        {role_choice(session, "new-role", role)}
        {Field::text("new-sub", "sub", t.sub).hint(t.sub_hint).view(state, sub)}
        {state.failure()}
        <div class="row">
            {state.submit(t.add_user)}
            {link(session, Route::Users, "btn btn-quiet", t.cancel)}
        </div>
    };
    form(create, content.into_any())
}

/// A choice of a role for somebody new, if the caller may give one. It takes a scope of its own.
pub fn role_choice(session: Session, id: &'static str, role: RwSignal<String>) -> Option<AnyView> {
    let is_offered = untrack(|| session.offers(Operation::SetAdminRole));
    is_offered.then(|| select(id, session.texts.admin_role, roles(session), role))
}

/// The roles that the caller may give, and none.
pub fn roles(session: Session) -> Vec<(String, String)> {
    let t = session.texts;
    let none = (String::new(), t.no_admin_role.to_owned());
    let given =
        AdminRole::ALL.into_iter().filter(|role| untrack(|| session.covers(Some(role.name()))));
    let given = given.map(|role| (role.name().to_owned(), t.role_name(role.name())));
    std::iter::once(none).chain(given).collect()
}

/// The user by the server's own rules, or what is wrong beside each field.
fn checked(
    state: Form,
    session: Session,
    mut new: NewUser,
    name: &str,
    email: &str,
    verified: bool,
) -> Option<NewUser> {
    let t = session.texts;
    match checked_username(&new.username) {
        Ok(username) => new.username = username,
        Err(_) => state.refuse("username", t.username_rule),
    }
    let name = name.trim();
    if !name.is_empty() {
        new.claims.insert("name".to_owned(), name.into());
    }
    let email = browser::composed(email.trim());
    if !email.is_empty() {
        if is_email_address(&email) {
            new.claims.insert("email".to_owned(), email.into());
            new.claims.insert("email_verified".to_owned(), verified.into());
        } else {
            state.refuse("claims.email", t.email_rule);
        }
    }
    state.is_valid().then_some(new)
}
