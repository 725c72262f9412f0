//! Sign-ins, groups and failures with a real OpenLDAP.
#![allow(clippy::unwrap_used, missing_docs)]

mod failures;
mod manage;

use std::{fmt::Write as _, sync::LazyLock, time::Duration};

use doorward_directory::{
    Dn, DnTemplate, FilterTemplate, LdapDirectory, check,
    settings::{
        Attributes, DirectoryKind, DirectorySettings, FindEntry, Groups, Limits, PasswordChange,
        Security, Server, ServiceAccount,
    },
};
use doorward_protocol::secret::Secret;
use doorward_provider::{
    model::{
        directory::{AccountProblem, LoginName, LoginNames},
        external_identity::ExternalSubject,
        identity_provider::IdentityProviderName,
        time::Timestamp,
    },
    use_case::directory::{
        Always, DirectoryClient as _, DirectoryError, DirectoryUser, PasswordChangeError,
    },
};
use serde_json::json;
use test_slapd::{BASE, READER, READER_PASSWORD, TestSlapd, group, person};

const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

/// A server that the tests of this file share. Each has entries of its own.
static SLAPD: LazyLock<TestSlapd> = LazyLock::new(|| TestSlapd::start(&entries()));

fn dn_of(name: &str) -> String {
    format!("uid={name},ou=people,{BASE}")
}

fn group_dn(name: &str) -> String {
    format!("cn={name},ou=groups,{BASE}")
}

fn entries() -> String {
    let mut ldif = String::new();
    for name in [
        "ada", "bob", "member", "renamed", "locked", "disabled", "expired", "reset", "direct",
        "many",
    ] {
        ldif += &person(name, &format!("{name}'s password"));
    }
    // A name of signs that mean something in filters and in distinguished names.
    let _ = writeln!(
        ldif,
        "dn: uid=o*(b)\\\\\\,x\\+y,ou=people,{BASE}\nobjectClass: inetOrgPerson\n\
         uid: o*(b)\\,x+y\ncn: Signs\nsn: Signs\nuserPassword: signs\n"
    );
    // Two entries of one name, in two places.
    let _ = writeln!(ldif, "dn: ou=more,{BASE}\nobjectClass: organizationalUnit\nou: more\n");
    ldif += &person("twice", "one");
    ldif += &person("twice", "other").replace("ou=people", "ou=more");
    // What is somewhere else.
    let _ = writeln!(
        ldif,
        "dn: ou=elsewhere,{BASE}\nobjectClass: referral\nobjectClass: extensibleObject\n\
         ou: elsewhere\nref: ldap://127.0.0.1:1/ou=people,dc=evil\n"
    );
    // An entry that is too large to be read, as its owner can make it.
    ldif += &person("large", "large's password")
        .replace("sn: Example", &format!("sn: {}", "x".repeat(1_100_000)));
    ldif += &group("members", &[&dn_of("locked")]);
    ldif += &group("staff", &[&dn_of("ada"), &dn_of("bob")]);
    ldif += &group("sales", &[&dn_of("ada")]);
    ldif += &group("company", &[&group_dn("staff"), &group_dn("circle")]);
    ldif += &group("circle", &[&group_dn("company")]);
    // A group elsewhere that is called as one that counts.
    ldif += &group("admins", &[&dn_of("ada")]).replace("ou=groups", "ou=more");
    for number in 0..10_200 {
        ldif += &group(&format!("g{number:05}"), &[&dn_of("many")]);
    }
    ldif
}

