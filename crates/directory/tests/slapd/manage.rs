//! Users are managed: found, added, changed and disabled, with the rights that the guide gives to
//! the account for it.

use std::{fmt::Write as _, slice, sync::LazyLock, time::Duration};

use doorward_directory::{
    Dn, LdapDirectory,
    settings::{
        DirectorySettings, DisableBy, Limits, ManagedGroups, Management, Security, ServiceAccount,
    },
};
use doorward_protocol::secret::Secret;
use doorward_provider::{
    model::{directory::AccountProblem, external_identity::ExternalSubject},
    use_case::{
        directory::{DirectoryClient as _, DirectoryError},
        directory_management::{
            DirectoryGroup, DirectoryManager, EntryAttributes, EntryChanges, ManageError,
            ManagedEntry, NewEntry,
        },
    },
};
use test_slapd::{
    BASE, READER, READER_PASSWORD, TestSlapd, WRITER, WRITER_PASSWORD, group, person,
};
use tokio::net::TcpListener;

use crate::{NOW, dn_of, open, server, settings, sign_in};

/// A server whose entries the tests of this file change. Each has entries of its own.
static OWN: LazyLock<TestSlapd> = LazyLock::new(|| {
    let mut ldif = String::new();
    for name in ["ada", "bob", "eve", "grace", "joan", "mary", "racer", "many"] {
        ldif += &person(name, &format!("{name}'s password"));
    }
    let sales = format!("ou=sales,ou=people,{BASE}");
    let _ = write!(ldif, "dn: {sales}\nobjectClass: organizationalUnit\nou: sales\n\n");
    // Beside the subtree: a name that only looks as if it were in it, and one that ends like it.
    let _ = write!(
        ldif,
        "dn: ou=x\\,ou\\=people,{BASE}\nobjectClass: organizationalUnit\nou: x,ou=people\n\n"
    );
    let _ = write!(ldif, "dn: ou=more,{BASE}\nobjectClass: organizationalUnit\nou: more\n\n");
    ldif += &person("outside", "outside's password").replace("ou=people", "ou=more");
    for number in 0..1_200 {
        ldif += &group(&format!("g{number:04}"), &[&dn_of("many")]);
    }
    ldif += &group("staff", &[&dn_of("many")]);
    ldif += &group("others", &[&dn_of("many")]).replace("ou=groups", "ou=more");
    TestSlapd::start(&ldif)
});

fn managed(slapd: &TestSlapd) -> DirectorySettings {
    let dn = |text: &str| Dn::parse(&format!("{text},{BASE}")).unwrap();
    let editable = ["cn", "sn", "givenName", "mail", "description"].map(str::to_owned);
    let management = Management {
        account: ServiceAccount { dn: WRITER.to_owned(), password: Secret::new(WRITER_PASSWORD) },
        base: dn("ou=people"),
        create_in: dn("ou=people"),
        filter: "(objectClass=person)".to_owned(),
        object_classes: vec!["inetOrgPerson".to_owned()],
        naming_attribute: "uid".to_owned(),
        editable: editable.into(),
        disable: DisableBy::Mark {
            attribute: "pwdAccountLockedTime".to_owned(),
            value: "000001010000Z".to_owned(),
        },
        groups: Some(ManagedGroups {
            base: dn("ou=groups"),
            filter: "(objectClass=groupOfNames)".to_owned(),
            name: "cn".to_owned(),
            member: "member".to_owned(),
        }),
    };
    DirectorySettings { management: Some(management), ..settings(slapd) }
}

fn with(change: impl FnOnce(&mut Management)) -> LdapDirectory {
    let mut settings = managed(&OWN);
    change(settings.management.as_mut().unwrap());
    open(settings)
}

fn manager(directory: &LdapDirectory) -> &dyn DirectoryManager {
    directory.manager().unwrap()
}

fn attributes(values: &[(&str, &[&str])]) -> EntryAttributes {
    let owned = |(name, values): &(&str, &[&str])| {
        ((*name).to_owned(), values.iter().map(|&value| value.to_owned()).collect())
    };
    values.iter().map(owned).collect()
}

