//! Sign-in by a directory: through the login page, with a real OpenLDAP behind it.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use axum::http::StatusCode;
use doorward_directory::{
    FilterTemplate, LdapDirectory,
    settings::{
        Attributes, DirectoryKind, DirectorySettings, FindEntry, Groups, Limits, PasswordChange,
        Security, Server, ServiceAccount,
    },
};
use doorward_protocol::{ids::Sub, secret::Secret};
use doorward_provider::{
    model::{
        account_event::AccountEventKind,
        account_settings::AccountSettings,
        directory::{AccountProblem, AccountState, Asked, Directory, LoginName, LoginNames},
        external_identity::ExternalSubject,
        identity_provider::{FirstSignIn, IdentityProvider, IdentityProviderName},
        outbox::MailKind,
        second_factor::{RequireSecondFactor, SecondFactorSettings},
        session::{Device, SignInProof},
        time::{Seconds, Timestamp},
        token_handle::TokenHandle,
        user::{User, normalized_username},
    },
    use_case::{
        accounts::Asker,
        directory::{
            Always, BeforeBind, DirectoryClient, DirectoryClients, DirectoryError, DirectoryUser,
            PasswordChangeError, password_set_in_directory,
        },
        sign_in::{SignIn, SignInError},
    },
};
use futures::future::join_all;
use serde_json::json;
use test_slapd::{BASE, READER, READER_PASSWORD, TestSlapd, group, person};

use crate::{
    accounts::enumeration::commands,
    audit::records,
    factors::{SECOND_STEP, add_passkey, add_passkey_in},
    support::{Answer, Browser, Setup, World, authorize_url, claims, user},
};

const WRONG: &str = "The user name or the password is wrong";

const ASKER: Asker<'static> = Asker {
    address: "192.0.2.1",
    browser: Some("Firefox, Linux"),
    language: "en",
    mark: None,
    client_id: None,
};

fn dn_of(name: &str) -> String {
    format!("uid={name},ou=people,{BASE}")
}

fn name() -> IdentityProviderName {
    IdentityProviderName::parse("corp").unwrap()
}

/// A directory whose members of `staff` are users, and those of `admins` administrators.
fn corp() -> Directory {
    let directory = Directory::new(name());
    let rules = json!([
        {"claim": "role", "from": "/groups", "only": ["user"]},
        {"claim": "role", "value": "admin",
         "when": [{"pointer": "/groups", "contains": "admins"}]},
        {"claim": "department", "from": "/sn"},
    ]);
    Directory {
        provider: IdentityProvider {
            title: "Corporate".to_owned(),
            first_sign_in: FirstSignIn::Create,
            claims: serde_json::from_value(rules).unwrap(),
            ..directory.provider
        },
        ..directory
    }
}

fn client(slapd: &TestSlapd) -> LdapDirectory {
    let parse = |text, known| FilterTemplate::parse(text, known).unwrap();
    // Nothing here waits for a time limit on a machine that is not very busy.
    let long = Duration::from_mins(1);
    let settings = DirectorySettings {
        name: name(),
        kind: DirectoryKind::Ldap,
        servers: vec![Server {
            host: "127.0.0.1".to_owned(),
            port: slapd.tls_port(),
            security: Security::Tls,
        }],
        authorities: vec![slapd.authority()],
        account: Some(ServiceAccount {
            dn: READER.to_owned(),
            password: Secret::new(READER_PASSWORD),
        }),
        find: FindEntry::Search(parse("(|(uid={name})(mail={typed}))", &["name", "typed"])),
        base: BASE.to_owned(),
        attributes: Attributes::usual(DirectoryKind::Ldap),
        decoy: None,
        groups: Groups::Search {
            base: format!("ou=groups,{BASE}"),
            filter: parse("(member={dn})", &["dn"]),
            name: "cn".to_owned(),
            nested: false,
        },
        password_change: PasswordChange::Rfc3062,
        management: None,
        limits: Limits { connect: long, answer: long, whole: 2 * long, ..Limits::default() },
    };
    LdapDirectory::new(settings, &[]).unwrap()
}

async fn world_with(slapd: &TestSlapd, directory: Directory, users: Vec<User>) -> World {
    let client: Arc<dyn DirectoryClient> = Arc::new(client(slapd));
    let directory_clients = DirectoryClients::from([(name(), client)]);
    let directories = vec![directory];
    World::with(Setup { users, directories, directory_clients, ..Setup::default() }).await
}

async fn world(slapd: &TestSlapd) -> World {
    world_with(slapd, corp(), Vec::new()).await
}

async fn sign_in(world: &World, name: &str, password: &str) -> Answer {
    Browser::new(world).sign_in(name, password, None).await
}

async fn found(world: &World, name: &str) -> Option<User> {
    world.store().user_by_username(&normalized_username(name)).await.unwrap()
}

/// A user of our own without a password and without a verified address, who was brought along.
fn waiting(name: &str) -> User {
    let mut user = User { password_hash: None, ..user(name, name, &[]) };
    user.claims_mut().remove("email_verified");
    user
}