fn settings(slapd: &TestSlapd) -> DirectorySettings {
    DirectorySettings {
        name: IdentityProviderName::parse("corp").unwrap(),
        kind: DirectoryKind::Ldap,
        servers: vec![server(slapd.tls_port(), Security::Tls)],
        authorities: vec![slapd.authority()],
        account: Some(ServiceAccount {
            dn: READER.to_owned(),
            password: Secret::new(READER_PASSWORD),
        }),
        find: FindEntry::Search(filter("(&(objectClass=person)(uid={name}))")),
        base: BASE.to_owned(),
        attributes: Attributes::usual(DirectoryKind::Ldap),
        decoy: None,
        groups: Groups::None,
        password_change: PasswordChange::None,
        management: None,
        // Nothing here waits for a time limit on a machine that is not very busy.
        limits: Limits {
            connect: Duration::from_mins(1),
            answer: Duration::from_mins(1),
            whole: Duration::from_mins(2),
            ..Limits::default()
        },
    }
}

fn filter(text: &str) -> FilterTemplate {
    FilterTemplate::parse(text, &["name", "typed", "dn"]).unwrap()
}

fn server(port: u16, security: Security) -> Server {
    Server { host: "127.0.0.1".to_owned(), port, security }
}

fn open(settings: DirectorySettings) -> LdapDirectory {
    LdapDirectory::new(settings, &[]).unwrap()
}

fn name(text: &str) -> LoginName {
    LoginNames::every()
        .take(text)
        .unwrap_or(LoginName { typed: String::new(), name: String::new() })
}

async fn sign_in(
    directory: &LdapDirectory,
    typed: &str,
    password: &str,
) -> Result<DirectoryUser, DirectoryError> {
    directory.verify(&name(typed), &Secret::new(password), &Always, NOW).await
}

#[tokio::test]
async fn the_right_password_gives_the_entry() {
    let directory = open(settings(&SLAPD));
    let user = sign_in(&directory, "ada", "ada's password").await.unwrap();
    let claims = serde_json::Value::Object(user.claims.clone());
    let expected = json!({
        "uid": "ada", "cn": "ada Example", "sn": "Example", "givenName": "ada",
        "mail": "ada@example.com", "preferred_username": "ada", "name": "ada Example",
        "given_name": "ada", "family_name": "Example", "email": "ada@example.com", "groups": [],
    });
    assert_eq!(claims, expected);
    assert_eq!(user.state.problem, None);
    assert_eq!(user.subject.len(), 36, "an entryUUID");
    // Case and spaces around it mean nothing to the directory.
    assert_eq!(sign_in(&directory, "ADA", "ada's password").await.unwrap().subject, user.subject);
    let again = directory.entry(&user.subject, NOW).await.unwrap().unwrap();
    assert_eq!(again, user);
    assert!(directory.is_up());
}

#[tokio::test]
async fn a_wrong_or_empty_password_or_name_gives_nothing() {
    let directory = open(settings(&SLAPD));
    let direct = DnTemplate::parse(&dn_of("{name}")).unwrap();
    let directly = open(DirectorySettings { find: FindEntry::Direct(direct), ..settings(&SLAPD) });
    for password in ["", "bob's password", "ada's password ", "\0"] {
        let refused = sign_in(&directory, "ada", password).await.unwrap_err();
        assert_eq!(refused, DirectoryError::WrongPassword, "{password:?}");
        let refused = sign_in(&directly, "ada", password).await.unwrap_err();
        assert_eq!(refused, DirectoryError::WrongPassword, "{password:?}");
    }
    for typed in ["nobody", "*", "a*", "ada)(uid=*", "ada\0", "ada\\", "", "o*(b)"] {
        let refused = sign_in(&directory, typed, "ada's password").await.unwrap_err();
        assert_eq!(refused, DirectoryError::NoEntry, "{typed:?}");
    }
    for typed in ["nobody", "ada,ou=people", "ada\\", "*", "", "ada+cn=ada Example"] {
        let refused = sign_in(&directly, typed, "ada's password").await.unwrap_err();
        assert_eq!(refused, DirectoryError::WrongPassword, "{typed:?}");
    }
}