fn new(username: &str) -> NewEntry {
    NewEntry {
        username: username.to_owned(),
        parent: None,
        attributes: attributes(&[("cn", &["New One"]), ("sn", &["One"])]),
        password: Some(Secret::new("a first password")),
        must_change: false,
        enabled: true,
    }
}

async fn read(directory: &LdapDirectory, name: &str) -> ManagedEntry {
    manager(directory).named(name, NOW).await.unwrap()
}

fn outside(error: &ManageError) -> bool {
    matches!(error, ManageError::Outside(_))
}

#[tokio::test]
async fn a_directory_without_the_table_is_not_managed() {
    assert!(open(settings(&OWN)).manager().is_none());
    assert!(open(managed(&OWN)).manager().is_some());
}

#[tokio::test]
async fn users_are_found_by_the_beginning_of_a_name() {
    let directory = open(managed(&OWN));
    let found = async |text: &str, most: usize| {
        let found = manager(&directory).find(text, most, NOW).await.unwrap();
        let names: Vec<String> = found.items.into_iter().map(|entry| entry.username).collect();
        (names, found.is_cut)
    };
    assert_eq!(found("AD", 10).await, (vec!["ada".to_owned()], false));
    assert_eq!(found("bob@", 10).await.0, ["bob"]);
    for hostile in ["*", "ad*", "a)(uid=*", "a))(|(uid=*", "\\", "\0", "nobody", "outside"] {
        assert_eq!(found(hostile, 10).await, (Vec::new(), false), "{hostile:?}");
    }
    let (some, is_cut) = found("", 3).await;
    assert!(is_cut && some.len() == 3, "{some:?}");
    let all = found("", 1000).await.0;
    assert!(all.is_sorted() && !all.contains(&"outside".to_owned()), "{all:?}");
    for hostile in ["*", "ada)(uid=*", "", " ada", "outside"] {
        assert!(manager(&directory).named(hostile, NOW).await.is_err(), "{hostile:?}");
    }
    let ada = read(&directory, "ada").await;
    assert_eq!(manager(&directory).entry(&ada.id, NOW).await.unwrap(), ada);
    assert_eq!(ada.attributes["mail"], ["ada@example.com"]);
    let none = ExternalSubject::parse("*").unwrap();
    assert_eq!(manager(&directory).entry(&none, NOW).await, Err(ManageError::Missing));
}

#[tokio::test]
async fn a_user_is_added_and_signs_in() {
    let directory = open(managed(&OWN));
    // What means something in names and filters is part of the name.
    for name in ["new", "o*(b)\\,x+y=z", "#first", "l\u{e9}a <x>; \"y\""] {
        let added = manager(&directory).create(&new(name), NOW).await.unwrap();
        assert_eq!((added.username.as_str(), added.enabled), (name, true));
        let user = sign_in(&directory, name, "a first password").await.unwrap();
        assert_eq!(user.subject, added.id, "{name}");
        let again = manager(&directory).create(&new(name), NOW).await;
        assert_eq!(again, Err(ManageError::Exists), "{name}");
    }
    let disabled = NewEntry { enabled: false, ..new("later") };
    assert!(!manager(&directory).create(&disabled, NOW).await.unwrap().enabled);
    let must = NewEntry { must_change: true, ..new("must") };
    let id = manager(&directory).create(&must, NOW).await.unwrap().id;
    let problem = directory.entry(&id, NOW).await.unwrap().unwrap().state.problem;
    assert_eq!(problem, Some(AccountProblem::MustChangePassword));
}

