//! A user of a directory: the entry, its groups, and what was done to it.

use doorward_admin::{
    Operation,
    types::directories::{
        DirectoryGroupRow, DirectoryPassword, DirectoryUserChanges, DirectoryUserView,
    },
};
use doorward_leptos::boxed_effect;
use doorward_protocol::secret::Secret;
use leptos::{prelude::*, task::spawn_local};

use super::fields::{self, Fields};
use crate::{
    api::{Answer, Call, Failure},
    route::{Route, query},
    session::Session,
    ui::{
        self, badge, button, card,
        dialog::{Dialog, Question, confirm, confirm_of},
        facts, fill,
        form::{Field, Form, checkbox, form},
        history::history,
        link,
        list::List,
        mono, named_button, nothing,
        object::{Object, Read},
        overtaken::{Difference, Overtaken, different},
        plain,
        search::search_field,
    },
};

/// The user whom a page shows, by the directory and the identifier.
#[derive(Clone, Copy)]
struct Shown {
    session: Session,
    names: StoredValue<[String; 2]>,
    user: Object<DirectoryUserView>,
    editing: RwSignal<bool>,
}

impl Shown {
    fn call(self, operation: Operation) -> Call {
        self.names.with_value(|[directory, id]| Call::new(operation, &[directory, id]))
    }

    fn directory(self) -> String {
        self.names.with_value(|[directory, _]| directory.clone())
    }
}

/// The page.
pub fn page(session: Session, directory: String, id: String) -> AnyView {
    let read = Call::new(Operation::ReadDirectoryUser, &[&directory, &id]);
    let of = query(&[("object_kind", "entry"), ("object", &id)]);
    let shown = Shown {
        session,
        names: StoredValue::new([directory.clone(), id.clone()]),
        user: Object::new(session, read),
        editing: RwSignal::new(false),
    };
    let user = shown.user;
    let name = Memo::new(move |_| user.get().map(|read| read.value.username));
    let head = move || ui::heading(name.get().unwrap_or_else(|| id.clone()), actions(shown));
    let entry = user.view(move |read| {
        let view = move || {
            if shown.editing.get() { edit(shown, read.clone()) } else { what(shown, &read.value) }
        };
        view.into_any()
    });
    view! {
        {link(session, Route::Directory(directory.clone()), "back-link", directory)}
        {head}
        <div class="admin-columns">
            <div class="stack">{entry} {groups(shown)}</div>
            <div class="stack">{history(session, of)}</div>
        </div>
    }
    .into_any()
}

fn actions(shown: Shown) -> AnyView {
    let Shown { session, user, editing, .. } = shown;
    let t = session.texts;
    let (toggling, setting) = (RwSignal::new(false), RwSignal::new(false));
    let enabled = Memo::new(move |_| user.get().is_none_or(|read| read.value.enabled));
    let begin = move |operation, intent: &'static str, open: RwSignal<bool>| {
        session.begin(operation, intent, move || open.set(true));
    };
    boxed_effect(move || {
        let wanted = [
            ("edit-entry", editing, Operation::ChangeDirectoryUser),
            ("toggle-entry", toggling, Operation::ChangeDirectoryUser),
            ("password-entry", setting, Operation::SetDirectoryPassword),
        ];
        for (intent, open, operation) in wanted {
            if session.offers(operation) && user.get().is_some() && session.resumes(intent) {
                open.set(true);
            }
        }
    });
    let buttons = move || {
        let is_there = user.get().is_some();
        let change = is_there && session.offers(Operation::ChangeDirectoryUser);
        let edit = change.then(|| {
            button(t.edit, "btn btn-small", move || {
                begin(Operation::ChangeDirectoryUser, "edit-entry", editing);
            })
        });
        let toggle = change.then(|| {
            let label = if enabled.get() { t.disable } else { t.enable };
            button(label, "btn btn-small", move || {
                begin(Operation::ChangeDirectoryUser, "toggle-entry", toggling);
            })
        });
        let password = (is_there && session.offers(Operation::SetDirectoryPassword)).then(|| {
            button(t.set_password, "btn btn-small", move || {
                begin(Operation::SetDirectoryPassword, "password-entry", setting);
            })
        });
        view! { {edit} {password} {toggle} }
    };
    let toggle = move || user.get().map(|read| toggle(shown, read, toggling));
    view! { {buttons} {toggle} {password_dialog(shown, setting)} }.into_any()
}

