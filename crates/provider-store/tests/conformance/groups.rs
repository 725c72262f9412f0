//! Groups of users, and their members.

use std::sync::Arc;

use doorward_protocol::ids::Sub;
use doorward_provider::{
    model::{
        group::{Group, GroupName, MOST_PER_USER, StoredGroup},
        user::User,
    },
    store::{AddedGroupMember, ChangedGroup, GroupChange},
};
use serde_json::json;

use super::fixtures::{NOW, Tested, add_grant, at, grant, hash, parallel, to_id, token, user};

fn name(text: &str) -> GroupName {
    GroupName::parse(text).unwrap()
}

fn group(text: &str, role: &str) -> Group {
    let mut group = Group::new(name(text));
    group.roles = vec![role.to_owned()];
    group.claims.0.insert("cost_centre".to_owned(), json!({"\"": [1, "Zo\u{eb}"]}));
    group
}

/// The group as it is added.
fn added(group: Group) -> StoredGroup {
    StoredGroup { group, version: 1 }
}

/// Groups with alice in each of them.
async fn with_alice_in(store: &Tested, groups: &[&str]) {
    store.put_user(user("alice", "alice"), NOW).await.unwrap();
    for text in groups {
        assert!(store.add_group(added(group(text, text))).await.unwrap());
        let joined = store.add_group_member(&name(text), &to_id("alice")).await.unwrap();
        assert_eq!(joined, AddedGroupMember::Added);
    }
}

async fn alice(store: &Tested) -> User {
    store.user(&to_id("alice")).await.unwrap().unwrap()
}

fn names(user: &User) -> Vec<&str> {
    user.groups.iter().map(|group| &*group.name).collect()
}

pub async fn added_once_and_replaced_at_the_known_version_only(store: Tested) {
    assert!(store.add_group(added(group("staff", "a"))).await.unwrap());
    assert!(!store.add_group(added(group("staff", "b"))).await.unwrap());
    let stored = store.group(&name("staff")).await.unwrap().unwrap();
    assert_eq!((stored.group, stored.version), (group("staff", "a"), 1));
    let replaced = parallel(&store, 16, |store, number| async move {
        store.replace_group(group("staff", &number.to_string()), 1).await.unwrap()
    })
    .await;
    assert_eq!(replaced.into_iter().filter(|replaced| *replaced).count(), 1);
    assert_eq!(store.group(&name("staff")).await.unwrap().unwrap().version, 2);
    assert!(!store.replace_group(group("unknown", "a"), 1).await.unwrap());
    // A group that is added again begins where its adder says.
    assert!(store.remove_group(&name("staff"), Some(2)).await.unwrap());
    let again = StoredGroup { group: group("staff", "a"), version: 1 << 40 };
    assert!(store.add_group(again.clone()).await.unwrap());
    assert_eq!(store.group(&name("staff")).await.unwrap(), Some(again));
    assert!(!store.replace_group(group("staff", "b"), 2).await.unwrap());
}

pub async fn listed_in_pages(store: Tested) {
    for text in ["b", "a", "B", "c/d", "c-d"] {
        store.add_group(added(group(text, "r"))).await.unwrap();
    }
    let mut listed = Vec::new();
    let mut after = None;
    loop {
        let page = store.groups("", after.as_ref(), 2).await.unwrap();
        let Some(last) = page.last() else { break };
        after = Some(last.group.name.clone());
        listed.extend(page.into_iter().map(|stored| stored.group.name.to_string()));
    }
    assert_eq!(listed, ["B", "a", "b", "c-d", "c/d"]);
    for (prefix, after, expected) in
        [("c", None, &["c-d", "c/d"][..]), ("c", Some("c-d"), &["c/d"]), ("c/", None, &["c/d"])]
    {
        let after = after.map(name);
        let page = store.groups(prefix, after.as_ref(), 5).await.unwrap();
        let names: Vec<String> = page.iter().map(|own| own.group.name.to_string()).collect();
        assert_eq!(names, expected, "{prefix}");
    }
}