#[tokio::test]
async fn a_user_is_added_in_the_subtree_and_nowhere_else() {
    let directory = open(managed(&OWN));
    let create = async |name: &str, parent: String| {
        let new = NewEntry { parent: Some(parent), ..new(name) };
        manager(&directory).create(&new, NOW).await
    };
    let added = create("seller", format!("OU=Sales , ou=people,{BASE}")).await.unwrap();
    assert_eq!(added.dn.to_lowercase(), format!("uid=seller,ou=sales,ou=people,{BASE}"));
    for parent in [
        BASE.to_owned(),
        format!("ou=more,{BASE}"),
        format!("ou=x\\,ou\\=people,{BASE}"),
        format!("ou=x\\2cou\\3dpeople,{BASE}"),
        format!("ou=people\\,{BASE}"),
        format!("ou=people,{BASE},dc=evil"),
        format!("ou=people+ou=more,{BASE}"),
    ] {
        let refused = create("stray", parent.clone()).await.unwrap_err();
        assert!(outside(&refused), "{parent}: {refused:?}");
    }
    for parent in ["", "people", "ou=people,,dc=example", "ou=\\zz", "ou=a\0"] {
        let refused = create("stray", parent.to_owned()).await.unwrap_err();
        assert!(matches!(refused, ManageError::Invalid { .. }), "{parent}: {refused:?}");
    }
    let nowhere = create("stray", format!("ou=nowhere,ou=people,{BASE}")).await.unwrap_err();
    assert!(matches!(nowhere, ManageError::Invalid { .. }), "{nowhere:?}");
    let stray = manager(&directory).named("stray", NOW).await;
    assert_eq!(stray, Err(ManageError::Missing));
}

#[tokio::test]
async fn what_no_entry_can_have_is_refused_before_it_is_sent() {
    let directory = open(managed(&OWN));
    let create = async |change: &dyn Fn(&mut NewEntry)| {
        let mut entry = new("refused");
        change(&mut entry);
        manager(&directory).create(&entry, NOW).await.unwrap_err()
    };
    let put = |name: &'static str, value: &'static str| {
        move |entry: &mut NewEntry| {
            entry.attributes.insert(name.to_owned(), vec![value.to_owned()]);
        }
    };
    for wrong in [
        &put("userPassword", "{CLEARTEXT}x") as &dyn Fn(&mut NewEntry),
        &put("objectClass", "posixAccount"),
        &put("uid", "other"),
        &put("mail;binary", "x"),
        &put("mail", "a\nmember: x"),
        &put("mail", ""),
        &|entry: &mut NewEntry| entry.username = " x".to_owned(),
        &|entry: &mut NewEntry| entry.username = "x\0".to_owned(),
        &|entry: &mut NewEntry| entry.username = String::new(),
        &|entry: &mut NewEntry| entry.password = Some(Secret::new("")),
        &|entry: &mut NewEntry| (entry.password, entry.must_change) = (None, true),
    ] {
        let refused = create(wrong).await;
        assert!(matches!(refused, ManageError::Invalid { .. }), "{refused:?}");
    }
    // The directory's own rules are told.
    let refused = create(&|entry: &mut NewEntry| drop(entry.attributes.remove("sn"))).await;
    let ManageError::Refused(text) = refused else { panic!("{refused:?}") };
    assert!(text.contains("sn"), "{text}");
    assert_eq!(manager(&directory).named("refused", NOW).await, Err(ManageError::Missing));
}

#[tokio::test]
async fn attributes_are_edited_and_a_newer_change_stays() {
    let directory = open(managed(&OWN));
    let before = read(&directory, "grace").await;
    let change = |values: &[(&str, &[&str])]| EntryChanges {
        attributes: attributes(values),
        ..EntryChanges::default()
    };
    let hostile = "a, (b) * \\ \u{e9} +<>;=\"#";
    let changes = change(&[("description", &[hostile, "two"]), ("MAIL", &["g@example.com"])]);
    let after = manager(&directory).change(&before, &changes, NOW).await.unwrap();
    assert_eq!(after.attributes["description"], [hostile, "two"]);
    assert_eq!(after.email.as_deref(), Some("g@example.com"));
    assert_eq!(after.id, before.id);
    // What was read before that is old.
    let late = manager(&directory).change(&before, &change(&[("sn", &["Late"])]), NOW).await;
    assert_eq!(late, Err(ManageError::Overtaken));
    let removed = change(&[("description", &[]), ("givenName", &["Case"])]);
    let after = manager(&directory).change(&after, &removed, NOW).await.unwrap();
    assert!(!after.attributes.contains_key("description"));
    let nothing = manager(&directory).change(&after, &EntryChanges::default(), NOW).await.unwrap();
    assert_eq!(nothing, after);
    for wrong in [&[("userPassword", &["x"][..])][..], &[("memberOf", &["x"])], &[("sn", &["\0"])]]
    {
        let refused = manager(&directory).change(&after, &change(wrong), NOW).await.unwrap_err();
        assert!(matches!(refused, ManageError::Invalid { .. }), "{refused:?}");
    }
    // The last name can't go: the directory says so.
    let refused = manager(&directory).change(&after, &change(&[("sn", &[])]), NOW).await;
    assert!(matches!(refused, Err(ManageError::Refused(_))), "{refused:?}");
    // An entry from elsewhere is refused, whoever has made it.
    let forged = ManagedEntry { dn: format!("uid=outside,ou=more,{BASE}"), ..after };
    let refused = manager(&directory).change(&forged, &change(&[("sn", &["x"])]), NOW).await;
    assert!(outside(&refused.unwrap_err()));
    let password = Secret::new("another");
    let refused = manager(&directory).set_password(&forged, &password, false).await;
    assert!(outside(&refused.unwrap_err()));
}

