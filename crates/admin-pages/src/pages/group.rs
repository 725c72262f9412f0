//! A group: what its members get, who they are, and what happened to it.

use doorward_admin::{
    Operation,
    types::{
        groups::{GroupChanges, GroupView, MemberRow},
        users::UserRow,
    },
};
use doorward_leptos::boxed_effect;
use leptos::{prelude::*, task::spawn_local};
use serde_json::Value;

use super::user::provisioned;
use crate::{
    api::{Answer, Call, Failure},
    route::{Route, query},
    session::Session,
    ui::{
        self, button, card,
        claims::claims,
        dialog::{Question, confirm, confirm_of},
        facts, fill,
        form::{Field, Form, Part, form, lines},
        history::history,
        json, link,
        list::List,
        named_button, nothing,
        object::{Object, Read},
        or_dash,
        overtaken::{Difference, Overtaken, different},
        plain,
        search::{search, search_field},
    },
};

/// The page.
pub fn page(session: Session, name: String) -> AnyView {
    let t = session.texts;
    let group = Object::<GroupView>::new(session, Call::new(Operation::ReadGroup, &[&name]));
    let (editing, removing) = (RwSignal::new(false), RwSignal::new(false));
    boxed_effect(move || {
        if session.offers(Operation::ChangeGroup) && session.resumes("edit-group") {
            editing.set(true);
        }
        if session.offers(Operation::RemoveGroup) && session.resumes("remove-group") {
            removing.set(true);
        }
    });
    let actions = move || {
        let edit = session.offers(Operation::ChangeGroup).then(|| {
            button(t.edit, "btn btn-small", move || {
                session.begin(Operation::ChangeGroup, "edit-group", || editing.set(true));
            })
        });
        let remove = session.offers(Operation::RemoveGroup).then(|| {
            button(t.remove, "btn btn-small btn-danger", move || {
                session.begin(Operation::RemoveGroup, "remove-group", || removing.set(true));
            })
        });
        view! { {edit} {remove} }
    };
    let question = Question {
        id: "remove-group",
        title: fill(t.remove_group_title, &[&name]),
        text: t.remove_group_text.to_owned(),
        action: t.remove.to_owned(),
    };
    let of = name.clone();
    let remove = move || Call::new(Operation::RemoveGroup, &[&of]).if_match(group.etag());
    let removed = move || {
        session.go(Route::Groups);
        session.done(t.group_removed);
    };
    let body = group.view(move |read| {
        let shown = move || {
            if editing.get() {
                edit(session, group, read.clone(), editing)
            } else {
                what(session, &read.value)
            }
        };
        shown.into_any()
    });
    let of = query(&[("object_kind", "group"), ("object", &name)]);
    view! {
        {link(session, Route::Groups, "back-link", t.groups)}
        {ui::heading(name.clone(), actions.into_any())}
        <div class="admin-columns">
            <div class="stack">{body} {members(session, name)}</div>
            <div class="stack">{history(session, of)}</div>
        </div>
        {confirm_of(session, removing, question, group, remove, removed)}
    }
    .into_any()
}

fn what(session: Session, group: &GroupView) -> AnyView {
    let t = session.texts;
    let mut rows = vec![
        (t.shown_as.to_owned(), or_dash(group.display_name.clone())),
        (t.description.to_owned(), or_dash(group.description.clone())),
        (t.app_roles.to_owned(), or_dash(Some(group.roles.join(", ")))),
    ];
    rows.extend(provisioned(session, group.provisioned_by.clone()));
    rows.extend(group.claims.iter().map(|(name, value)| (name.clone(), plain(json::shown(value)))));
    card(t.members_get, nothing(), facts(rows))
}

fn edit(
    session: Session,
    group: Object<GroupView>,
    read: Read<GroupView>,
    editing: RwSignal<bool>,
) -> AnyView {
    let t = session.texts;
    let state = Form::new(session);
    let overtaken = Overtaken::new(session, read.clone());
    let view = read.value;
    let display_name = RwSignal::new(view.display_name.unwrap_or_default());
    let description = RwSignal::new(view.description.unwrap_or_default());
    let roles = RwSignal::new(view.roles.join("\n"));
    let field = Field::text("edit-claims", "claims", t.other_claims);
    let Part { view: claims, said } = claims(session, state, field, &view.claims);
    let save = move || {
        state.clear();
        let Some(Value::Object(after)) = said() else { return };
        let before = overtaken.before();
        let (text, list) = (description.get_untracked(), lines(&roles.get_untracked()));
        let shown_as = display_name.get_untracked();
        let other = |text: String, before: &Option<String>| {
            (text != before.as_deref().unwrap_or_default()).then_some(text)
        };
        let changes = GroupChanges {
            display_name: other(shown_as, &before.display_name),
            description: other(text, &before.description),
            roles: (list != before.roles).then_some(list),
            claims: json::changes(&before.claims, &after),
        };
        let call = Call::new(Operation::ChangeGroup, &[&before.name])
            .if_match(overtaken.etag())
            .body(&changes);
        let done = move |answer: Answer| {
            editing.set(false);
            group.set(&answer);
            session.done(t.saved);
        };
        let read = Call::new(Operation::ReadGroup, &[&before.name]);
        let failed = move |failure: &Failure| overtaken.takes(failure, read);
        session.begin(Operation::ChangeGroup, "edit-group", || state.send(call, done, failed));
    };
    let leave = move || {
        editing.set(false);
        group.reload();
    };
    let difference =
        move |before: &GroupView, present: &GroupView| difference(session, before, present);
    let conflict = overtaken.view(difference, leave);
    let content = view! {
        {Field::text("edit-display-name", "display_name", t.shown_as)
            .hint(t.shown_as_hint)
            .view(state, display_name)}
        {Field::text("edit-description", "description", t.description).view(state, description)}
        {Field::text("edit-roles", "roles", t.app_roles)
            .kind("lines")
            .hint(t.one_a_line)
            .view(state, roles)}
        {claims}
        {conflict}
        {state.failure()}
        <div class="row">
            {state.submit(t.save)} {button(t.cancel, "btn btn-quiet", move || editing.set(false))}
        </div>
    };
    card(t.members_get, nothing(), form(save, content.into_any()))
}

