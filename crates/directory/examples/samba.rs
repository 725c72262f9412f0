//! Tries what is special about Active Directory with a Samba as its domain controller, which
//! `script/samba` starts: `samba FOLDER COMMAND...`, where the command is `samba-tool` with its
//! options.
#![allow(clippy::unwrap_used)]

use std::{fs, path::Path, process::Command, time::SystemTime};

use doorward_directory::{
    Dn, FilterTemplate, LdapDirectory, check,
    settings::{
        Attributes, DirectoryKind, DirectorySettings, DisableBy, FindEntry, Groups, Limits,
        ManagedGroups, Management, PasswordChange, Security, Server, ServiceAccount,
    },
};
use doorward_protocol::secret::Secret;
use doorward_provider::{
    model::{
        directory::{AccountProblem, LoginNames},
        identity_provider::IdentityProviderName,
        time::Timestamp,
    },
    use_case::{
        directory::{
            Always, DirectoryClient as _, DirectoryError, DirectoryUser, PasswordChangeError,
        },
        directory_management::{EntryChanges, ManageError, NewEntry},
    },
};
use serde_json::json;

const BASE: &str = "DC=corp,DC=example,DC=com";
const PASSWORD: &str = "Ada-Passw0rd-1";

#[tokio::main]
async fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [folder, tool @ ..] = &*arguments else { panic!("samba FOLDER COMMAND...") };
    let run = |words: &[&str]| {
        let [program, options @ ..] = tool else { panic!("no command") };
        let done = Command::new(program).args(words).args(options).output().unwrap();
        assert!(done.status.success(), "{words:?}: {}", String::from_utf8_lossy(&done.stderr));
    };
    for name in ["ada", "disabled", "expired", "reset"] {
        run(&["user", "create", name, PASSWORD]);
    }
    run(&["user", "disable", "disabled"]);
    run(&["user", "setexpiry", "expired", "--days=-1"]);
    run(&["user", "setpassword", "reset", "--newpassword=Ada-Passw0rd-2"]);
    run(&[
        "user",
        "setpassword",
        "reset",
        "--newpassword=Ada-Passw0rd-1",
        "--must-change-at-next-login",
    ]);
    run(&["group", "add", "staff"]);
    run(&["group", "add", "company"]);
    run(&["group", "addmembers", "staff", "ada"]);
    run(&["group", "addmembers", "company", "staff"]);

    let directory = LdapDirectory::new(settings(Path::new(folder)), &[]).unwrap();
    let (found, user) = check(&directory, Some(&name("ada")), now()).await;
    for (step, finding) in &found {
        println!("{step}: {finding:?}");
    }
    assert!(found.iter().all(|(_, finding)| finding.is_ok()), "each step is in order");
    let groups = user.unwrap().claims["groups"].clone();
    // Some versions of Samba name the primary group as well ("Domain Users").
    for nested in ["company", "staff"] {
        assert!(groups.as_array().unwrap().contains(&json!(nested)), "nested groups: {groups}");
    }

    let ada = sign_in(&directory, "ada", PASSWORD).await.unwrap();
    println!("ada is {}", ada.subject);
    assert_eq!(directory.entry(&ada.subject, now()).await.unwrap().unwrap().subject, ada.subject);
    for (name, password) in [("ada", "wrong"), ("ada", ""), ("disabled", "wrong")] {
        let refused = sign_in(&directory, name, password).await.unwrap_err();
        assert_eq!(refused, DirectoryError::WrongPassword, "{name} with a wrong password");
    }
    for (name, problem) in [
        ("disabled", AccountProblem::Disabled),
        ("expired", AccountProblem::Expired),
        ("reset", AccountProblem::MustChangePassword),
    ] {
        let refused = sign_in(&directory, name, PASSWORD).await;
        println!("{name}: {refused:?}");
        assert_eq!(refused.unwrap_err(), DirectoryError::Account(problem), "{name}");
    }

    run(&["user", "rename", "ada", "--samaccountname=countess"]);
    let renamed = sign_in(&directory, "countess", PASSWORD).await.unwrap();
    assert_eq!(renamed.subject, ada.subject, "a renamed entry stays the same");

    let change = async |present: &str, new: &str| {
        directory.change_password(&ada.subject, &Secret::new(present), &Secret::new(new)).await
    };
    let refused = change("wrong", "Other-Passw0rd-3").await;
    assert_eq!(refused, Err(PasswordChangeError::WrongPassword));
    let refused = change(PASSWORD, "short").await;
    println!("a password against the rules: {refused:?}");
    assert!(matches!(refused, Err(PasswordChangeError::Refused(_))));
    println!("a good one: {:?}", change(PASSWORD, "Other-Passw0rd-3").await);
    assert!(sign_in(&directory, "countess", "Other-Passw0rd-3").await.is_ok());
    manage(&directory).await;
    println!("All of it works with this domain controller.");
}