/// Asks before the account is disabled or enabled.
fn toggle(shown: Shown, read: Read<DirectoryUserView>, open: RwSignal<bool>) -> AnyView {
    let (session, t) = (shown.session, shown.session.texts);
    let is_enabled = read.value.enabled;
    let (title, text, action) = if is_enabled {
        (t.disable_title, t.disable_text, t.disable)
    } else {
        (t.enable_title, t.enable_text, t.enable)
    };
    let question = Question {
        id: "toggle-entry",
        title: fill(title, &[&read.value.username]),
        text: text.to_owned(),
        action: action.to_owned(),
    };
    let call = move || {
        let changes =
            DirectoryUserChanges { enabled: Some(!is_enabled), ..DirectoryUserChanges::default() };
        let etag = read.etag.clone();
        shown.call(Operation::ChangeDirectoryUser).if_match(etag).body(&changes)
    };
    confirm_of(session, open, question, shown.user, call, move || {
        shown.user.reload();
        session.done(if is_enabled { t.user_disabled } else { t.user_enabled });
    })
}

fn password_dialog(shown: Shown, open: RwSignal<bool>) -> AnyView {
    let (session, t) = (shown.session, shown.session.texts);
    view! {
        <Dialog open=open title=t.set_password id="password-entry">
            {
                let state = Form::new(session);
                let password = RwSignal::new(String::new());
                let must_change = RwSignal::new(true);
                let save = move || {
                    state.clear();
                    let body = DirectoryPassword {
                        password: Secret::new(password.get_untracked()),
                        must_change: must_change.get_untracked(),
                    };
                    let call = shown.call(Operation::SetDirectoryPassword).body(&body);
                    let done = move |_: Answer| {
                        open.set(false);
                        session.done(t.directory_password_set);
                    };
                    state.send(call, done, |_| false);
                };
                let content = view! {
                    <p>{t.set_password_text}</p>
                    {Field::text("entry-password", "password", t.password)
                        .kind("password")
                        .view(state, password)}
                    {checkbox("entry-must-change", t.must_change, must_change)}
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

fn what(shown: Shown, user: &DirectoryUserView) -> AnyView {
    let (session, t) = (shown.session, shown.session.texts);
    let state =
        if user.enabled { badge("badge-ok", t.may_sign_in) } else { badge("badge-no", t.disabled) };
    let account = match &user.sub {
        Some(sub) => link(session, Route::User(sub.clone()), "", sub.clone()),
        None => plain(t.no_account_yet),
    };
    let mut rows = vec![
        (t.username.to_owned(), plain(user.username.clone())),
        (t.state.to_owned(), state),
        (t.account.to_owned(), account),
        (t.entry_name.to_owned(), mono(user.dn.clone())),
        (t.entry_id.to_owned(), mono(user.id.clone())),
    ];
    let attributes = user.attributes.iter();
    rows.extend(attributes.map(|(name, values)| (name.clone(), plain(values.join(", ")))));
    card(t.entry, nothing(), facts(rows))
}

/// The form to change the entry.
fn edit(shown: Shown, read: Read<DirectoryUserView>) -> AnyView {
    let directories = fields::directories(shown.session);
    let directory = shown.directory();
    directories
        .view(move |known| edit_with(shown, &read, fields::editable(&known.value, &directory)))
}

fn edit_with(shown: Shown, read: &Read<DirectoryUserView>, names: Vec<String>) -> AnyView {
    let Shown { session, user, editing, .. } = shown;
    let t = session.texts;
    let state = Form::new(session);
    let overtaken = Overtaken::new(session, read.clone());
    let username = RwSignal::new(read.value.username.clone());
    let fields = Fields::new(names, &read.value.attributes);
    let typed = fields.clone();
    let save = move || {
        state.clear();
        let before = overtaken.before();
        let name = username.get_untracked();
        let changes = DirectoryUserChanges {
            username: (name != before.username).then_some(name),
            enabled: None,
            attributes: typed.changes(&before.attributes),
        };
        let call =
            shown.call(Operation::ChangeDirectoryUser).if_match(overtaken.etag()).body(&changes);
        let done = move |answer: Answer| {
            editing.set(false);
            user.set(&answer);
            session.done(t.saved);
        };
        let failed = move |failure: &Failure| {
            overtaken.takes(failure, shown.call(Operation::ReadDirectoryUser))
        };
        session.begin(Operation::ChangeDirectoryUser, "edit-entry", || {
            state.send(call, done, failed);
        });
    };
    let leave = move || {
        editing.set(false);
        user.reload();
    };
    let difference = move |before: &DirectoryUserView, present: &DirectoryUserView| {
        difference(session, before, present)
    };
    let conflict = overtaken.view(difference, leave);
    let content = view! {
        {Field::text("edit-username", "username", t.username)
            .hint(t.directory_rename_hint)
            .view(state, username)}
        {fields.view(session, state)}
        {conflict}
        {state.failure()}
        <div class="row">
            {state.submit(t.save)} {button(t.cancel, "btn btn-quiet", move || editing.set(false))}
        </div>
    };
    card(t.entry, nothing(), form(save, content.into_any()))
}

/// What is different in an entry that was changed by somebody else: as it was, and as it is.
fn difference(
    session: Session,
    before: &DirectoryUserView,
    present: &DirectoryUserView,
) -> Vec<Difference> {
    let t = session.texts;
    let state =
        |user: &DirectoryUserView| if user.enabled { t.may_sign_in } else { t.disabled }.to_owned();
    let own = [
        (t.entry_name, before.dn.clone(), present.dn.clone()),
        (t.username, before.username.clone(), present.username.clone()),
        (t.state, state(before), state(present)),
    ];
    let own = own.map(|(name, before, present)| (name.to_owned(), before, present));
    let added = present.attributes.keys().filter(|name| !before.attributes.contains_key(*name));
    let shown = |user: &DirectoryUserView, name: &String| {
        user.attributes.get(name).map(|values| values.join(", ")).unwrap_or_default()
    };
    let attributes = before.attributes.keys().chain(added);
    let attributes =
        attributes.map(|name| (name.clone(), shown(before, name), shown(present, name)));
    different(own.into_iter().chain(attributes))
}

/// The groups that have the user as a member.
fn groups(shown: Shown) -> AnyView {
    let Shown { session, user, .. } = shown;
    let t = session.texts;
    let (open, chosen) = (RwSignal::new(false), RwSignal::new(String::new()));
    let list = move || {
        let rows = user.get().map(|read| read.value.groups).unwrap_or_default();
        if rows.is_empty() {
            return view! { <p class="muted">{t.no_groups_of_user}</p> }.into_any();
        }
        let may_remove = session.offers(Operation::RemoveDirectoryMember);
        let rows = rows.into_iter().map(|group| {
            let (id, name) = (group.id, group.name.clone());
            let remove = may_remove.then(|| {
                named_button(t.remove, name, "btn btn-small", move || {
                    chosen.set(id.clone());
                    let intent = format!("remove-member:{id}");
                    session.begin(Operation::RemoveDirectoryMember, &intent, || open.set(true));
                })
            });
            vec![plain(group.name), remove.unwrap_or_else(nothing)]
        });
        ui::table(t.groups, t.directory_group_columns, rows.collect())
    };
    boxed_effect(move || {
        let may = session.offers(Operation::RemoveDirectoryMember);
        if let Some(group) = may.then(|| session.resumes_on("remove-member")).flatten() {
            chosen.set(group);
            open.set(true);
        }
    });
    let question = Question {
        id: "remove-directory-member",
        title: t.remove_member_title.to_owned(),
        text: t.remove_member_text.to_owned(),
        action: t.remove.to_owned(),
    };
    let remove = move || of_group(shown, Operation::RemoveDirectoryMember, &chosen.get_untracked());
    let removed = move || {
        user.reload();
        session.done(t.member_removed);
    };
    let add = move || session.offers(Operation::AddDirectoryMember).then(|| add_group(shown));
    view! {
        {card(t.groups, nothing(), view! { {list} {add} }.into_any())}
        {confirm(session, open, question, remove, removed)}
    }
    .into_any()
}

fn of_group(shown: Shown, operation: Operation, group: &str) -> Call {
    shown.names.with_value(|[directory, id]| Call::new(operation, &[directory, id, group]))
}

/// Finds groups by the beginning of their names, to make the user a member of one.
fn add_group(shown: Shown) -> AnyView {
    let Shown { session, user, .. } = shown;
    let t = session.texts;
    let prefix = RwSignal::new(String::new());
    let add = move |group: String| {
        session.begin(Operation::AddDirectoryMember, &format!("add-member:{group}"), move || {
            spawn_local(async move {
                let call = of_group(shown, Operation::AddDirectoryMember, &group);
                match session.call(call).await {
                    Ok(_) => {
                        user.reload();
                        session.done(t.member_added);
                    }
                    Err(failure) => session.failed(&failure),
                }
            });
        });
    };
    boxed_effect(move || {
        if let Some(group) = session.resumes_on("add-member") {
            add(group);
        }
    });
    let found = move || {
        (!prefix.with(|prefix| prefix.trim().is_empty())).then(|| {
            let list = List::<DirectoryGroupRow>::new(session, move || {
                let query = query(&[("prefix", &prefix.get()), ("limit", "5")]);
                Call::new(Operation::ListDirectoryGroups, &[&shown.directory()]).query(&query)
            });
            list.table(t.groups, t.directory_group_columns, t.no_groups, move |group| {
                let id = group.id.clone();
                vec![
                    plain(group.name.clone()),
                    named_button(t.add, group.name, "btn btn-small", move || add(id.clone())),
                ]
            })
        })
    };
    view! {
        {search_field("group-search", t.add_to_group, Some(t.search_groups), prefix)}
        {found}
    }
    .into_any()
}
