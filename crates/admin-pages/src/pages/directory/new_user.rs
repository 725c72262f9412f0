//! A user to add to a directory.

use doorward_admin::{
    Operation,
    types::directories::{DirectoryUserView, NewDirectoryUser},
};
use doorward_protocol::secret::Secret;
use leptos::prelude::*;

use super::fields::{self, Attributes, Fields};
use crate::{
    api::{Answer, Call},
    route::Route,
    session::Session,
    ui::{
        self,
        form::{Field, Form, after_sign_in, checkbox, form},
        link,
    },
};

/// The page.
pub fn page(session: Session, name: String) -> AnyView {
    let t = session.texts;
    let directories = fields::directories(session);
    let of = name.clone();
    let content = after_sign_in(session, Operation::CreateDirectoryUser, move || {
        let of = of.clone();
        directories.view(move |read| add(session, of.clone(), fields::editable(&read.value, &of)))
    });
    view! {
        {link(session, Route::Directory(name.clone()), "back-link", name)}
        {ui::heading(t.add_user, ui::nothing())}
        <section class="card admin-card admin-form">{content}</section>
    }
    .into_any()
}

fn add(session: Session, directory: String, names: Vec<String>) -> AnyView {
    let t = session.texts;
    let state = Form::new(session);
    let text = || RwSignal::new(String::new());
    let (username, password, parent) = (text(), text(), text());
    let must_change = RwSignal::new(false);
    let fields = Fields::new(names, &Attributes::new());
    let (typed, of) = (fields.clone(), directory.clone());
    let create = move || {
        state.clear();
        let given =
            |value: RwSignal<String>| Some(value.get_untracked()).filter(|value| !value.is_empty());
        let mut attributes = typed.typed();
        attributes.retain(|_, values| !values.is_empty());
        let new = NewDirectoryUser {
            username: username.get_untracked(),
            parent: given(parent),
            attributes,
            password: given(password).map(Secret::new),
            must_change: must_change.get_untracked(),
            enabled: true,
        };
        let call = Call::new(Operation::CreateDirectoryUser, &[&of]).body(&new);
        let directory = of.clone();
        let done = move |answer: Answer| {
            password.set(String::new());
            if let Ok(user) = answer.read::<DirectoryUserView>() {
                session.go(Route::DirectoryUser(directory, user.id));
                session.done(t.user_added);
            }
        };
        session.begin(Operation::CreateDirectoryUser, "", || state.send(call, done, |_| false));
    };
    let content = view! {
        {Field::text("new-username", "username", t.username).view(state, username)}
        {fields.view(session, state)}
        {Field::text("new-password", "password", t.password)
            .kind("password")
            .hint(t.directory_password_hint)
            .view(state, password)}
        {checkbox("new-must-change", t.must_change, must_change)}
        {Field::text("new-parent", "parent", t.directory_parent)
            .hint(t.directory_parent_hint)
            .view(state, parent)}
        {state.failure()}
        <div class="row">
            {state.submit(t.add_user)}
            {link(session, Route::Directory(directory), "btn btn-quiet", t.cancel)}
        </div>
    };
    form(create, content.into_any())
}