#[tokio::test]
async fn the_first_sign_in_makes_an_account_and_a_renamed_entry_finds_it() {
    let slapd = TestSlapd::start(&(person("ada", "secret") + &group("user", &[&dn_of("ada")])));
    let world = world(&slapd).await;
    let mut browser = Browser::new(&world);
    let answer = browser.sign_in("ada", "secret", None).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{answer:?}");
    let ada = found(&world, "ada").await.unwrap();
    assert_eq!(ada.password_hash, None, "the password is the directory's");
    let tokens = browser.tokens(&[]).await;
    let id_token = claims(&tokens["id_token"]);
    assert_eq!((&id_token["sub"], &id_token["amr"]), (&json!(ada.sub), &json!(["pwd"])));
    assert_eq!(claims(&tokens["access_token"])["role"], "user");
    // The name, the groups and what else the entry says are others by now.
    slapd.change(&format!(
        "dn: {}\nchangetype: modrdn\nnewrdn: uid=countess\ndeleteoldrdn: 1\n\n\
         dn: cn=user,ou=groups,{BASE}\nchangetype: delete\n\n\
         dn: cn=admins,ou=groups,{BASE}\nchangetype: add\nobjectClass: groupOfNames\ncn: admins\n\
         member: {}\n",
        dn_of("ada"),
        dn_of("countess")
    ));
    assert_eq!(sign_in(&world, "ada", "secret").await.status, StatusCode::BAD_REQUEST);
    let mut browser = Browser::new(&world);
    browser.sign_in("countess", "secret", None).await;
    let tokens = browser.tokens(&[]).await;
    assert_eq!(claims(&tokens["id_token"])["sub"], json!(ada.sub));
    assert_eq!(claims(&tokens["access_token"])["role"], "admin");
    // Somebody else who gets the name gets an account of their own.
    slapd.change(&person("ada", "other").replacen('\n', "\nchangetype: add\n", 1));
    assert_eq!(sign_in(&world, "ada", "other").await.status, StatusCode::SEE_OTHER);
    let other = found(&world, "ada-2").await.unwrap();
    assert_ne!(other.sub, ada.sub);
}

#[tokio::test]
async fn of_64_first_sign_ins_at_once_one_makes_the_account() {
    let slapd = TestSlapd::start(&person("ada", "secret"));
    let world = world(&slapd).await;
    let before = world.store().users(None, 1000).await.unwrap().len();
    let client = client(&slapd);
    let name = LoginNames::every().take("ada").unwrap();
    // All of them know the right password before the first one is signed in.
    let password = Secret::new("secret");
    let verified = client.verify(&name, &password, &Always, world.provider.now()).await.unwrap();
    assert_eq!(verified.claims["email"], "ada@example.com");
    let answers = join_all((0..64).map(|number: u8| {
        let world = &world;
        async move {
            let address = std::net::Ipv4Addr::new(192, 0, 2, number);
            Browser::at(world, address.into()).sign_in("ada", "secret", None).await.status
        }
    }))
    .await;
    // Some are too many for the machine, and say so.
    let signed_in = answers.iter().filter(|status| **status == StatusCode::SEE_OTHER).count();
    assert!(signed_in > 0, "{answers:?}");
    assert_eq!(world.store().users(None, 1000).await.unwrap().len(), before + 1);
}

#[tokio::test]
async fn every_failure_looks_the_same() {
    let slapd = TestSlapd::start(&person("ada", "secret"));
    let world = world(&slapd).await;
    for (name, password) in [
        ("ada", "wrong"),
        ("nobody", "secret"),
        ("alice", "wrong"),
        ("*", "secret"),
        ("ada)(uid=*", "secret"),
    ] {
        let answer = sign_in(&world, name, password).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{name}");
        assert!(answer.body.contains(WRONG), "{name}");
    }
    // The form can't be sent without a password by a browser, and this is none.
    let mut browser = Browser::new(&world);
    let page = browser.login_page(None).await;
    let fields = [("username", "ada"), ("action", "login")];
    let answer = browser.submit(&page, &fields).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert!(found(&world, "ada").await.is_none());
}

#[tokio::test]
async fn guesses_at_a_password_of_the_directory_are_throttled() {
    let slapd = TestSlapd::start(&person("ada", "secret"));
    let world = world(&slapd).await;
    let mut refused = StatusCode::BAD_REQUEST;
    for _ in 0..30 {
        refused = sign_in(&world, "ada", "wrong").await.status;
        if refused != StatusCode::BAD_REQUEST {
            break;
        }
    }
    assert_eq!(refused, StatusCode::TOO_MANY_REQUESTS);
    let answer = sign_in(&world, "ada", "secret").await;
    assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS, "the right one has to wait, too");
}

#[tokio::test]
async fn the_owner_is_told_of_many_wrong_passwords_and_another_one_begins_anew() {
    let slapd = TestSlapd::start(&person("ada", "secret"));
    let accounts =
        AccountSettings { mail: true, most_wrong_attempts: 3, ..AccountSettings::default() };
    let changing = Directory { changes_passwords: true, ..corp() };
    let client: Arc<dyn DirectoryClient> = Arc::new(client(&slapd));
    let directory_clients = DirectoryClients::from([(name(), client)]);
    let directories = vec![changing];
    let setup = Setup { accounts, directories, directory_clients, ..Setup::default() };
    let world = World::with(setup).await;
    let mut owner = Browser::new(&world);
    owner.sign_in("ada", "secret", None).await;
    let mut ada = found(&world, "ada").await.unwrap();
    ada.claims_mut().insert("email".to_owned(), "ada@example.com".into());
    ada.claims_mut().insert("email_verified".to_owned(), true.into());
    world.store().put_user(ada.clone(), world.provider.now()).await.unwrap();
    let at = |number: u8| Browser::at(&world, [198, 51, 100, number].into());
    for number in 0..5 {
        world.clock.advance(3601);
        at(number).sign_in("ada", "wrong", None).await;
    }
    let told = world.mail_to("ada@example.com").await;
    assert_eq!((told.kind, told.data.get("link")), (MailKind::PasswordGuessed, None));
    assert_eq!(world.mails().await, [], "told once");
    let events = world.store().account_events(&ada.sub, None, 1).await.unwrap();
    assert_eq!(events[0].event.kind, AccountEventKind::PasswordGuessed);
    world.clock.advance(3601);
    let refused = at(9).sign_in("ada", "secret", None).await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{refused:?}");
    // In the browser where ada is known, the password is taken and can be changed.
    owner.sign_in("ada", "secret", None).await;
    change_password(&mut owner, "secret", "another secret").await;
    let taken = at(10).sign_in("ada", "another secret", None).await;
    assert_eq!(taken.status, StatusCode::SEE_OTHER, "{taken:?}");
}

