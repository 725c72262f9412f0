//! Tries what is special about Active Directory with a Samba as its domain controller, which
//! `script/samba` starts: `samba FOLDER COMMAND...`, where the command is `samba-tool` with its
//! options.
#![allow(clippy::unwrap_used)]

use std::{fs, path::Path, process::Command, time::SystemTime};

use doorward_directory::{
    FilterTemplate, LdapDirectory, check,
    settings::{
        Attributes, DirectoryKind, DirectorySettings, FindEntry, Groups, Limits, PasswordChange,
        Security, Server, ServiceAccount,
    },
};
use doorward_protocol::secret::Secret;
use doorward_provider::{
    model::{
        directory::{AccountProblem, LoginNames},
        identity_provider::IdentityProviderName,
        time::Timestamp,
    },
    use_case::directory::{
        Always, DirectoryClient as _, DirectoryError, DirectoryUser, PasswordChangeError,
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
    assert_eq!(groups, json!(["Domain Users", "Users", "company", "staff"]), "nested groups");

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
    println!("All of it works with this domain controller.");
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

fn settings(folder: &Path) -> DirectorySettings {
    let kind = DirectoryKind::ActiveDirectory;
    let filter = |text, known| FilterTemplate::parse(text, known).unwrap();
    DirectorySettings {
        name: IdentityProviderName::parse("corp").unwrap(),
        kind,
        servers: vec![Server { host: "127.0.0.1".to_owned(), port: 636, security: Security::Tls }],
        authorities: vec![fs::read(folder.join("ca.der")).unwrap()],
        account: Some(ServiceAccount {
            dn: format!("CN=Administrator,CN=Users,{BASE}"),
            password: Secret::new(fs::read_to_string(folder.join("password")).unwrap().trim()),
        }),
        find: FindEntry::Search(filter(
            "(&(objectCategory=person)(objectClass=user)(sAMAccountName={name}))",
            &["name"],
        )),
        base: BASE.to_owned(),
        attributes: Attributes::usual(kind),
        groups: Groups::Search {
            base: BASE.to_owned(),
            filter: filter("(&(objectClass=group)(member:1.2.840.113556.1.4.1941:={dn}))", &["dn"]),
            name: "cn".to_owned(),
            nested: false,
        },
        password_change: PasswordChange::UnicodePwd,
        limits: Limits::default(),
    }
}