/// Users are managed.
async fn manage(directory: &LdapDirectory) {
    let manager = directory.manager().unwrap();
    let new = NewEntry {
        username: "grace".to_owned(),
        parent: None,
        attributes: [("displayName".to_owned(), vec!["Grace Hopper".to_owned()])].into(),
        password: Some(Secret::new(PASSWORD)),
        must_change: false,
        enabled: true,
    };
    let grace = manager.create(&new, now()).await.unwrap();
    println!("added {} as {}", grace.dn, grace.id);
    assert_eq!(sign_in(directory, "grace", PASSWORD).await.unwrap().subject, grace.id);
    assert_eq!(manager.create(&new, now()).await, Err(ManageError::Exists));
    let weak = NewEntry {
        username: "weak".to_owned(),
        password: Some(Secret::new("weak")),
        ..new.clone()
    };
    let refused = manager.create(&weak, now()).await;
    println!("a password against the rules: {refused:?}");
    assert!(matches!(refused, Err(ManageError::Refused(_))));
    assert_eq!(manager.named("weak", now()).await, Err(ManageError::Missing));
    for parent in [BASE.to_owned(), format!("OU=x\\,CN=Users,{BASE}")] {
        let stray = NewEntry { parent: Some(parent), username: "x".to_owned(), ..new.clone() };
        let refused = manager.create(&stray, now()).await;
        assert!(matches!(refused, Err(ManageError::Outside(_))), "{refused:?}");
    }
    let change = async |before, changes: EntryChanges| {
        manager.change(before, &changes, now()).await.unwrap()
    };
    let mail = [("mail".to_owned(), vec!["grace@corp.example.com".to_owned()])].into();
    let grace = change(&grace, EntryChanges { attributes: mail, ..EntryChanges::default() }).await;
    assert_eq!(grace.email.as_deref(), Some("grace@corp.example.com"));
    let enabled = |enabled| EntryChanges { enabled: Some(enabled), ..EntryChanges::default() };
    let grace = change(&grace, enabled(false)).await;
    let refused = sign_in(directory, "grace", PASSWORD).await.unwrap_err();
    assert_eq!(refused, DirectoryError::Account(AccountProblem::Disabled));
    let grace = change(&grace, enabled(true)).await;
    let username = Some("admiral".to_owned());
    let grace = change(&grace, EntryChanges { username, ..EntryChanges::default() }).await;
    assert_eq!(sign_in(directory, "admiral", PASSWORD).await.unwrap().subject, grace.id);

    let staff = manager.group_named("staff").await.unwrap();
    assert_eq!(manager.set_member(&grace, &staff, true).await, Ok(true));
    assert_eq!(manager.set_member(&grace, &staff, true).await, Ok(false));
    assert_eq!(manager.groups_of(&grace).await.unwrap(), std::slice::from_ref(&staff));
    let groups = sign_in(directory, "admiral", PASSWORD).await.unwrap().claims["groups"].clone();
    assert!(groups.as_array().unwrap().contains(&json!("company")), "nested: {groups}");
    assert_eq!(manager.set_member(&grace, &staff, false).await, Ok(true));
    assert_eq!(manager.set_member(&grace, &staff, false).await, Ok(false));

    let second = "Grace-Passw0rd-2";
    manager.set_password(&grace, &Secret::new(second), false).await.unwrap();
    assert!(sign_in(directory, "admiral", PASSWORD).await.is_err());
    assert!(sign_in(directory, "admiral", second).await.is_ok());
    manager.set_password(&grace, &Secret::new(PASSWORD), true).await.unwrap();
    let refused = sign_in(directory, "admiral", PASSWORD).await.unwrap_err();
    assert_eq!(refused, DirectoryError::Account(AccountProblem::MustChangePassword));
}