pub async fn come_with_their_members(store: Tested) {
    with_alice_in(&store, &["b", "a", "B"]).await;
    assert_eq!(names(&alice(&store).await), ["B", "a", "b"]);
    assert_eq!(*alice(&store).await.groups, ["B", "a", "b"].map(|text| group(text, text)));
    let by_name = store.user_by_username("alice").await.unwrap().unwrap();
    assert_eq!(names(&by_name), ["B", "a", "b"]);
    assert_eq!(names(&store.users(None, 10).await.unwrap()[0]), ["B", "a", "b"]);
    add_grant(&*store, grant("g", "alice"), at(60), Some(token(2, 60)), NOW).await;
    let (_, user) = store.live_grant(&to_id("g"), NOW).await.unwrap().unwrap();
    assert_eq!(names(&user), ["B", "a", "b"]);
    let record = store.refresh_token(hash(2)).await.unwrap().unwrap();
    assert_eq!(names(&record.user.unwrap()), ["B", "a", "b"]);
    assert!(store.remove_group_member(&name("a"), &to_id("alice")).await.unwrap());
    assert!(!store.remove_group_member(&name("a"), &to_id("alice")).await.unwrap());
    store.replace_group(group("b", "other"), 1).await.unwrap();
    let changed = alice(&store).await;
    assert_eq!(*changed.groups, [group("B", "B"), group("b", "other")]);
}

pub async fn a_change_of_the_user_keeps_them(store: Tested) {
    with_alice_in(&store, &["a"]).await;
    let before = alice(&store).await;
    let renamed = User { username: "alicia".to_owned(), ..before.clone() };
    assert!(store.replace_user(renamed, before, NOW).await.unwrap());
    assert_eq!(names(&alice(&store).await), ["a"]);
    // Whoever writes the user can't change them.
    store.put_user(User { groups: Arc::default(), ..user("alice", "alice") }, NOW).await.unwrap();
    assert_eq!(names(&alice(&store).await), ["a"]);
    store.import_users(vec![user("alice", "other")], NOW).await.unwrap();
    assert_eq!(names(&alice(&store).await), ["a"]);
}

pub async fn members_are_listed_in_pages(store: Tested) {
    store.add_group(added(group("a", "r"))).await.unwrap();
    for sub in ["b", "a", "B"] {
        store.put_user(user(sub, &format!("user-{}", hash_of(sub))), NOW).await.unwrap();
        store.add_group_member(&name("a"), &to_id(sub)).await.unwrap();
    }
    let first = store.group_members(&name("a"), None, 2).await.unwrap();
    assert_eq!(first, [to_id::<Sub>("B"), to_id("a")]);
    let second = store.group_members(&name("a"), first.last(), 2).await.unwrap();
    assert_eq!(second, [to_id::<Sub>("b")]);
    let named = |sub: &str| (to_id::<Sub>(sub), Some(format!("user-{}", hash_of(sub))));
    let first = store.named_group_members(&name("a"), None, 2).await.unwrap();
    assert_eq!(first, [named("B"), named("a")]);
    let second = store.named_group_members(&name("a"), Some(&first[1].0), 2).await.unwrap();
    assert_eq!(second, [named("b")]);
    assert!(store.group_members(&name("other"), None, 2).await.unwrap().is_empty());
}

pub async fn members_are_found_by_their_user_names(store: Tested) {
    store.add_group(added(group("a", "r"))).await.unwrap();
    store.add_group(added(group("b", "r"))).await.unwrap();
    for (sub, username) in [("1", "Zoe"), ("2", "adam"), ("3", "Ada"), ("4", "adele")] {
        store.put_user(user(sub, username), NOW).await.unwrap();
    }
    for sub in ["1", "2", "3"] {
        store.add_group_member(&name("a"), &to_id(sub)).await.unwrap();
    }
    store.add_group_member(&name("b"), &to_id("4")).await.unwrap();
    let find = |prefix: &'static str| {
        let store = store.clone();
        async move {
            let (group, mut found, mut after) = (name("a"), Vec::new(), None);
            loop {
                let page = store.find_group_members(&group, prefix, after.as_ref(), 1);
                let page = page.await.unwrap();
                let Some(last) = page.last() else { return found };
                after = Some(last.cursor.clone());
                found.extend(page.into_iter().map(|member| member.username));
            }
        }
    };
    assert_eq!(find("").await, ["Ada", "adam", "Zoe"]);
    assert_eq!(find("ad").await, ["Ada", "adam"], "in any case, and of this group");
    assert_eq!(find("adam").await, ["adam"]);
    assert_eq!(find("a%").await, [""; 0], "nothing is a pattern");
    assert_eq!(find("a\0'--").await, [""; 0]);
    // Who is called otherwise is found by that.
    store.put_user(user("3", "Eva"), NOW).await.unwrap();
    assert_eq!(find("ad").await, ["adam"]);
    assert_eq!(find("e").await, ["Eva"]);
    // Each way to become a member makes one who is found.
    let change = GroupChange { added: vec![to_id("4")], ..GroupChange::of(name("a")) };
    assert_eq!(store.change_group(change).await.unwrap(), ChangedGroup::Changed);
    assert_eq!(find("ad").await, ["adam", "adele"]);
    store.remove_user(&to_id("2"), NOW).await.unwrap();
    assert_eq!(find("ad").await, ["adele"]);
}