/// What is different in a group that was changed by somebody else: as it was, and as it is.
fn difference(session: Session, before: &GroupView, present: &GroupView) -> Vec<Difference> {
    let t = session.texts;
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let own = [
        (t.shown_as, text(&before.display_name), text(&present.display_name)),
        (t.description, text(&before.description), text(&present.description)),
        (t.app_roles, before.roles.join(", "), present.roles.join(", ")),
    ];
    let own = own.map(|(name, before, present)| (name.to_owned(), before, present));
    different(own.into_iter().chain(json::both(&before.claims, &present.claims)))
}

fn members(session: Session, name: String) -> AnyView {
    let t = session.texts;
    let of = StoredValue::new(name);
    let prefix = RwSignal::new(String::new());
    let list = List::<MemberRow>::new(session, move || {
        let query = query(&[("prefix", &prefix.get())]);
        Call::new(Operation::ListMembers, &[&of.get_value()]).query(&query)
    });
    let (open, chosen) = (RwSignal::new(false), RwSignal::new(String::new()));
    let may_remove = Memo::new(move |_| session.offers(Operation::RemoveMember));
    boxed_effect(move || {
        let name = may_remove.get().then(|| session.resumes_on("remove-member")).flatten();
        if let Some(sub) = name {
            chosen.set(sub);
            open.set(true);
        }
    });
    let table =
        list.searched(prefix).table(t.members, t.member_columns, t.no_members, move |row| {
            let (sub, name) = (row.sub.clone(), row.username.clone().unwrap_or(row.sub.clone()));
            let remove = may_remove.get().then(|| {
                named_button(t.remove, name.clone(), "btn btn-small", move || {
                    chosen.set(sub.clone());
                    let intent = format!("remove-member:{sub}");
                    session.begin(Operation::RemoveMember, &intent, || open.set(true));
                })
            });
            vec![
                link(session, Route::User(row.sub.clone()), "strong-link", name),
                ui::mono(row.sub),
                remove.unwrap_or_else(nothing),
            ]
        });
    let question = Question {
        id: "remove-member",
        title: t.remove_member_title.to_owned(),
        text: t.remove_member_text.to_owned(),
        action: t.remove.to_owned(),
    };
    let remove =
        move || Call::new(Operation::RemoveMember, &[&of.get_value(), &chosen.get_untracked()]);
    let removed = move || {
        list.reload();
        session.done(t.member_removed);
    };
    let find = search("find-member", t.search_usernames, prefix);
    let add = move || {
        session.offers(Operation::AddMember).then(|| add_member(session, of.get_value(), list))
    };
    view! {
        {card(t.members, nothing(), view! { {find} {table} {add} }.into_any())}
        {confirm(session, open, question, remove, removed)}
    }
    .into_any()
}

/// Finds users by the beginning of their names, to make one a member.
fn add_member(session: Session, group: String, members: List<MemberRow>) -> AnyView {
    let t = session.texts;
    let prefix = RwSignal::new(String::new());
    let group = StoredValue::new(group);
    let add = move |sub: String| {
        session.begin(Operation::AddMember, &format!("add-member:{sub}"), move || {
            spawn_local(async move {
                let call = Call::new(Operation::AddMember, &[&group.get_value(), &sub]);
                match session.call(call).await {
                    Ok(_) => {
                        members.reload();
                        session.done(t.member_added);
                    }
                    Err(failure) => session.failed(&failure),
                }
            });
        });
    };
    boxed_effect(move || {
        if let Some(sub) = session.resumes_on("add-member") {
            add(sub);
        }
    });
    let found = move || {
        (!prefix.with(|prefix| prefix.trim().is_empty())).then(|| {
            let list = List::<UserRow>::new(session, move || {
                let query = query(&[("prefix", &prefix.get()), ("limit", "5")]);
                Call::new(Operation::ListUsers, &[]).query(&query)
            });
            list.table(t.users, t.found_columns, t.no_users, move |user| {
                let sub = user.sub.clone();
                vec![
                    plain(user.username.clone()),
                    or_dash(user.email),
                    named_button(t.add, user.username, "btn btn-small", move || add(sub.clone())),
                ]
            })
        })
    };
    view! {
        {search_field("member-search", t.add_member, Some(t.search_users), prefix)}
        {found}
    }
    .into_any()
}