fn name(text: &str) -> doorward_provider::model::directory::LoginName {
    LoginNames::every().take(text).unwrap()
}

fn now() -> Timestamp {
    let seconds = SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs();
    Timestamp::from_seconds(i64::try_from(seconds).unwrap())
}

/// A sign-in as the provider sees it: an account that can't be used signs nobody in.
async fn sign_in(
    directory: &LdapDirectory,
    typed: &str,
    password: &str,
) -> Result<DirectoryUser, DirectoryError> {
    let user = directory.verify(&name(typed), &Secret::new(password), &Always, now()).await?;
    match user.state.problem {
        Some(problem) => Err(DirectoryError::Account(problem)),
        None => Ok(user),
    }
}

fn administrator(folder: &Path) -> ServiceAccount {
    ServiceAccount {
        dn: format!("CN=Administrator,CN=Users,{BASE}"),
        password: Secret::new(fs::read_to_string(folder.join("password")).unwrap().trim()),
    }
}

fn settings(folder: &Path) -> DirectorySettings {
    let kind = DirectoryKind::ActiveDirectory;
    let filter = |text, known| FilterTemplate::parse(text, known).unwrap();
    DirectorySettings {
        name: IdentityProviderName::parse("corp").unwrap(),
        kind,
        servers: vec![Server { host: "127.0.0.1".to_owned(), port: 636, security: Security::Tls }],
        authorities: vec![fs::read(folder.join("ca.der")).unwrap()],
        account: Some(administrator(folder)),
        find: FindEntry::Search(filter(
            "(&(objectCategory=person)(objectClass=user)(sAMAccountName={name}))",
            &["name"],
        )),
        base: BASE.to_owned(),
        attributes: Attributes::usual(kind),
        decoy: None,
        groups: Groups::Search {
            base: BASE.to_owned(),
            filter: filter("(&(objectClass=group)(member:1.2.840.113556.1.4.1941:={dn}))", &["dn"]),
            name: "cn".to_owned(),
            nested: false,
        },
        password_change: PasswordChange::UnicodePwd,
        management: Some(Management {
            account: administrator(folder),
            base: Dn::parse(&format!("CN=Users,{BASE}")).unwrap(),
            create_in: Dn::parse(&format!("CN=Users,{BASE}")).unwrap(),
            filter: "(&(objectCategory=person)(objectClass=user))".to_owned(),
            object_classes: ["top", "person", "organizationalPerson", "user"]
                .map(str::to_owned)
                .into(),
            naming_attribute: "cn".to_owned(),
            editable: ["displayName", "givenName", "sn", "mail"].map(str::to_owned).into(),
            disable: DisableBy::AccountControl,
            groups: Some(ManagedGroups {
                base: Dn::parse(&format!("CN=Users,{BASE}")).unwrap(),
                filter: "(objectClass=group)".to_owned(),
                name: "cn".to_owned(),
                member: "member".to_owned(),
            }),
        }),
        limits: Limits::default(),
    }
}