#[tokio::test]
async fn signs_of_filters_and_names_are_part_of_the_name() {
    let directory = open(settings(&SLAPD));
    let user = sign_in(&directory, "o*(b)\\,x+y", "signs").await.unwrap();
    assert_eq!(user.claims["preferred_username"], "o*(b)\\,x+y");
    let direct = DnTemplate::parse(&dn_of("{name}")).unwrap();
    let directly = open(DirectorySettings { find: FindEntry::Direct(direct), ..settings(&SLAPD) });
    assert_eq!(sign_in(&directly, "o*(b)\\,x+y", "signs").await.unwrap().subject, user.subject);
}

#[tokio::test]
async fn a_user_may_sign_in_directly_and_read_the_own_entry() {
    let direct = DnTemplate::parse(&dn_of("{name}")).unwrap();
    let find = FindEntry::Direct(direct);
    let directory = open(DirectorySettings { find, account: None, ..settings(&SLAPD) });
    let user = sign_in(&directory, "direct", "direct's password").await.unwrap();
    assert_eq!(user.claims["email"], "direct@example.com");
}

#[tokio::test]
async fn several_entries_of_one_name_sign_nobody_in() {
    let directory = open(settings(&SLAPD));
    for password in ["one", "other"] {
        let refused = sign_in(&directory, "twice", password).await.unwrap_err();
        assert!(matches!(refused, DirectoryError::NotAccepted(_)), "{refused:?}");
    }
    // However many they are, two are read.
    let every = FindEntry::Search(filter("(|(objectClass=*)(uid={name}))"));
    let directory = open(DirectorySettings { find: every, ..settings(&SLAPD) });
    let refused = sign_in(&directory, "ada", "ada's password").await.unwrap_err();
    assert!(matches!(refused, DirectoryError::NotAccepted(_)), "{refused:?}");
}

#[tokio::test]
async fn a_connection_is_protected_by_either_way_and_by_an_authority_that_is_known() {
    let plain = |security| DirectorySettings {
        servers: vec![server(SLAPD.port(), security)],
        ..settings(&SLAPD)
    };
    for security in [Security::StartTls, Security::Plain] {
        let directory = open(plain(security));
        assert!(sign_in(&directory, "ada", "ada's password").await.is_ok(), "{security:?}");
    }
    let another = TestSlapd::start("");
    for own in [settings(&SLAPD), plain(Security::StartTls)] {
        let authorities = vec![another.authority()];
        let directory = open(DirectorySettings { authorities, ..own.clone() });
        let refused = sign_in(&directory, "ada", "ada's password").await.unwrap_err();
        let DirectoryError::Unavailable(cause) = refused else { panic!("{refused:?}") };
        assert!(cause.contains("TLS"), "{cause}");
        // The certificate is for this address and for localhost.
        let elsewhere = Server { host: "127.0.0.2".to_owned(), ..own.servers[0].clone() };
        let directory = open(DirectorySettings { servers: vec![elsewhere], ..own });
        assert!(sign_in(&directory, "ada", "ada's password").await.is_err());
    }
}