#[tokio::test]
async fn a_sign_in_that_waits_for_its_second_step_ends_with_the_entry() {
    let slapd = TestSlapd::start(&person("ada", "secret"));
    let client: Arc<dyn DirectoryClient> = Arc::new(client(&slapd));
    let setup = Setup {
        second_factor: SecondFactorSettings {
            require: RequireSecondFactor::Always,
            ..SecondFactorSettings::default()
        },
        directories: vec![corp()],
        directory_clients: DirectoryClients::from([(name(), client)]),
        ..Setup::default()
    };
    let world = World::with(setup).await;
    let mut browser = Browser::new(&world);
    let to_step = browser.sign_in("ada", "secret", None).await;
    assert!(to_step.location().starts_with(SECOND_STEP), "{to_step:?}");
    assert_eq!(browser.get(SECOND_STEP).await.status, StatusCode::OK);
    slapd.set(&dn_of("ada"), "pwdAccountLockedTime", "000001010000Z");
    assert_eq!(browser.get(SECOND_STEP).await.location(), "/account/login");
}

#[tokio::test]
async fn a_sign_in_that_waits_for_its_second_step_ends_with_another_password() {
    let slapd = TestSlapd::start(&person("ada", "secret"));
    let changing = Directory { changes_passwords: true, ..corp() };
    let world = world_with(&slapd, changing, Vec::new()).await;
    let by_two_factors = authorize_url(&[("acr_values", "urn:doorward:acr:2")]);
    let wait = async |password: &str| {
        let mut browser = Browser::new(&world);
        let to_step = browser.sign_in("ada", password, Some(&by_two_factors)).await;
        assert!(to_step.location().starts_with(SECOND_STEP), "{to_step:?}");
        browser
    };
    let mut owner = Browser::new(&world);
    owner.sign_in("ada", "secret", None).await;
    let mut before = wait("secret").await;
    sign_in(&world, "ada", "secret").await;
    assert_eq!(before.get(SECOND_STEP).await.status, StatusCode::OK, "nothing has changed");
    let changed = change_password(&mut owner, "secret", "another secret").await;
    assert!(changed.body.contains("Your password is changed"), "{changed:?}");
    assert_eq!(before.get(SECOND_STEP).await.location(), "/account/login");
    let mut after = wait("another secret").await;
    // More happens to the account than is read at a time.
    for _ in 0..21 {
        sign_in(&world, "ada", "another secret").await;
    }
    assert_eq!(after.get(SECOND_STEP).await.status, StatusCode::OK);
    let sub = found(&world, "ada").await.unwrap().sub;
    let event = password_set_in_directory(&sub, Timestamp::from_seconds(world.clock.seconds()));
    world.provider.directories().end_access(&sub, Some(event)).await.unwrap();
    for _ in 0..21 {
        sign_in(&world, "ada", "another secret").await;
    }
    assert_eq!(after.get(SECOND_STEP).await.location(), "/account/login");
}

#[tokio::test]
async fn guesses_under_each_name_of_an_entry_add_up() {
    let slapd = TestSlapd::start(&person("ada", "secret"));
    let names = ["ada", "ADA@example.com", "\u{ff41}da", "a\u{ff44}a"];
    // Before the first sign-in the entry is counted, and then its user.
    for is_known in [false, true] {
        let world = world(&slapd).await;
        if is_known {
            let mut browser = Browser::at(&world, [198, 51, 100, 7].into());
            browser.sign_in("ada", "secret", None).await;
        }
        let mut tries = 0;
        for name in names.iter().cycle().take(40) {
            let status = sign_in(&world, name, "wrong").await.status;
            if status == StatusCode::TOO_MANY_REQUESTS {
                break;
            }
            tries += 1;
        }
        assert!((4..=6).contains(&tries), "{tries}: as many as for one name");
        // A name that was not tried yet has to wait, too.
        let answer = sign_in(&world, "ad\u{ff41}", "secret").await;
        assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS);
    }
}

/// What is counted for nobody's entry takes its time, and counts for nobody else.
#[tokio::test]
async fn right_passwords_of_our_own_hold_up_nobody_at_their_address() {
    let slapd = TestSlapd::start("");
    let first = Directory { asked: Asked::BeforeLocalUsers, ..corp() };
    let names: Vec<String> = (0..16).map(|number| format!("colleague-{number}")).collect();
    let users = names.iter().map(|name| user(name, name, &[])).collect();
    let world = world_with(&slapd, first, users).await;
    // The first of a name makes the address known. The four after it would be counted, for all
    // names together more than the wrong passwords that may be tried from one address.
    for name in names.iter().flat_map(|name| [name; 5]) {
        let answer = sign_in(&world, name, name).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{name}: {answer:?}");
    }
    let answer = sign_in(&world, "carol", "carol").await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{answer:?}");
}