fn hash_of(sub: &str) -> u32 {
    sub.chars().map(u32::from).sum()
}

pub async fn nobody_joins_what_is_not_there(store: Tested) {
    let join = |group: &'static str, sub: &'static str| {
        let store = Arc::clone(&store);
        async move { store.add_group_member(&name(group), &to_id(sub)).await.unwrap() }
    };
    with_alice_in(&store, &["a"]).await;
    assert_eq!(join("b", "alice").await, AddedGroupMember::NoGroup);
    assert_eq!(join("a", "bob").await, AddedGroupMember::NoUser);
    assert_eq!(join("a", "alice").await, AddedGroupMember::WasMember);
}

pub async fn no_user_is_in_more_than_are_allowed(store: Tested) {
    store.put_user(user("alice", "alice"), NOW).await.unwrap();
    let most = u64::from(MOST_PER_USER);
    let added = parallel(&store, most + 20, |store, number| async move {
        let text = format!("g{number}");
        store.add_group(added(group(&text, "r"))).await.unwrap();
        store.add_group_member(&name(&text), &to_id("alice")).await.unwrap()
    })
    .await;
    let count = |outcome| added.iter().filter(|added| **added == outcome).count() as u64;
    assert_eq!(count(AddedGroupMember::Added), most);
    assert_eq!(count(AddedGroupMember::TooMany), 20);
    assert_eq!(alice(&store).await.groups.len() as u64, most);
}

pub async fn a_new_group_has_nobody_of_one_that_is_being_removed(store: Tested) {
    assert!(store.add_group(added(group("staff", "reader"))).await.unwrap());
    for number in 0..1_100 {
        let text = format!("u{number}");
        store.put_user(user(&text, &text), NOW).await.unwrap();
        store.add_group_member(&name("staff"), &to_id(&text)).await.unwrap();
    }
    let (removed, ()) =
        futures::join!(async { store.remove_group(&name("staff"), None).await.unwrap() }, async {
            while !store.add_group(added(group("staff", "admin"))).await.unwrap() {}
        });
    assert!(removed);
    assert!(store.group_members(&name("staff"), None, 5).await.unwrap().is_empty());
    assert_eq!(store.group(&name("staff")).await.unwrap().unwrap().group.roles, ["admin"]);
}

pub async fn removed_with_their_memberships(store: Tested) {
    with_alice_in(&store, &["a", "b"]).await;
    assert!(!store.remove_group(&name("a"), Some(2)).await.unwrap(), "it has version 1");
    assert_eq!(store.group_members(&name("a"), None, 1).await.unwrap().len(), 1);
    assert!(store.remove_group(&name("a"), Some(1)).await.unwrap());
    assert!(!store.remove_group(&name("a"), None).await.unwrap());
    assert_eq!(names(&alice(&store).await), ["b"]);
    store.add_group(added(group("a", "r"))).await.unwrap();
    assert_eq!(names(&alice(&store).await), ["b"], "a new group of the same name is empty");
    store.remove_user(&to_id("alice"), NOW).await.unwrap();
    assert!(store.group_members(&name("b"), None, 5).await.unwrap().is_empty());
}