#[tokio::test]
async fn groups_count_by_the_entry_or_by_a_search_and_through_others() {
    let groups = async |groups: Groups, typed: &str| {
        let directory = open(DirectorySettings { groups, ..settings(&SLAPD) });
        let user = sign_in(&directory, typed, &format!("{typed}'s password")).await.unwrap();
        user.claims["groups"].clone()
    };
    let base = format!("ou=groups,{BASE}");
    let search = |nested| Groups::Search {
        base: base.clone(),
        filter: FilterTemplate::parse("(&(objectClass=groupOfNames)(member={dn}))", &["dn"])
            .unwrap(),
        name: "cn".to_owned(),
        nested,
    };
    assert_eq!(groups(search(false), "ada").await, json!(["sales", "staff"]));
    assert_eq!(groups(search(false), "bob").await, json!(["staff"]));
    assert_eq!(groups(search(false), "direct").await, json!([]));
    // Two groups that are members of each other are no circle without end.
    let nested = json!(["circle", "company", "sales", "staff"]);
    assert_eq!(groups(search(true), "ada").await, nested);
    let many = groups(search(false), "many").await;
    assert_eq!(many.as_array().unwrap().len(), 1000, "as many as the limit");
    // Without a name, a filter by the name asks for nothing.
    let by_name = Groups::Search {
        base: base.clone(),
        filter: FilterTemplate::parse("(!(cn={name}))", &["name"]).unwrap(),
        name: "cn".to_owned(),
        nested: false,
    };
    let username = "nothing".to_owned();
    let attributes = Attributes { username, ..Attributes::usual(DirectoryKind::Ldap) };
    let nameless = DirectorySettings { groups: by_name, attributes, ..settings(&SLAPD) };
    let user = sign_in(&open(nameless), "ada", "ada's password").await.unwrap();
    assert_eq!(user.claims["groups"], json!([]));
    // The attribute is written when somebody becomes a member.
    SLAPD.change(&format!(
        "dn: {}\nchangetype: modify\nadd: member\nmember: {}\n\n\
         dn: cn=admins,ou=more,{BASE}\nchangetype: modify\nadd: member\nmember: {}\n",
        group_dn("g00000"),
        dn_of("direct"),
        dn_of("direct"),
    ));
    let member_of = || Groups::MemberOf(Dn::parse(&base).unwrap());
    assert_eq!(groups(member_of(), "direct").await, json!(["g00000"]), "not those elsewhere");
    // Exactly as many as are read, and one more; of groups in groups, the next level counts.
    let is_cut = async |groups: Groups, most: usize| {
        let limits = Limits { groups: most, ..settings(&SLAPD).limits };
        let directory = open(DirectorySettings { groups, limits, ..settings(&SLAPD) });
        let (told, user) = check(&directory, Some(&name("ada")), NOW).await;
        let is_cut = user.unwrap().groups_are_cut;
        let is_told = told.iter().any(|(what, finding)| what == "groups" && finding.is_err());
        assert_eq!(is_told, is_cut, "{told:?}");
        is_cut
    };
    assert!(!is_cut(search(false), 2).await && is_cut(search(false), 1).await);
    assert!(!is_cut(search(true), 5).await && is_cut(search(true), 3).await);
    let of_ada = Groups::MemberOf(Dn::parse(BASE).unwrap());
    assert!(!is_cut(of_ada, 1000).await);
}

#[tokio::test]
async fn a_search_goes_over_pages_and_ends_with_its_limit() {
    let count = async |most: usize| {
        let groups = Groups::Search {
            base: format!("ou=groups,{BASE}"),
            filter: FilterTemplate::parse("(member={dn})", &["dn"]).unwrap(),
            name: "cn".to_owned(),
            nested: false,
        };
        let limits = Limits { groups: most, ..settings(&SLAPD).limits };
        let directory = open(DirectorySettings { groups, limits, ..settings(&SLAPD) });
        let user = sign_in(&directory, "many", "many's password").await.unwrap();
        // The connection is good for the next one.
        assert!(sign_in(&directory, "bob", "bob's password").await.is_ok());
        (user.claims["groups"].as_array().unwrap().len(), user.groups_are_cut)
    };
    for (most, expected, is_cut) in [
        (20_000, 10_200, false),
        (10_200, 10_200, false),
        (501, 501, true),
        (500, 500, true),
        (1, 1, true),
    ] {
        assert_eq!(count(most).await, (expected, is_cut), "{most}");
    }
}

#[tokio::test]
async fn an_entry_that_the_filter_does_not_find_any_more_is_gone() {
    // The attribute is written when somebody becomes a member.
    let members = group_dn("members");
    let change = |what: &str| {
        let member = dn_of("member");
        SLAPD.change(&format!(
            "dn: {members}\nchangetype: modify\n{what}: member\nmember: {member}\n"
        ));
    };
    change("add");
    let find = FindEntry::Search(filter(&format!("(&(uid={{name}})(memberOf={members}))")));
    let directory = open(DirectorySettings { find, ..settings(&SLAPD) });
    let user = sign_in(&directory, "member", "member's password").await.unwrap();
    assert_eq!(directory.entry(&user.subject, NOW).await.unwrap(), Some(user.clone()));
    change("delete");
    assert_eq!(directory.entry(&user.subject, NOW).await.unwrap(), None);
    let every = open(settings(&SLAPD));
    assert!(every.entry(&user.subject, NOW).await.unwrap().is_some());
}