#[tokio::test]
async fn our_own_users_come_first_or_the_directory_does() {
    let slapd = TestSlapd::start(&person("alice", "of the directory"));
    let world = world(&slapd).await;
    // Alice is a user of our own, whose password is the name.
    assert_eq!(sign_in(&world, "alice", "alice").await.status, StatusCode::SEE_OTHER);
    let answer = sign_in(&world, "alice", "of the directory").await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST, "the name is hers");
    let first = Directory { asked: Asked::BeforeLocalUsers, ..corp() };
    let world = world_with(&slapd, first, Vec::new()).await;
    assert_eq!(sign_in(&world, "alice", "alice").await.status, StatusCode::BAD_REQUEST);
    let answer = sign_in(&world, "alice", "of the directory").await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    assert!(found(&world, "alice-2").await.is_some(), "an account of its own");
    assert_eq!(sign_in(&world, "carol", "carol").await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn guesses_cost_the_store_the_same_for_a_name_of_nobody() {
    let slapd = TestSlapd::start(&person("ada", "secret"));
    for asked in [Asked::AfterLocalUsers, Asked::BeforeLocalUsers] {
        let of = async |name| {
            let world = world_with(&slapd, Directory { asked, ..corp() }, Vec::new()).await;
            let guess = async {
                let refused = sign_in(&world, name, "wrong").await;
                assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{refused:?}");
            };
            commands(guess).await
        };
        let of_nobody = of("nobody").await;
        assert!(of_nobody.values().sum::<u64>() >= 4, "{of_nobody:?}");
        assert_eq!(of("alice").await, of_nobody, "{asked:?}");
    }
}

#[tokio::test]
async fn names_of_another_form_are_not_looked_up() {
    let slapd = TestSlapd::start(&person("ada", "secret"));
    let names = LoginNames::parse(&["*@corp.example".to_owned()]).unwrap();
    let world = world_with(&slapd, Directory { names, ..corp() }, Vec::new()).await;
    assert_eq!(sign_in(&world, "ada", "secret").await.status, StatusCode::BAD_REQUEST);
    let answer = sign_in(&world, "Ada@Corp.Example", "secret").await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{answer:?}");
}

#[tokio::test]
async fn users_who_were_brought_along_keep_their_sub() {
    let slapd = TestSlapd::start(&(person("ada", "secret") + &person("carol", "of the directory")));
    let users = || vec![waiting("ada")];
    let world = world_with(&slapd, corp(), users()).await;
    assert_eq!(sign_in(&world, "ada", "secret").await.status, StatusCode::SEE_OTHER);
    assert!(found(&world, "ada-2").await.is_some(), "by default a name says nothing");
    let adopting = || Directory { adopts_usernames: true, ..corp() };
    let world = world_with(&slapd, adopting(), users()).await;
    assert_eq!(sign_in(&world, "ada", "secret").await.status, StatusCode::SEE_OTHER);
    assert!(found(&world, "ada-2").await.is_none());
    let ada = Sub::parse("ada").unwrap();
    assert_eq!(world.store().external_identities(&ada).await.unwrap().len(), 1);
    // Carol has a password of our own: nobody gets her account by her name.
    let answer = sign_in(&world, "carol", "of the directory").await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    let first = Directory { asked: Asked::BeforeLocalUsers, ..adopting() };
    let world = world_with(&slapd, first, Vec::new()).await;
    let answer = sign_in(&world, "carol", "of the directory").await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    let carol = Sub::parse("carol").unwrap();
    assert!(world.store().external_identities(&carol).await.unwrap().is_empty());
}

#[tokio::test]
async fn an_account_that_waits_for_an_administrator_is_not_adopted() {
    let slapd = TestSlapd::start(&person("root", "secret"));
    let mut root = waiting("root");
    root.claims_mut().insert("admin_role".to_owned(), "owner".into());
    let adopting = Directory { adopts_usernames: true, ..corp() };
    let world = world_with(&slapd, adopting, vec![root]).await;
    assert_eq!(sign_in(&world, "root", "secret").await.status, StatusCode::SEE_OTHER);
    let root = Sub::parse("root").unwrap();
    assert!(world.store().external_identities(&root).await.unwrap().is_empty());
}

#[tokio::test]
async fn an_account_with_an_address_of_its_owner_is_not_adopted() {
    let slapd = TestSlapd::start(&person("ada", "secret"));
    let adopting = Directory { adopts_usernames: true, ..corp() };
    let mut ada = waiting("ada");
    ada.claims_mut().insert("email".to_owned(), "ada@home.example".into());
    ada.claims_mut().insert("email_verified".to_owned(), true.into());
    let world = world_with(&slapd, adopting, vec![ada]).await;
    assert_eq!(sign_in(&world, "ada", "secret").await.status, StatusCode::SEE_OTHER);
    let ada = Sub::parse("ada").unwrap();
    assert!(world.store().external_identities(&ada).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_directory_that_is_down_keeps_nobody_out_who_is_in() {
    let mut slapd = TestSlapd::start(&person("ada", "secret"));
    let world = world(&slapd).await;
    let mut browser = Browser::new(&world);
    browser.sign_in("ada", "secret", None).await;
    let tokens = browser.tokens(&[("scope", "openid offline_access")]).await;
    slapd.stop();
    let answer = sign_in(&world, "ada", "secret").await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{answer:?}");
    assert!(answer.body.contains("does not answer at the moment"), "{answer:?}");
    assert!(!answer.header("retry-after").is_empty());
    assert!(world.provider.directories().is_a_directory_down());
    // Our own users, and whoever is signed in, go on.
    assert_eq!(sign_in(&world, "alice", "alice").await.status, StatusCode::SEE_OTHER);
    browser.code(&[("prompt", "none")]).await;
    let refreshed = world.refresh(&tokens["refresh_token"]).await;
    assert_eq!(refreshed.status, StatusCode::OK, "{refreshed:?}");
    slapd.start_again();
}

#[tokio::test]
async fn an_account_that_cant_be_used_is_told_so() {
    let slapd = TestSlapd::start(&person("ada", "secret"));
    let world = world(&slapd).await;
    slapd.set(&dn_of("ada"), "shadowExpire", "10");
    let answer = sign_in(&world, "ada", "secret").await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN, "{answer:?}");
    assert!(answer.body.contains("has expired"), "{answer:?}");
    let answer = sign_in(&world, "ada", "wrong").await;
    assert!(answer.body.contains(WRONG), "nobody else learns it");
    assert!(found(&world, "ada").await.is_none());
}

#[tokio::test]
async fn a_password_that_must_be_changed_first_is_changed_at_the_sign_in() {
    let slapd = TestSlapd::start(&person("ada", "secret"));
    let changing = Directory { changes_passwords: true, ..corp() };
    let world = world_with(&slapd, changing, Vec::new()).await;
    let mut elsewhere = Browser::new(&world);
    elsewhere.sign_in("ada", "secret", None).await;
    slapd.must_change(&dn_of("ada"));
    let mut browser = Browser::new(&world);
    let wrong = browser.sign_in("ada", "wrong", None).await;
    assert!(wrong.body.contains(WRONG), "nobody else learns it: {wrong:?}");
    let asked = browser.sign_in("ada", "secret", Some("/account/activity")).await;
    assert_eq!(asked.status, StatusCode::FORBIDDEN, "{asked:?}");
    assert!(!asked.body.contains("secret") && browser.session().is_none(), "{asked:?}");
    let page = asked.page();
    let form = |present: &'static str, new: &'static str, repeated: &'static str| {
        [
            ("username", "ada"),
            ("present", present),
            ("password", new),
            ("repeated", repeated),
            ("action", "new-password"),
        ]
    };
    for (present, repeated, problem) in
        [("wrong", "another secret", "present password"), ("secret", "another", "not the same")]
    {
        let again = browser.submit(&page, &form(present, "another secret", repeated)).await;
        assert_eq!(again.status, StatusCode::BAD_REQUEST, "{again:?}");
        assert!(again.body.contains(problem), "{problem}: {again:?}");
    }
    let done = browser.submit(&page, &form("secret", "another secret", "another secret")).await;
    assert_eq!(done.location(), "/account/activity", "{done:?}");
    assert!(browser.session().is_some());
    let other = elsewhere.get("/account").await;
    assert_ne!(other.status, StatusCode::OK, "whoever had the old password is out");
    assert!(sign_in(&world, "ada", "secret").await.body.contains(WRONG));
    let mut other = Browser::new(&world);
    let page = other.login_page(None).await;
    let unneeded = other.submit(&page, &form("another secret", "third", "third")).await;
    assert!(unneeded.body.contains("did not have to be changed"), "{unneeded:?}");
}

/// Browsers hold each redirect after a form against the policy of the page.
#[tokio::test]
async fn the_form_for_another_password_may_lead_to_the_application() {
    let slapd = TestSlapd::start(&person("ada", "secret"));
    let changing = Directory { changes_passwords: true, ..corp() };
    let world = world_with(&slapd, changing, Vec::new()).await;
    slapd.must_change(&dn_of("ada"));
    let mut browser = Browser::new(&world);
    let to_login = browser.get(&authorize_url(&[])).await;
    let login = browser.get(to_login.location()).await.page();
    let typed = [("username", "ada"), ("password", "secret"), ("action", "login")];
    let asked = browser.submit(&login, &typed).await;
    assert_eq!(asked.status, StatusCode::FORBIDDEN, "{asked:?}");
    assert!(!asked.header("content-security-policy").contains("form-action"), "{asked:?}");
    let without = browser.sign_in("ada", "secret", None).await;
    assert!(without.header("content-security-policy").contains("form-action 'self'"));
}

#[tokio::test]
async fn a_password_that_somebody_without_an_account_changes_first_is_in_the_history() {
    let slapd = TestSlapd::start(&person("ada", "secret"));
    let changing = Directory { changes_passwords: true, ..corp() };
    let world = world_with(&slapd, changing, Vec::new()).await;
    slapd.must_change(&dn_of("ada"));
    let mut browser = Browser::new(&world);
    let asked = browser.sign_in("ada", "secret", None).await;
    let form = [
        ("username", "ada"),
        ("present", "secret"),
        ("password", "another secret"),
        ("repeated", "another secret"),
        ("action", "new-password"),
    ];
    browser.submit(&asked.page(), &form).await;
    assert!(browser.session().is_some());
    let (_stop, stopped) = tokio::sync::watch::channel(true);
    world.provider.deliveries().keep_audit_records(stopped).await;
    let records = world.store().audit_records_from(0, 100).await.unwrap();
    let records = records.iter().map(|kept| &kept.stamped.record);
    let changed: Vec<_> =
        records.filter(|record| record.event == "directory_password_changed").collect();
    let [changed] = changed.as_slice() else { panic!("{changed:?}") };
    assert_eq!(changed.data.parts()["details"]["directory"], json!("corp"));
    let entry = changed.object.as_ref().unwrap();
    let user = found(&world, "ada").await.unwrap();
    let links = world.store().external_identities(&user.sub).await.unwrap();
    assert_eq!((entry.kind.as_str(), &*entry.name), ("entry", &*links[0].id.subject));
    assert!(changed.sub.is_none() && changed.address.is_some());
}

#[tokio::test]
async fn a_directory_that_changes_no_passwords_says_that_one_must_be_changed() {
    let slapd = TestSlapd::start(&person("ada", "secret"));
    let world = world(&slapd).await;
    slapd.must_change(&dn_of("ada"));
    let answer = sign_in(&world, "ada", "secret").await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN, "{answer:?}");
    assert!(answer.body.contains("change your password first"), "{answer:?}");
    let mut browser = Browser::new(&world);
    let page = browser.login_page(None).await;
    // The form tells nobody whether a password is right.
    for (name, present) in
        [("ada", "secret"), ("ada", "wrong"), ("alice", "alice"), ("alice", "wrong")]
    {
        let answer = browser.submit(&page, &first_change(name, present)).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{name} {present}: {answer:?}");
        assert!(answer.body.contains("The present password is wrong"), "{answer:?}");
        assert!(browser.session().is_none());
    }
}