#[tokio::test]
async fn a_user_is_renamed_and_stays_the_same() {
    let directory = open(managed(&OWN));
    let before = read(&directory, "joan").await;
    let named =
        |name: &str| EntryChanges { username: Some(name.to_owned()), ..EntryChanges::default() };
    let renamed = manager(&directory).change(&before, &named("jo,an=x"), NOW).await.unwrap();
    assert_eq!((&renamed.id, renamed.username.as_str()), (&before.id, "jo,an=x"));
    let user = sign_in(&directory, "jo,an=x", "joan's password").await.unwrap();
    assert_eq!(user.subject, before.id);
    let taken = manager(&directory).change(&renamed, &named("ada"), NOW).await;
    assert_eq!(taken, Err(ManageError::Exists));
    let both = EntryChanges { attributes: attributes(&[("sn", &["x"])]), ..named("joanna") };
    let refused = manager(&directory).change(&renamed, &both, NOW).await;
    assert!(matches!(refused, Err(ManageError::Invalid { .. })), "{refused:?}");
    let late = manager(&directory).change(&before, &named("joanna"), NOW).await;
    assert!(late.is_err(), "the old name leads nowhere");
}

#[tokio::test]
async fn a_user_name_is_given_once_wherever_the_entry_is() {
    let directory = open(managed(&OWN));
    let manager = manager(&directory);
    let parent = Some(format!("ou=sales,ou=people,{BASE}"));
    let once = manager.create(&NewEntry { parent, ..new("once") }, NOW).await.unwrap();
    // The directory itself would take it: the entry has another name.
    for name in ["once", "ONCE"] {
        assert_eq!(manager.create(&new(name), NOW).await, Err(ManageError::Exists), "{name}");
    }
    let clash = manager.create(&new("clash"), NOW).await.unwrap();
    let changes = EntryChanges { username: Some("Once".to_owned()), ..EntryChanges::default() };
    assert_eq!(manager.change(&clash, &changes, NOW).await, Err(ManageError::Exists));
    let user = sign_in(&directory, "once", "a first password").await.unwrap();
    assert_eq!(user.subject, once.id);
}

#[tokio::test]
async fn the_accounts_of_this_program_are_not_managed() {
    let account = |dn: &str| {
        Some(ServiceAccount { dn: dn.to_owned(), password: Secret::new(READER_PASSWORD) })
    };
    // All entries are under the base, and the service accounts have a name.
    let whole = |account: Option<ServiceAccount>, decoy: Option<String>| {
        let mut settings = DirectorySettings { account, decoy, ..managed(&OWN) };
        settings.attributes.username = "cn".to_owned();
        let own = settings.management.as_mut().unwrap();
        own.base = Dn::parse(BASE).unwrap();
        own.filter = "(objectClass=*)".to_owned();
        open(settings)
    };
    let directory = whole(None, None);
    let (reader, ada) = (read(&directory, "reader").await, read(&directory, "ada Example").await);
    let writer = manager(&directory).named("writer", NOW).await;
    assert_eq!(writer, Err(ManageError::Missing), "it writes");
    let decoy = Some(dn_of("ada").to_uppercase());
    let directory = whole(account("CN=Reader , dc=example,DC=com"), decoy);
    let manager = manager(&directory);
    for name in ["reader", "writer", "ada Example"] {
        assert_eq!(manager.named(name, NOW).await, Err(ManageError::Missing), "{name}");
        assert!(manager.find(name, 10, NOW).await.unwrap().items.is_empty(), "{name}");
    }
    for id in [&reader.id, &ada.id] {
        assert_eq!(manager.entry(id, NOW).await, Err(ManageError::Missing), "{id:?}");
    }
    assert!(manager.named("bob Example", NOW).await.is_ok());
    // As Active Directory lets them sign in.
    for name in ["EXAMPLE\\Ada", "ada@example.com"] {
        let directory = open(DirectorySettings { account: account(name), ..managed(&OWN) });
        let manager = directory.manager().unwrap();
        assert_eq!(manager.named("ada", NOW).await, Err(ManageError::Missing), "{name}");
        assert!(manager.named("bob", NOW).await.is_ok(), "{name}");
    }
}

