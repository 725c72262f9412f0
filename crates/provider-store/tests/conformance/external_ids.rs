//! What SCIM clients call users and groups.

use doorward_provider::{
    model::{
        group::{Group, GroupName, StoredGroup},
        provisioning::{Provisioned, ProvisionedKind},
    },
    store::{ChangedGroup, GroupChange},
};

use serde_json::json;

use super::{
    clients::client,
    fixtures::{NOW, Tested, parallel, to_id, user},
};

/// A group as it is added.
fn added(group: Group) -> StoredGroup {
    StoredGroup { group, version: 1 }
}

fn of_user(sub: &str) -> Provisioned {
    Provisioned::User(to_id(sub))
}

fn of_group(name: &str) -> Provisioned {
    Provisioned::Group(name.parse().unwrap())
}

async fn found(store: &Tested, client: &str, external_id: &str) -> Vec<String> {
    let kind = ProvisionedKind::User;
    store.with_external_id(&to_id(client), kind, external_id, 10).await.unwrap()
}

async fn said(store: &Tested, client: &str, ids: &[&str]) -> Vec<(String, String)> {
    let ids: Vec<String> = ids.iter().map(|id| (*id).to_owned()).collect();
    let kind = ProvisionedKind::User;
    let mut said = store.external_ids(&to_id(client), kind, &ids).await.unwrap();
    said.sort_unstable();
    said
}

async fn set(store: &Tested, client: &str, of: &Provisioned, external_id: Option<&str>) {
    store.set_external_id(&to_id(client), of, external_id).await.unwrap();
}

pub async fn each_client_has_its_own(store: Tested) {
    for sub in ["alice", "bob"] {
        store.put_user(user(sub, sub), NOW).await.unwrap();
    }
    set(&store, "a", &of_user("alice"), Some("1")).await;
    set(&store, "a", &of_user("bob"), Some("1")).await;
    set(&store, "b", &of_user("alice"), Some("2")).await;
    assert_eq!(found(&store, "a", "1").await, ["alice", "bob"]);
    assert_eq!(found(&store, "b", "1").await, Vec::<String>::new());
    let pair = |id: &str, external_id: &str| (id.to_owned(), external_id.to_owned());
    assert_eq!(
        said(&store, "a", &["alice", "bob", "carol"]).await,
        [pair("alice", "1"), pair("bob", "1")]
    );
    set(&store, "a", &of_user("alice"), Some("3")).await;
    set(&store, "a", &of_user("bob"), None).await;
    assert_eq!(said(&store, "a", &["alice", "bob"]).await, [pair("alice", "3")]);
    assert!(said(&store, "a", &[]).await.is_empty());
    let odd = "'\"\u{1f980}\\";
    set(&store, "a", &of_user("bob"), Some(odd)).await;
    assert_eq!(found(&store, "a", odd).await, ["bob"]);
    assert_eq!(found(&store, "a", "\0").await, Vec::<String>::new());
}

pub async fn they_go_with_what_they_are_of(store: Tested) {
    // Of nobody nothing is kept.
    set(&store, "a", &of_user("alice"), Some("1")).await;
    set(&store, "a", &of_group("staff"), Some("1")).await;
    store.put_user(user("alice", "alice"), NOW).await.unwrap();
    store.add_group(added(Group::new("staff".parse().unwrap()))).await.unwrap();
    assert_eq!(found(&store, "a", "1").await, Vec::<String>::new());
    for of in [of_user("alice"), of_group("staff")] {
        set(&store, "a", &of, Some("1")).await;
        set(&store, "b", &of, Some("1")).await;
    }
    // A change of the user leaves it.
    let mut changed = user("alice", "alice");
    changed.enabled = false;
    store.put_user(changed, NOW).await.unwrap();
    assert_eq!(found(&store, "a", "1").await, ["alice"]);
    store.add_client(client("a", "A", false)).await.unwrap();
    store.remove_client(&to_id("a"), None).await.unwrap();
    assert_eq!(found(&store, "a", "1").await, Vec::<String>::new());
    assert_eq!(found(&store, "b", "1").await, ["alice"]);
    store.remove_user(&to_id("alice"), NOW).await.unwrap();
    assert_eq!(found(&store, "b", "1").await, Vec::<String>::new());
    let groups = async |client: &str| {
        let kind = ProvisionedKind::Group;
        store.with_external_id(&to_id(client), kind, "1", 10).await.unwrap()
    };
    assert_eq!(groups("b").await, ["staff"]);
    let name: GroupName = "staff".parse().unwrap();
    store.remove_group(&name, None).await.unwrap();
    assert_eq!(groups("b").await, Vec::<String>::new());
}

