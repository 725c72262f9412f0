//! What `doorward directory check` does: the steps of a sign-in, one by one, told in sentences.

use std::fmt::Write as _;

use doorward_provider::{
    model::{directory::LoginName, time::Timestamp},
    use_case::directory::DirectoryUser,
};
use ldap3::Scope;

use crate::{
    client::LdapDirectory,
    connection::{Connection, Failure, Search},
    settings::{FindEntry, Security, Server},
    state::told,
};

/// What was looked at, and what was found: `Ok` with a remark, or what is wrong and what to do.
pub type Finding = (String, Result<String, String>);

/// Goes through the steps of a sign-in. With a name it also looks for the name's entry, and returns
/// what becomes of it. No password of a user is needed.
pub async fn check(
    directory: &LdapDirectory,
    name: Option<&LoginName>,
    now: Timestamp,
) -> (Vec<Finding>, Option<DirectoryUser>) {
    let mut findings = Vec::new();
    for server in &directory.settings().servers {
        of_server(directory, server, &mut findings).await;
    }
    if findings.iter().all(|(_, finding)| finding.is_err()) {
        return (findings, None);
    }
    findings.push(("search".to_owned(), base(directory).await));
    let user = match name {
        Some(name) => user(directory, name, now, &mut findings).await,
        None => None,
    };
    (findings, user)
}

async fn of_server(directory: &LdapDirectory, server: &Server, findings: &mut Vec<Finding>) {
    let settings = directory.settings();
    let opened = Connection::open(server, &directory.tls, settings.limits).await;
    let mut connection = match opened {
        Ok(connection) => connection,
        Err(failure) => {
            let advice = match server.security {
                Security::Plain => "check the host, the port and the firewall",
                Security::Tls | Security::StartTls => {
                    "check the host, the port and the firewall, and by ca_file the authority that \
                     has issued the server's certificate, which must have the name under servers"
                }
            };
            findings.push((server.to_string(), Err(format!("{failure}; {advice}"))));
            return;
        }
    };
    let protected = match server.security {
        Security::Tls => "the connection is there, by TLS, and the certificate is right",
        Security::StartTls => "the connection is there, by StartTLS, and the certificate is right",
        Security::Plain => "the connection is there, and is NOT protected",
    };
    findings.push((server.to_string(), Ok(protected.to_owned())));
    let bind = match &settings.account {
        None => Ok("nobody signs in to search: the directory must allow that".to_owned()),
        Some(account) => match connection.bind(&account.dn, &account.password).await {
            Ok(bound) => match bound.answer().check() {
                Ok(()) => Ok(format!("{} signs in to search", account.dn)),
                Err(_) => Err(format!(
                    "{} may not sign in: {}; check bind_dn and the password",
                    account.dn,
                    bound.answer().told()
                )),
            },
            Err(failure) => Err(failure.to_string()),
        },
    };
    findings.push((format!("{server}: account"), bind));
    findings.push((format!("{server}: abilities"), abilities(&mut connection).await));
}

/// What the server says of itself (RFC 4512 section 5.1).
async fn abilities(connection: &mut Connection) -> Result<String, String> {
    const NAMES: [&str; 3] = ["supportedControl", "supportedExtension", "vendorName"];
    let search = Search {
        base: String::new(),
        scope: Scope::Base,
        filter: "(objectClass=*)".to_owned(),
        attributes: NAMES.map(str::to_owned).into(),
        most: 1,
    };
    let found = connection.search(&search).await.map_err(|failure| failure.to_string())?;
    let entry = found.entries.into_iter().next().unwrap_or_default();
    let has = |attribute: &str, name: &str| entry.texts(attribute).contains(&name);
    let mut text = String::new();
    for (is_there, what) in [
        (has("supportedControl", "1.2.840.113556.1.4.319"), "paged results (RFC 2696)"),
        (has("supportedExtension", "1.3.6.1.4.1.4203.1.11.1"), "change of passwords (RFC 3062)"),
        (has("supportedControl", "1.3.6.1.4.1.42.2.27.8.5.1"), "password policy"),
    ] {
        let mark = if is_there { "has" } else { "has no" };
        let comma = if text.is_empty() { "" } else { ", " };
        let _ = write!(text, "{comma}it {mark} {what}");
    }
    Ok(text)
}

async fn base(directory: &LdapDirectory) -> Result<String, String> {
    let base = &directory.settings().base;
    let search = Search {
        base: base.clone(),
        scope: Scope::Base,
        filter: "(objectClass=*)".to_owned(),
        attributes: vec!["objectClass".to_owned()],
        most: 1,
    };
    match directory.search(&search).await {
        Ok(found) if found.entries.is_empty() => {
            Err(format!("{base} is not shown: the account that searches may not read it"))
        }
        Ok(_) => Ok(format!("{base} is there, and is read")),
        Err(failure) => Err(format!("{base}: {failure}; check base")),
    }
}

async fn user(
    directory: &LdapDirectory,
    name: &LoginName,
    now: Timestamp,
    findings: &mut Vec<Finding>,
) -> Option<DirectoryUser> {
    let search = match (directory.search_for(name), &directory.settings().find) {
        (Some(search), _) => search,
        (None, FindEntry::Direct(template)) => Search {
            base: template.fill(&name.name),
            scope: Scope::Base,
            filter: "(objectClass=*)".to_owned(),
            attributes: directory.attributes(),
            most: 2,
        },
        (None, FindEntry::Search(_)) => return None,
    };
    let looked_for = format!("{} under {}", search.filter, search.base);
    let entry = match directory.search(&search).await {
        Ok(found) => LdapDirectory::only(found).map_err(|error| error.to_string()),
        Err(Failure::Refused { code, text }) => Err(told(code, &text)),
        Err(Failure::Broken(text) | Failure::Late(text) | Failure::Unreadable(text)) => Err(text),
    };
    let entry = match entry {
        Ok(Some(entry)) => entry,
        Ok(None) => {
            let problem = format!("no entry has the name: {looked_for} finds none");
            findings.push(("entry".to_owned(), Err(problem)));
            return None;
        }
        Err(problem) => {
            findings.push(("entry".to_owned(), Err(format!("{problem} ({looked_for})"))));
            return None;
        }
    };
    findings.push(("entry".to_owned(), Ok(format!("{} ({looked_for})", entry.dn))));
    match directory.user(&entry, now).await {
        Ok(user) => {
            findings.push(("identity".to_owned(), Ok(format!("it is {}", user.subject))));
            let state = match user.state.problem {
                None => Ok("the account can be used".to_owned()),
                Some(problem) => Err(problem.to_string()),
            };
            findings.push(("account".to_owned(), state));
            if user.groups_are_cut {
                let most = directory.settings().limits.groups;
                let problem = format!(
                    "not all groups of the user are read, and so rights may be missing: max_groups \
                     is {most}"
                );
                findings.push(("groups".to_owned(), Err(problem)));
            }
            Some(user)
        }
        Err(error) => {
            findings.push(("identity and groups".to_owned(), Err(error.to_string())));
            None
        }
    }
}