#[tokio::test]
async fn a_renamed_entry_stays_the_same() {
    let directory = open(settings(&SLAPD));
    let before = sign_in(&directory, "renamed", "renamed's password").await.unwrap();
    SLAPD.change(&format!(
        "dn: {}\nchangetype: modrdn\nnewrdn: uid=anew\ndeleteoldrdn: 1\n",
        dn_of("renamed")
    ));
    let refused = sign_in(&directory, "renamed", "renamed's password").await.unwrap_err();
    assert_eq!(refused, DirectoryError::NoEntry);
    let after = sign_in(&directory, "anew", "renamed's password").await.unwrap();
    assert_eq!(after.subject, before.subject);
    let found = directory.entry(&before.subject, NOW).await.unwrap().unwrap();
    assert_eq!(found.claims["preferred_username"], "anew");
    SLAPD.change(&format!("dn: {}\nchangetype: delete\n", dn_of("anew")));
    assert_eq!(directory.entry(&before.subject, NOW).await.unwrap(), None);
    let other = ExternalSubject::parse("*").unwrap();
    assert_eq!(directory.entry(&other, NOW).await.unwrap(), None);
}

#[tokio::test]
async fn an_account_that_cant_be_used_says_so_to_the_right_password_only() {
    let directory = open(settings(&SLAPD));
    let problem = async |typed: &str| {
        let user = sign_in(&directory, typed, &format!("{typed}'s password")).await;
        let wrong = sign_in(&directory, typed, "wrong").await.unwrap_err();
        assert_eq!(wrong, DirectoryError::WrongPassword);
        match user {
            Ok(user) => user.state.problem,
            Err(DirectoryError::Account(problem)) => Some(problem),
            Err(DirectoryError::WrongPassword) => None,
            Err(other) => panic!("{other:?}"),
        }
    };
    SLAPD.set(&dn_of("expired"), "shadowExpire", "10");
    assert_eq!(problem("expired").await, Some(AccountProblem::Expired));
    SLAPD.set(&dn_of("reset"), "pwdReset", "TRUE");
    assert_eq!(problem("reset").await, Some(AccountProblem::MustChangePassword));
    let user = sign_in(&directory, "disabled", "disabled's password").await.unwrap();
    SLAPD.set(&dn_of("disabled"), "pwdAccountLockedTime", "000001010000Z");
    let found = directory.entry(&user.subject, NOW).await.unwrap().unwrap();
    assert!(found.state.ends_access(), "{found:?}");
}

/// What the operator reads: each step in a sentence.
#[tokio::test]
async fn the_steps_are_told_one_by_one() {
    let found = |told: &[(String, Result<String, String>)]| -> Vec<String> {
        let line = |(step, finding): &(String, Result<String, String>)| match finding {
            Ok(text) => format!("ok {step}: {text}"),
            Err(text) => format!("PROBLEM {step}: {text}"),
        };
        told.iter().map(line).collect()
    };
    let directory = open(settings(&SLAPD));
    let (told, user) = check(&directory, Some(&name("ada")), NOW).await;
    assert!(told.iter().all(|(_, finding)| finding.is_ok()), "{told:?}");
    assert_eq!(user.unwrap().claims["email"], "ada@example.com");
    let (told, user) = check(&directory, Some(&name("no*body")), NOW).await;
    assert!(user.is_none());
    let last = found(&told).pop().unwrap();
    assert!(last.starts_with("PROBLEM entry") && last.contains("(uid=no\\2abody)"), "{last}");
    let account = Some(ServiceAccount { dn: READER.to_owned(), password: Secret::new("wrong") });
    let (told, _) =
        check(&open(DirectorySettings { account, ..settings(&SLAPD) }), None, NOW).await;
    let told = found(&told).join("\n");
    assert!(told.contains("may not sign in") && told.contains("check bind_dn"), "{told}");
    assert!(!told.contains("wrong"), "no password is shown: {told}");
    let authorities = vec![TestSlapd::start("").authority()];
    let (told, _) =
        check(&open(DirectorySettings { authorities, ..settings(&SLAPD) }), None, NOW).await;
    assert!(found(&told).join("\n").contains("ca_file"), "{told:?}");
}