pub async fn members_change_together_or_not_at_all(store: Tested) {
    let name: GroupName = "staff".parse().unwrap();
    let changes = |added: &[&str], removed: &[&str]| GroupChange {
        added: added.iter().map(|sub| to_id(sub)).collect(),
        removed: removed.iter().map(|sub| to_id(sub)).collect(),
        ..GroupChange::of(name.clone())
    };
    let change = async |added: &[&str], removed: &[&str]| {
        store.change_group(changes(added, removed)).await.unwrap()
    };
    let members = async || {
        let subs = store.group_members(&name, None, 10).await.unwrap();
        subs.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    for sub in ["alice", "bob", "carol"] {
        store.put_user(user(sub, sub), NOW).await.unwrap();
    }
    assert_eq!(change(&["alice"], &[]).await, ChangedGroup::NoGroup);
    store.add_group(added(Group::new(name.clone()))).await.unwrap();
    assert_eq!(change(&["alice", "bob", "alice"], &[]).await, ChangedGroup::Changed);
    assert_eq!(change(&["carol", "nobody"], &["alice"]).await, ChangedGroup::NoUser);
    assert_eq!(members().await, ["alice", "bob"]);
    assert_eq!(change(&["bob"], &["alice", "nobody"]).await, ChangedGroup::Changed);
    assert_eq!(members().await, ["bob"]);
    for number in 0..99 {
        let other: GroupName = format!("other{number}").parse().unwrap();
        store.add_group(added(Group::new(other.clone()))).await.unwrap();
        store.add_group_member(&other, &to_id("carol")).await.unwrap();
    }
    // There is room for one more.
    assert_eq!(change(&["carol"], &[]).await, ChangedGroup::Changed);
    let more: GroupName = "more".parse().unwrap();
    store.add_group(added(Group::new(more.clone()))).await.unwrap();
    let full = GroupChange { name: more.clone(), ..changes(&["alice", "carol"], &[]) };
    assert_eq!(store.change_group(full).await.unwrap(), ChangedGroup::TooMany);
    assert!(store.group_members(&more, None, 10).await.unwrap().is_empty());
    // A change may be about one version of the group, which it raises.
    let version = store.group(&name).await.unwrap().unwrap().version;
    let about = |version| GroupChange { version: Some(version), ..changes(&["alice"], &["bob"]) };
    for stale in [version - 1, version + 1] {
        assert_eq!(store.change_group(about(stale)).await.unwrap(), ChangedGroup::Stale);
    }
    assert_eq!(members().await, ["bob", "carol"]);
    assert_eq!(store.change_group(about(version)).await.unwrap(), ChangedGroup::Changed);
    assert_eq!(members().await, ["alice", "carol"]);
    assert_eq!(store.group(&name).await.unwrap().unwrap().version, version + 1);
    assert_eq!(store.change_group(about(version)).await.unwrap(), ChangedGroup::Stale);
}

pub async fn a_group_gets_a_name_that_no_other_has_together_with_members(store: Tested) {
    store.put_user(user("alice", "alice"), NOW).await.unwrap();
    for name in ["red", "blue"] {
        store.add_group(added(Group::new(name.parse().unwrap()))).await.unwrap();
    }
    let blue: GroupName = "blue".parse().unwrap();
    let called = |shown: &str, joins: &str| {
        let mut group = Group::new(blue.clone());
        group.display_name = Some(shown.to_owned());
        let added = vec![to_id(joins)];
        GroupChange { group: Some(group), added, ..GroupChange::of(blue.clone()) }
    };
    let change = async |change| store.change_group(change).await.unwrap();
    let stored = async || store.group(&blue).await.unwrap().unwrap();
    let before = stored().await;
    assert_eq!(change(called("RED", "alice")).await, ChangedGroup::SameName);
    assert_eq!(change(called("Sky", "nobody")).await, ChangedGroup::NoUser);
    assert_eq!(stored().await, before, "all of it or nothing");
    assert!(store.group_members(&blue, None, 10).await.unwrap().is_empty());
    assert_eq!(change(called("Sky", "alice")).await, ChangedGroup::Changed);
    let after = stored().await;
    assert_eq!((after.group.shown_name(), after.version), ("Sky", before.version + 1));
    assert_eq!(store.group_members(&blue, None, 10).await.unwrap().len(), 1);
    // It may keep its own name.
    assert_eq!(change(called("sky", "alice")).await, ChangedGroup::Changed);
}

pub async fn of_groups_that_get_one_name_at_once_one_has_it(store: Tested) {
    for number in 0..8 {
        let name = format!("group{number}").parse().unwrap();
        store.add_group(added(Group::new(name))).await.unwrap();
    }
    parallel(&store, 8, |store, number| async move {
        let name: GroupName = format!("group{number}").parse().unwrap();
        let mut group = Group::new(name.clone());
        group.display_name = Some("Sky".to_owned());
        // Who meets too many others is refused as a whole.
        let _ =
            store.change_group(GroupChange { group: Some(group), ..GroupChange::of(name) }).await;
    })
    .await;
    assert_eq!(store.groups_shown_as("sky", 10).await.unwrap().len(), 1);
}

pub async fn parallel_changes_of_members_do_not_wait_for_each_other(store: Tested) {
    let subs: Vec<String> = (0..20).map(|number| format!("user{number}")).collect();
    for sub in &subs {
        store.put_user(user(sub, sub), NOW).await.unwrap();
    }
    let name: GroupName = "staff".parse().unwrap();
    store.add_group(added(Group::new(name.clone()))).await.unwrap();
    parallel(&store, 8, |store, number| {
        let mut subs = subs.clone();
        let name = name.clone();
        async move {
            let turned = usize::try_from(number).unwrap_or(0) % subs.len();
            subs.rotate_left(turned);
            let added = subs.iter().map(|sub| to_id(sub)).collect();
            store.change_group(GroupChange { added, ..GroupChange::of(name) }).await.unwrap();
        }
    })
    .await;
    assert_eq!(store.group_members(&name, None, 100).await.unwrap().len(), subs.len());
}

pub async fn lists_go_on_at_any_position(store: Tested) {
    use doorward_provider::model::user_query::{UserFilter, UserOrder, UserQuery};
    for (sub, enabled) in [("a", true), ("b", false), ("c", true), ("d", true)] {
        let mut one = user(sub, sub);
        one.enabled = enabled;
        store.put_user(one, NOW).await.unwrap();
    }
    let query = |filter| UserQuery { order: UserOrder::Username, prefix: String::new(), filter };
    for (filter, skipped, expected) in [
        (UserFilter::All, 1, "b"),
        (UserFilter::All, 3, "d"),
        (UserFilter::Enabled, 1, "c"),
        (UserFilter::Enabled, 2, "d"),
    ] {
        let query = query(filter);
        let cursor = store.user_cursor(&query, skipped).await.unwrap();
        let found = store.find_users(&query, cursor.as_ref(), 1).await.unwrap();
        assert_eq!(found[0].user.sub.as_str(), expected, "{query:?}, {skipped}");
    }
    assert_eq!(store.user_cursor(&query(UserFilter::All), 0).await.unwrap(), None);
    assert_eq!(store.user_cursor(&query(UserFilter::All), 5).await.unwrap(), None);
    assert_eq!(store.user_cursor(&query(UserFilter::All), u64::MAX).await.unwrap(), None);
    for name in ["x", "Y", "z"] {
        let mut group = Group::new(name.parse().unwrap());
        group.display_name = (name == "z").then(|| "X".to_owned());
        store.add_group(added(group)).await.unwrap();
    }
    assert_eq!(store.count_groups().await.unwrap(), 3);
    let at = async |position| store.group_at(position).await.unwrap().map(|name| name.to_string());
    assert_eq!((at(0).await.as_deref(), at(2).await.as_deref()), (Some("Y"), Some("z")));
    assert_eq!((at(3).await, at(u64::MAX).await), (None, None));
    let shown_as = async |key: &str| {
        let groups = store.groups_shown_as(key, 10).await.unwrap();
        groups.iter().map(|stored| stored.group.name.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(shown_as("x").await, ["x", "z"]);
    assert_eq!(shown_as("y").await, ["Y"]);
    let mut renamed = store.group(&"Y".parse().unwrap()).await.unwrap().unwrap();
    renamed.group.display_name = Some("W".to_owned());
    assert!(store.replace_group(renamed.group, renamed.version).await.unwrap());
    assert_eq!(
        (shown_as("w").await, shown_as("y").await),
        (vec!["Y".to_owned()], vec!["Y".to_owned()])
    );
    assert_eq!(shown_as("\0").await, Vec::<String>::new());
}

pub async fn users_are_found_by_further_addresses(store: Tested) {
    let with = |sub: &str, emails: &[&str]| {
        let mut one = user(sub, sub);
        let emails: Vec<_> = emails.iter().map(|value| json!({"value": value})).collect();
        one.claims_mut().insert("email".to_owned(), json!("main@example.com"));
        one.claims_mut().insert("scim".to_owned(), json!({"emails": emails}));
        one
    };
    let put = async |user| store.put_user(user, NOW).await.unwrap();
    let find = async |key: &str, is_prefix, limit| {
        let found = store.with_further_address(key, is_prefix, limit).await.unwrap();
        found.iter().map(|user| user.sub.to_string()).collect::<Vec<_>>()
    };
    let home = "home@example.com";
    put(with("a", &["MAIN@example.com", "Home@Example.com", home, "a@example.com", ""])).await;
    put(with("b", &[home])).await;
    assert_eq!(find(home, false, 10).await, ["a", "b"]);
    assert_eq!(find(home, false, 1).await, ["a"]);
    assert_eq!(find("home", true, 10).await, ["a", "b"]);
    assert_eq!(find("home", false, 10).await, [""; 0]);
    assert_eq!(find("main@example.com", false, 10).await, [""; 0], "it is the main one");
    assert_eq!(find("a\0", true, 10).await, [""; 0]);
    put(with("a", &["a@example.com"])).await;
    assert_eq!(find(home, false, 10).await, ["b"]);
    store.remove_user(&to_id("b"), NOW).await.unwrap();
    assert_eq!(find(home, false, 10).await, [""; 0]);
    assert_eq!(find("a", true, 10).await, ["a"]);
}