#[tokio::test]
async fn an_account_is_disabled_and_enabled_by_either_mark() {
    let enabled =
        |enabled: bool| EntryChanges { enabled: Some(enabled), ..EntryChanges::default() };
    for directory in [
        open(managed(&OWN)),
        with(|own| {
            own.disable = DisableBy::Mark {
                attribute: "employeeType".to_owned(),
                value: "Disabled".to_owned(),
            };
        }),
    ] {
        let before = read(&directory, "eve").await;
        assert!(
            sign_in(&directory, "eve", "eve's password").await.unwrap().state.problem.is_none()
        );
        let disabled = manager(&directory).change(&before, &enabled(false), NOW).await.unwrap();
        assert!(!disabled.enabled);
        let state = directory.entry(&before.id, NOW).await.unwrap().unwrap().state;
        assert!(state.ends_access());
        let password = Secret::new("eve's password");
        manager(&directory).set_password(&disabled, &password, false).await.unwrap();
        let disabled = read(&directory, "eve").await;
        assert!(!disabled.enabled, "a password lets nobody in who is disabled");
        let again = manager(&directory).change(&disabled, &enabled(false), NOW).await.unwrap();
        let after = manager(&directory).change(&again, &enabled(true), NOW).await.unwrap();
        assert!(after.enabled);
        assert!(
            sign_in(&directory, "eve", "eve's password").await.unwrap().state.problem.is_none()
        );
    }
}

#[tokio::test]
async fn a_password_is_set_without_the_old_one() {
    let directory = open(managed(&OWN));
    let mary = read(&directory, "mary").await;
    let set = async |password: &str, must_change: bool| {
        manager(&directory).set_password(&mary, &Secret::new(password), must_change).await
    };
    assert_eq!(set("an\"other (\u{e9})", false).await, Ok(()));
    assert!(sign_in(&directory, "mary", "mary's password").await.is_err());
    assert!(sign_in(&directory, "mary", "an\"other (\u{e9})").await.is_ok());
    assert!(matches!(set("", false).await, Err(ManageError::Invalid { .. })));
    assert_eq!(set("a third", true).await, Ok(()));
    let refused = sign_in(&directory, "mary", "a third").await;
    let problem = match refused {
        Err(DirectoryError::Account(problem)) => Some(problem),
        Ok(user) => user.state.problem,
        Err(other) => panic!("{other:?}"),
    };
    assert_eq!(problem, Some(AccountProblem::MustChangePassword));
}