#[tokio::test]
async fn a_user_changes_the_own_password() {
    let slapd = TestSlapd::start(&person("ada", "secret"));
    let password_change = PasswordChange::Rfc3062;
    let directory = open(DirectorySettings { password_change, ..settings(&slapd) });
    let subject = sign_in(&directory, "ada", "secret").await.unwrap().subject;
    let change = async |present: &str, new: &str| {
        directory.change_password(&subject, &Secret::new(present), &Secret::new(new)).await
    };
    for (present, new) in [("wrong", "another"), ("", "another"), ("secret", "")] {
        let refused = change(present, new).await;
        assert_eq!(refused, Err(PasswordChangeError::WrongPassword), "{present} {new}");
    }
    assert_eq!(change("secret", "an\"other (é)").await, Ok(()));
    assert!(sign_in(&directory, "ada", "secret").await.is_err());
    assert!(sign_in(&directory, "ada", "an\"other (é)").await.is_ok());
    let not_here = open(settings(&slapd));
    let refused =
        not_here.change_password(&subject, &Secret::new("an\"other (é)"), &Secret::new("x")).await;
    assert!(matches!(refused, Err(PasswordChangeError::Refused(_))), "{refused:?}");
}

#[tokio::test]
async fn who_has_to_change_the_password_first_can() {
    let slapd = TestSlapd::start(&person("ada", "secret"));
    slapd.must_change(&dn_of("ada"));
    let password_change = PasswordChange::Rfc3062;
    let directory = open(DirectorySettings { password_change, ..settings(&slapd) });
    let refused = sign_in(&directory, "ada", "secret").await.unwrap_err();
    assert_eq!(refused, DirectoryError::Account(AccountProblem::MustChangePassword));
    let subject = directory.subject(&name("ada")).await.unwrap().unwrap();
    assert_eq!(directory.subject(&name("nobody")).await, Ok(None));
    let change = async |present: &str| {
        directory.change_password(&subject, &Secret::new(present), &Secret::new("another")).await
    };
    assert_eq!(change("wrong").await, Err(PasswordChangeError::WrongPassword));
    assert_eq!(change("secret").await, Ok(()));
    let user = sign_in(&directory, "ada", "another").await.unwrap();
    assert_eq!((user.subject, user.state.problem), (subject, None));
}

/// Whoever measures how long an answer takes learns no more.
#[tokio::test]
async fn a_name_without_an_entry_costs_a_wrong_password_of_another_one() {
    let slapd = TestSlapd::start(&(person("ada", "secret") + &person("decoy", "of nobody")));
    slapd.watch_passwords(&dn_of("decoy"));
    let decoy = Some(dn_of("decoy"));
    let directory = open(DirectorySettings { decoy, ..settings(&slapd) });
    assert!(sign_in(&directory, "ada", "wrong").await.is_err());
    assert_eq!(slapd.wrong_passwords(&dn_of("decoy")), 0, "that was tried on the entry");
    let refused = sign_in(&directory, "nobody", "wrong").await.unwrap_err();
    assert_eq!(refused, DirectoryError::NoEntry);
    assert_eq!(slapd.wrong_passwords(&dn_of("decoy")), 1);
}