/// What the form for a password that must be changed first sends.
fn first_change<'a>(name: &'a str, present: &'a str) -> [(&'a str, &'a str); 5] {
    let (new, action) = ("another secret", "new-password");
    [
        ("username", name),
        ("present", present),
        ("password", new),
        ("repeated", new),
        ("action", action),
    ]
}

#[tokio::test]
async fn every_password_that_is_tried_for_a_change_is_in_the_history() {
    let slapd = TestSlapd::start(&person("ada", "secret"));
    let changing = Directory { changes_passwords: true, ..corp() };
    let world = world_with(&slapd, changing, Vec::new()).await;
    let mut browser = Browser::new(&world);
    let page = browser.login_page(None).await;
    for (present, told) in [("secret", "did not have to be changed"), ("wrong", "is wrong")] {
        let answer = browser.submit(&page, &first_change("ada", present)).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{answer:?}");
        assert!(answer.body.contains(told) && browser.session().is_none(), "{answer:?}");
    }
    let records = records(&world).await;
    let events: Vec<&str> = records.iter().map(|kept| kept.stamped.record.event.as_str()).collect();
    assert_eq!(events, ["sign_in_refused", "sign_in_refused"]);
}

/// A directory in memory, in which every name has the same entry.
#[derive(Debug)]
struct OneEntry {
    subject: ExternalSubject,
    /// Whether it answers when somebody signs in. All else it answers.
    signs_in: bool,
    /// The password, and whether it must be changed first.
    password: Mutex<(String, bool)>,
}