#[tokio::test]
async fn memberships_are_changed_in_the_groups_that_are_managed() {
    let directory = open(managed(&OWN));
    let manager = manager(&directory);
    let bob = read(&directory, "bob").await;
    let staff = manager.group_named("STAFF").await.unwrap();
    assert_eq!(manager.group(&staff.id).await.unwrap(), staff);
    assert!(manager.groups_of(&bob).await.unwrap().is_empty());
    assert_eq!(manager.set_member(&bob, &staff, true).await, Ok(true));
    assert_eq!(manager.set_member(&bob, &staff, true).await, Ok(false));
    assert_eq!(manager.groups_of(&bob).await.unwrap(), slice::from_ref(&staff));
    assert_eq!(manager.set_member(&bob, &staff, false).await, Ok(true));
    assert_eq!(manager.set_member(&bob, &staff, false).await, Ok(false));
    // A group elsewhere is none, however its name was got.
    assert_eq!(manager.group_named("others").await, Err(ManageError::Missing));
    assert_eq!(manager.group_named("*").await, Err(ManageError::Missing));
    let forged = DirectoryGroup { dn: format!("cn=others,ou=more,{BASE}"), ..staff.clone() };
    assert!(outside(&manager.set_member(&bob, &forged, true).await.unwrap_err()));
    let forged = ManagedEntry { dn: format!("uid=outside,ou=more,{BASE}"), ..bob.clone() };
    assert!(outside(&manager.set_member(&forged, &staff, true).await.unwrap_err()));
    // As many as there are, over pages.
    let many = read(&directory, "many").await;
    let count = manager.groups_of(&many).await.unwrap().len();
    assert_eq!(count, 1000, "as many as the limit");
    let found = manager.groups("g01", 50).await.unwrap();
    assert!(found.is_cut && found.items.len() == 50);
    assert_eq!(found.items[0].name, "g0100");
    // The last member can't leave: the directory says so.
    let only = manager.group_named("g0001").await.unwrap();
    let refused = manager.set_member(&many, &only, false).await;
    assert!(matches!(refused, Err(ManageError::Refused(_))), "{refused:?}");
    let without = with(|own| own.groups = None);
    let without = without.manager().unwrap();
    assert_eq!(without.groups("", 10).await, Err(ManageError::NoGroups));
    assert_eq!(without.groups_of(&bob).await, Ok(Vec::new()));
}

#[tokio::test]
async fn of_changes_at_the_same_time_one_is_made() {
    let directory = open(managed(&OWN));
    let before = read(&directory, "racer").await;
    let names: Vec<String> = (0..8).map(|number| format!("Name {number}")).collect();
    let changes = names.iter().map(|name| {
        let changes = EntryChanges {
            attributes: attributes(&[("givenName", &[name.as_str()])]),
            ..EntryChanges::default()
        };
        let (before, directory) = (&before, &directory);
        async move { manager(directory).change(before, &changes, NOW).await }
    });
    let done = futures::future::join_all(changes).await;
    assert_eq!(done.iter().filter(|one| one.is_ok()).count(), 1, "{done:?}");
    assert!(done.iter().flatten().all(|entry| entry.attributes["givenName"].len() == 1));
    let lost = done.iter().filter_map(|one| one.as_ref().err());
    assert!(lost.into_iter().all(|error| *error == ManageError::Overtaken));
}

#[tokio::test]
async fn an_account_without_rights_and_a_server_that_hangs_are_told() {
    let poor = with(|own| {
        own.account =
            ServiceAccount { dn: READER.to_owned(), password: Secret::new(READER_PASSWORD) };
    });
    let refused = manager(&poor).create(&new("poor"), NOW).await.unwrap_err();
    let ManageError::Refused(text) = refused else { panic!("{refused:?}") };
    assert!(text.contains("has no right"), "{text}");
    let wrong = with(|own| own.account.password = Secret::new("wrong"));
    let refused = manager(&wrong).find("", 1, NOW).await.unwrap_err();
    let ManageError::Unavailable(text) = refused else { panic!("{refused:?}") };
    assert!(text.contains(WRITER) && text.contains("may not sign in"), "{text}");
    // That says nothing about sign-ins.
    assert!(wrong.is_up());
    assert!(sign_in(&wrong, "ada", "ada's password").await.is_ok());
    // It takes connections and never says a word.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let limits = Limits { whole: Duration::from_millis(300), ..managed(&OWN).limits };
    let servers = vec![server(port, Security::Plain)];
    let silent = open(DirectorySettings { servers, limits, ..managed(&OWN) });
    for refused in [
        manager(&silent).create(&new("silent"), NOW).await.unwrap_err(),
        manager(&silent).find("", 1, NOW).await.unwrap_err(),
    ] {
        assert!(matches!(refused, ManageError::Unavailable(_)), "{refused:?}");
    }
}