impl OneEntry {
    fn new(subject: &str, signs_in: bool) -> Arc<Self> {
        let subject = ExternalSubject::parse(subject).unwrap();
        let password = Mutex::new(("secret".to_owned(), true));
        Arc::new(Self { subject, signs_in, password })
    }

    fn password(&self) -> (String, bool) {
        self.password.lock().unwrap().clone()
    }
}

#[async_trait]
impl DirectoryClient for OneEntry {
    async fn verify(
        &self,
        name: &LoginName,
        password: &Secret,
        before: &dyn BeforeBind,
        _: Timestamp,
    ) -> Result<DirectoryUser, DirectoryError> {
        if !self.signs_in {
            return Err(DirectoryError::Unavailable("on purpose".to_owned()));
        }
        before.admit(Some(&self.subject)).await?;
        match self.password() {
            (own, _) if own != password.expose() => Err(DirectoryError::WrongPassword),
            (_, true) => Err(DirectoryError::Account(AccountProblem::MustChangePassword)),
            (_, false) => Ok(DirectoryUser {
                subject: self.subject.clone(),
                claims: [("preferred_username", &*name.name), ("email", "ada@example.com")]
                    .map(|(claim, text)| (claim.to_owned(), json!(text)))
                    .into_iter()
                    .collect(),
                state: AccountState::default(),
                groups_are_cut: false,
            }),
        }
    }

    async fn decoy(&self, _: &LoginName) {}

    async fn entry(
        &self,
        _: &ExternalSubject,
        _: Timestamp,
    ) -> Result<Option<DirectoryUser>, DirectoryError> {
        Err(DirectoryError::Unavailable("on purpose".to_owned()))
    }

    async fn subject(&self, _: &LoginName) -> Result<Option<ExternalSubject>, DirectoryError> {
        Ok(Some(self.subject.clone()))
    }

    async fn change_password(
        &self,
        _: &ExternalSubject,
        present: &Secret,
        new: &Secret,
    ) -> Result<(), PasswordChangeError> {
        let mut own = self.password.lock().unwrap();
        if own.0 != present.expose() {
            return Err(PasswordChangeError::WrongPassword);
        }
        *own = (new.expose().to_owned(), false);
        Ok(())
    }

    fn is_up(&self) -> bool {
        self.signs_in
    }
}

#[tokio::test]
async fn a_password_is_changed_in_the_directory_that_took_it_and_in_no_other() {
    // The first one does not answer the sign-in, and answers what comes after it.
    for second_changes in [true, false] {
        let clients = [("first", false), ("second", true)]
            .map(|(name, signs_in)| (name, OneEntry::new(name, signs_in)));
        let directory = |name: &str, changes_passwords| Directory {
            provider: IdentityProvider {
                first_sign_in: FirstSignIn::Create,
                ..Directory::new(name.parse().unwrap()).provider
            },
            changes_passwords,
            ..Directory::new(name.parse().unwrap())
        };
        let directories = vec![directory("first", true), directory("second", second_changes)];
        let directory_clients = clients
            .iter()
            .map(|(name, own)| (name.parse().unwrap(), Arc::clone(own) as Arc<dyn DirectoryClient>))
            .collect();
        let setup = Setup { directories, directory_clients, ..Setup::default() };
        let world = World::with(setup).await;
        let mut browser = Browser::new(&world);
        let asked = browser.sign_in("ada", "secret", None).await;
        assert_eq!(asked.status, StatusCode::FORBIDDEN, "{asked:?}");
        let answer = browser.submit(&asked.page(), &first_change("ada", "secret")).await;
        let [first, second] = clients.map(|(_, own)| own.password());
        assert_eq!(first, ("secret".to_owned(), true), "it has not taken this password");
        if second_changes {
            assert_eq!(answer.status, StatusCode::SEE_OTHER, "{answer:?}");
            assert_eq!(second, ("another secret".to_owned(), false));
        } else {
            assert_eq!(answer.status, StatusCode::FORBIDDEN, "{answer:?}");
            assert!(answer.body.contains("change your password first"), "{answer:?}");
            assert_eq!(second, ("secret".to_owned(), true));
        }
    }
}

#[tokio::test]
async fn the_link_with_a_directory_can_be_removed_by_nobody_but_an_operator() {
    let slapd = TestSlapd::start(&person("ada", "secret"));
    let world = world(&slapd).await;
    let mut browser = Browser::new(&world);
    browser.sign_in("ada", "secret", None).await;
    let page = browser.get("/account/identities").await;
    assert_eq!(page.status, StatusCode::OK, "{page:?}");
    assert!(page.body.contains("Corporate") && !page.body.contains("Remove Corporate"));
    let ada = found(&world, "ada").await.unwrap();
    let [identity] = &*world.store().external_identities(&ada.sub).await.unwrap() else {
        panic!("one")
    };
    let (issuer, subject) = (&*identity.id.issuer, &*identity.id.subject);
    let page = browser.get("/account/identities").await.page();
    let token = page.fields().into_iter().find(|(name, _)| name == "form_token");
    let token = token.map(|(_, value)| value).unwrap_or_default();
    let fields = [("form_token", &*token), ("issuer", issuer), ("subject", subject)];
    browser.post("/account/identities", &fields).await;
    assert_eq!(world.store().external_identities(&ada.sub).await.unwrap().len(), 1);
}

/// The directory is asked again after a minute.
fn asking_again() -> Directory {
    Directory { refresh_interval: Some(Seconds::new(60)), ..corp() }
}

#[tokio::test]
async fn who_is_disabled_in_the_directory_is_signed_out_after_the_interval() {
    let slapd = TestSlapd::start(&person("ada", "secret"));
    let world = world_with(&slapd, asking_again(), Vec::new()).await;
    let mut browser = Browser::new(&world);
    browser.sign_in("ada", "secret", None).await;
    let tokens = browser.tokens(&[("scope", "openid offline_access")]).await;
    let other = browser.tokens(&[("scope", "openid offline_access")]).await;
    slapd.set(&dn_of("ada"), "pwdAccountLockedTime", "000001010000Z");
    world.clock.advance(59);
    let tokens = world.refresh(&tokens["refresh_token"]).await.json();
    assert!(tokens["access_token"].is_string(), "the last answer is young: {tokens}");
    world.clock.advance(1);
    let refused = world.refresh(&tokens["refresh_token"]).await;
    refused.expect_json_error(StatusCode::BAD_REQUEST, "invalid_grant");
    let answer = browser.get("/account").await;
    assert!(answer.location().contains("/account/login"), "{answer:?}");
    // An administrator of the directory has made a mistake, and mends it.
    slapd.change(&format!(
        "dn: {}\nchangetype: modify\ndelete: pwdAccountLockedTime\n",
        dn_of("ada")
    ));
    let mut browser = Browser::new(&world);
    let answer = browser.sign_in("ada", "secret", None).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{answer:?}");
    // What applications had before stays revoked.
    for tokens in [tokens, other] {
        let refused = world.refresh(&tokens["refresh_token"]).await;
        refused.expect_json_error(StatusCode::BAD_REQUEST, "invalid_grant");
    }
}

#[tokio::test]
async fn after_the_clock_was_set_back_the_directory_is_asked() {
    let slapd = TestSlapd::start(&person("ada", "secret"));
    let world = world_with(&slapd, asking_again(), Vec::new()).await;
    let mut browser = Browser::new(&world);
    browser.sign_in("ada", "secret", None).await;
    let tokens = browser.tokens(&[("scope", "openid offline_access")]).await;
    slapd.set(&dn_of("ada"), "pwdAccountLockedTime", "000001010000Z");
    world.clock.advance(-60);
    let refused = world.refresh(&tokens["refresh_token"]).await;
    refused.expect_json_error(StatusCode::BAD_REQUEST, "invalid_grant");
}

#[tokio::test]
async fn without_an_answer_the_last_yes_counts_for_some_time() {
    let mut slapd = TestSlapd::start(&person("ada", "secret"));
    let trust_without_answer = Seconds::new(600);
    let directory = Directory { trust_without_answer, ..asking_again() };
    let world = world_with(&slapd, directory, Vec::new()).await;
    let mut browser = Browser::new(&world);
    browser.sign_in("ada", "secret", None).await;
    let tokens = browser.tokens(&[("scope", "openid offline_access")]).await;
    slapd.stop();
    world.clock.advance(599);
    let tokens = world.refresh(&tokens["refresh_token"]).await.json();
    assert!(tokens["access_token"].is_string(), "{tokens}");
    assert_eq!(browser.get("/account").await.status, StatusCode::OK);
    world.clock.advance(1);
    let refused = world.refresh(&tokens["refresh_token"]).await;
    assert!(refused.body.contains("temporarily_unavailable"), "{refused:?}");
    let answer = browser.get("/account").await;
    assert!(answer.location().contains("/account/login"), "{answer:?}");
    slapd.start_again();
}

#[tokio::test]
async fn what_the_directory_says_by_now_comes_with_the_next_tokens() {
    let slapd = TestSlapd::start(&(person("ada", "secret") + &group("user", &[&dn_of("ada")])));
    let world = world_with(&slapd, asking_again(), Vec::new()).await;
    let mut browser = Browser::new(&world);
    browser.sign_in("ada", "secret", None).await;
    let scope = ("scope", "openid profile MyBackendApi2 offline_access");
    let tokens = browser.tokens(&[scope]).await;
    assert_eq!(claims(&tokens["access_token"])["role"], "user");
    slapd.change(&format!("dn: cn=user,ou=groups,{BASE}\nchangetype: delete\n"));
    world.clock.advance(60);
    let answer = browser.get("/account").await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    let ada = found(&world, "ada").await.unwrap();
    assert!(!ada.has_role("user"), "{ada:?}");
}

#[tokio::test]
async fn an_entry_that_is_gone_signs_its_user_out() {
    let slapd = TestSlapd::start(&person("ada", "secret"));
    let world = world_with(&slapd, asking_again(), Vec::new()).await;
    let mut browser = Browser::new(&world);
    browser.sign_in("ada", "secret", None).await;
    slapd.change(&format!("dn: {}\nchangetype: delete\n", dn_of("ada")));
    world.clock.advance(60);
    let answer = browser.get("/account").await;
    assert!(answer.location().contains("/account/login"), "{answer:?}");
}

#[tokio::test]
async fn a_passkey_signs_nobody_in_whom_the_directory_does_not_let_in() {
    let mut slapd = TestSlapd::start(&person("ada", "secret"));
    let world = world(&slapd).await;
    sign_in(&world, "ada", "secret").await;
    let ada = found(&world, "ada").await.unwrap();
    add_passkey(&world, &ada.sub, 1, "Key").await;
    let by_passkey = async || {
        let proof = SignInProof::Passkey(vec![1; 20]);
        let sign_in = SignIn { proof, amr: vec!["hwk".to_owned()], auth_time: None };
        let device = Device::default();
        world.provider.sessions().start_session(&ada, sign_in, false, device, None).await
    };
    assert!(by_passkey().await.is_ok());
    slapd.set(&dn_of("ada"), "pwdAccountLockedTime", "000001010000Z");
    let refused = by_passkey().await.unwrap_err();
    assert!(matches!(refused, SignInError::Account(AccountProblem::Disabled)), "{refused:?}");
    slapd.stop();
    let refused = by_passkey().await.unwrap_err();
    assert!(matches!(refused, SignInError::DirectoryUnavailable), "{refused:?}");
    slapd.start_again();
}

#[tokio::test]
async fn a_directory_is_a_way_in_and_no_recovery_code_replaces_its_password() {
    let slapd = TestSlapd::start(&person("ada", "secret"));
    let world = world(&slapd).await;
    let mut browser = Browser::new(&world);
    browser.sign_in("ada", "secret", None).await;
    let cookie = TokenHandle::parse(&browser.session().unwrap());
    let session = world.provider.sessions().find(Some(&cookie)).await.unwrap().unwrap();
    let own = &session.authentication;
    add_passkey_in(&world, own, 1, "Key").await;
    assert_eq!(world.provider.factors().of(&own.sub).await.unwrap().ways_in(), 2);
    let codes = world.provider.factors().new_recovery_codes(own, ASKER).await.unwrap();
    let answer = sign_in(&world, "ada", &codes[0].shown()).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{answer:?}");
    assert!(answer.body.contains(WRONG), "{answer:?}");
    assert!(world.provider.factors().remove_passkey(own, &[1; 20], ASKER).await.unwrap());
}

#[tokio::test]
async fn a_password_of_ours_is_none_for_a_user_of_the_directory() {
    let slapd = TestSlapd::start(&person("ada", "secret"));
    let world = world(&slapd).await;
    sign_in(&world, "ada", "secret").await;
    let ada = found(&world, "ada").await.unwrap();
    let with_password =
        User { password_hash: user("x", "of ours", &[]).password_hash, ..ada.clone() };
    world.store().put_user(with_password, world.provider.now()).await.unwrap();
    assert_eq!(sign_in(&world, "ada", "of ours").await.status, StatusCode::BAD_REQUEST);
    assert_eq!(sign_in(&world, "ada", "secret").await.status, StatusCode::SEE_OTHER);
    // Nor by a name that is not looked up in the directory.
    let names = LoginNames::parse(&["*@corp.example".to_owned()]).unwrap();
    let world = world_with(&slapd, Directory { names, ..corp() }, Vec::new()).await;
    sign_in(&world, "ada@corp.example", "secret").await;
    let ada = found(&world, "ada").await.unwrap();
    let password_hash = user("x", "of ours", &[]).password_hash;
    let with_password = User { password_hash, ..ada };
    world.store().put_user(with_password, world.provider.now()).await.unwrap();
    assert_eq!(sign_in(&world, "ada", "of ours").await.status, StatusCode::BAD_REQUEST);
}

/// Sets a new password on the page of the account.
async fn change_password(browser: &mut Browser<'_>, present: &str, new: &str) -> Answer {
    let page = browser.get("/account/password").await.page();
    let fields = [("present", present), ("password", new), ("repeated", new)];
    browser.submit(&page, &fields).await
}

#[tokio::test]
async fn a_password_is_changed_where_it_is_if_the_directory_lets_its_users() {
    let slapd = TestSlapd::start(&person("ada", "secret"));
    let there = |text: &str| text.contains("id=\"password-is-there\"");
    let world = world(&slapd).await;
    let mut browser = Browser::new(&world);
    browser.sign_in("ada", "secret", None).await;
    let page = browser.get("/account/password").await;
    assert!(there(&page.body), "{page:?}");
    let changing = Directory { changes_passwords: true, ..corp() };
    let world = world_with(&slapd, changing, Vec::new()).await;
    let mut browser = Browser::new(&world);
    browser.sign_in("ada", "secret", None).await;
    let tokens = browser.tokens(&[("scope", "openid offline_access")]).await;
    for present in ["", "wrong"] {
        let answer = change_password(&mut browser, present, "another secret").await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{answer:?}");
    }
    let answer = change_password(&mut browser, "secret", "another secret").await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    assert!(answer.body.contains("Your password is changed"), "{answer:?}");
    // Whoever was signed in by the old one is not any more.
    let refused = world.refresh(&tokens["refresh_token"]).await;
    refused.expect_json_error(StatusCode::BAD_REQUEST, "invalid_grant");
    assert_eq!(sign_in(&world, "ada", "secret").await.status, StatusCode::BAD_REQUEST);
    assert_eq!(sign_in(&world, "ada", "another secret").await.status, StatusCode::SEE_OTHER);
    assert_eq!(found(&world, "ada").await.unwrap().password_hash, None);
}
