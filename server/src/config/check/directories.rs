//! `[[directories]]`: directories (LDAP) by which users sign in.

mod management;

use std::{fs, path::Path, time::Duration};

use doorward_directory::{
    Dn, DnTemplate, FilterTemplate, is_attribute,
    settings::{
        Attributes, DirectoryKind, DirectorySettings, FindEntry, Groups, IdAttribute, Limits,
        PasswordChange, Security, Server, ServiceAccount, WHOLE,
    },
};
use doorward_protocol::secret::Secret;
use doorward_provider::model::{
    directory::{Asked, Directory, LoginNames},
    identity_provider::{self, IdentityProvider},
    time::Seconds,
};
use url::Url;

use super::{
    super::{
        ConfigErrors, SettingSources,
        error::Mistakes,
        file::{ConfigFile, DirectoryTable, GroupsFrom},
        is_loopback,
    },
    Wrong, title,
};
use crate::tls::certificates;

/// The key of the list.
const LIST: &str = "directories";

/// Checks every directory, and that no provider has the name of one. `is_used`: by this process,
/// which then reads the files of passwords and authorities.
pub fn check(
    file: &ConfigFile,
    is_used: bool,
    sources: &SettingSources,
) -> Result<(Vec<Directory>, Vec<DirectorySettings>), ConfigErrors> {
    let mut mistakes = Mistakes::default();
    let mut checked = (Vec::new(), Vec::new());
    for (index, table) in file.directories.iter().enumerate() {
        let label = format!("the directory \"{}\"", table.name);
        let refuse = |Wrong { key, value, problem }: Wrong| {
            sources.refuse_key_in((LIST, key), &value, &format!("{problem} (in {label})"))
        };
        let is_taken = file.directories[..index].iter().any(|own| own.name == table.name)
            || file.identity_providers.iter().any(|own| own.name == table.name);
        if is_taken {
            let problem = "another directory or identity provider has this name";
            mistakes.note::<()>(Err(refuse(Wrong::new("name", &table.name, problem))));
        }
        let directory = mistakes.note(directory(table).map_err(refuse));
        let settings = mistakes.note(settings(table, is_used).map_err(refuse));
        checked.0.extend(directory);
        checked.1.extend(settings);
    }
    mistakes.or(Some(checked))
}

/// What matters for accounts.
fn directory(table: &DirectoryTable) -> Result<Directory, Wrong> {
    let names = LoginNames::parse(&table.names)
        .map_err(|error| Wrong::new("names", error.value, error.problem))?;
    let directory = Directory::new(table.name.clone());
    let provider = IdentityProvider {
        title: title(table.title.as_deref(), &table.name)?,
        first_sign_in: table.first_sign_in,
        trusted_email_domains: table.trusted_email_domains.clone(),
        claims: table.claims.clone(),
        ..directory.provider
    };
    identity_provider::check(std::slice::from_ref(&provider))
        .map_err(|error| Wrong::new("trusted_email_domains", error.value, error.problem))?;
    Ok(Directory {
        provider,
        names,
        asked: table.asked,
        refresh_interval: refresh_interval(table)?,
        trust_without_answer: trust_without_answer(table)?,
        adopts_usernames: table.link_by_username,
        changes_passwords: table.password_change != PasswordChange::None,
        changes_expired_passwords: table.password_change == PasswordChange::UnicodePwd,
    })
}

/// How often it is asked again; `None`: at each sign-in only.
fn refresh_interval(table: &DirectoryTable) -> Result<Option<Seconds>, Wrong> {
    match table.refresh_interval {
        0 => Ok(None),
        seconds @ 30..=86_400 => Ok(Some(Seconds::new(seconds))),
        other => {
            let problem = "give 30 to 86400 seconds, or 0 to ask at each sign-in only";
            Err(Wrong::new("refresh_interval", other, problem))
        }
    }
}

/// For how long the last answer counts.
fn trust_without_answer(table: &DirectoryTable) -> Result<Seconds, Wrong> {
    let (seconds, least) = (table.trust_without_answer, table.refresh_interval);
    if (least.max(60)..=2_592_000).contains(&seconds) {
        return Ok(Seconds::new(seconds));
    }
    let problem = "give 60 to 2592000 seconds, and no less than refresh_interval";
    Err(Wrong::new("trust_without_answer", seconds, problem))
}

/// How it is asked.
fn settings(table: &DirectoryTable, is_used: bool) -> Result<DirectorySettings, Wrong> {
    let servers: Vec<_> =
        table.servers.iter().map(|text| server(table, text)).collect::<Result<_, _>>()?;
    if servers.is_empty() {
        return Err(Wrong::new("servers", "[]", "give a server, as ldaps://ldap.example.com"));
    }
    dn("base", &table.base)?;
    let is_plain = servers.iter().any(|server| server.security == Security::Plain);
    if is_plain && table.password_change == PasswordChange::UnicodePwd {
        let problem = "Active Directory changes passwords over TLS only: use ldaps or StartTLS";
        return Err(Wrong::new("password_change", "unicode_pwd", problem));
    }
    Ok(DirectorySettings {
        name: table.name.clone(),
        kind: table.kind,
        servers,
        authorities: authorities(table, is_used)?,
        account: account(
            ("bind_dn", table.bind_dn.as_deref()),
            table.bind_password.as_ref(),
            ("bind_password_file", table.bind_password_file.as_deref()),
            is_used,
        )?,
        find: find(table)?,
        base: table.base.clone(),
        attributes: attributes(table)?,
        decoy: decoy(table)?,
        groups: groups(table)?,
        password_change: table.password_change,
        management: management::check(table, is_plain, is_used)?,
        limits: limits(table)?,
    })
}

fn server(table: &DirectoryTable, text: &str) -> Result<Server, Wrong> {
    let refuse = |problem: &str| Err(Wrong::new("servers", text, problem));
    let form = "write a server as ldaps://ldap.example.com or ldap://ldap.example.com:389";
    let Ok(url) = Url::parse(text) else { return refuse(form) };
    let has_more = !matches!(url.path(), "" | "/")
        || url.query().is_some()
        || url.fragment().is_some()
        || !url.username().is_empty()
        || url.password().is_some();
    let host = url.host_str().unwrap_or_default();
    if has_more || host.is_empty() {
        return refuse(form);
    }
    let is_here = is_loopback(&format!("http://{host}"));
    let (security, port) = match url.scheme() {
        "ldaps" => (Security::Tls, 636),
        "ldap" if table.start_tls => (Security::StartTls, 389),
        "ldap" if table.allow_plain || is_here => (Security::Plain, 389),
        "ldap" => {
            return refuse(
                "passwords would go over the network as they are: use ldaps, or start_tls = true, \
                 or allow_plain = true if something else protects this network",
            );
        }
        _ => return refuse(form),
    };
    let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
    Ok(Server { host, port: url.port().unwrap_or(port), security })
}

fn authorities(table: &DirectoryTable, is_used: bool) -> Result<Vec<Vec<u8>>, Wrong> {
    match &table.ca_file {
        Some(path) if is_used => {
            let read = certificates(path);
            let read =
                read.map_err(|error| Wrong::new("ca_file", path.display(), error.to_string()))?;
            Ok(read.iter().map(|der| der.to_vec()).collect())
        }
        _ => Ok(Vec::new()),
    }
}

/// The account of a key, and its password, which is given or in a file.
fn account(
    (dn_key, dn): (&'static str, Option<&str>),
    password: Option<&Secret>,
    (file_key, file): (&'static str, Option<&Path>),
    is_used: bool,
) -> Result<Option<ServiceAccount>, Wrong> {
    let password = match (password, file) {
        (Some(_), Some(file)) => {
            let problem = "the password is also given by bind_password: give one of the two";
            return Err(Wrong::new(file_key, file.display(), problem));
        }
        (None, Some(_)) if !is_used => Some(Secret::new("not read")),
        (None, Some(file)) => {
            let text = fs::read_to_string(file).map_err(|error| {
                let problem = format!("it can't be read: {error}");
                Wrong::new(file_key, file.display(), problem)
            })?;
            Some(Secret::new(text.trim_end_matches(['\r', '\n'])))
        }
        (given, None) => given.cloned(),
    };
    let empty = "an empty password is a sign-in by nobody (RFC 4513 section 5.1.2): give the \
                 account's password, or leave bind_dn out to search without an account";
    match (dn, password) {
        (None, None) => Ok(None),
        (Some(dn), Some(password)) if !dn.is_empty() && !password.expose().is_empty() => {
            Ok(Some(ServiceAccount { dn: dn.to_owned(), password }))
        }
        (Some(dn), _) => Err(Wrong::new(dn_key, dn, empty)),
        (None, Some(_)) => {
            let problem = "give the account that has bind_password, too";
            Err(Wrong::new(dn_key, "(missing)", problem))
        }
    }
}

fn find(table: &DirectoryTable) -> Result<FindEntry, Wrong> {
    let usual = match table.kind {
        DirectoryKind::Ldap => "(&(objectClass=person)(uid={name}))",
        DirectoryKind::ActiveDirectory => {
            "(&(objectCategory=person)(objectClass=user)(sAMAccountName={name}))"
        }
    };
    match (&table.user_filter, &table.user_dn) {
        (Some(_), Some(dn)) => {
            let problem = "the entry is also searched for by user_filter: give one of the two";
            Err(Wrong::new("user_dn", dn, problem))
        }
        (None, Some(_)) if table.asked == Asked::BeforeLocalUsers => {
            let problem = "with user_dn the directory does not tell whether it has a name, and our \
                           own users could not sign in: search by user_filter";
            Err(Wrong::new("asked", "before_local_users", problem))
        }
        (None, Some(dn)) => DnTemplate::parse(dn)
            .map(FindEntry::Direct)
            .map_err(|error| Wrong::new("user_dn", dn, error.to_string())),
        (filter, None) => {
            let filter = filter.as_deref().unwrap_or(usual);
            FilterTemplate::parse(filter, &["name", "typed"])
                .map(FindEntry::Search)
                .map_err(|error| Wrong::new("user_filter", filter, error.to_string()))
        }
    }
}

fn attributes(table: &DirectoryTable) -> Result<Attributes, Wrong> {
    let usual = Attributes::usual(table.kind);
    let named = |key: &'static str, given: &Option<String>, usual: String| {
        let name = given.clone().unwrap_or(usual);
        if is_attribute(&name) {
            return Ok(name);
        }
        Err(Wrong::new(key, name, "this is not the name of an attribute"))
    };
    let id = match &table.id_attribute {
        None => usual.id,
        Some(name) if name.eq_ignore_ascii_case("objectGUID") => IdAttribute::ObjectGuid,
        given => IdAttribute::Text(named("id_attribute", given, String::new())?),
    };
    if let Some(other) = table.attributes.iter().find(|name| !is_attribute(name)) {
        return Err(Wrong::new("attributes", other, "this is not the name of an attribute"));
    }
    Ok(Attributes {
        id,
        username: named("username_attribute", &table.username_attribute, usual.username)?,
        email: named("email_attribute", &table.email_attribute, usual.email)?,
        name: named("name_attribute", &table.name_attribute, usual.name)?,
        given_name: named("given_name_attribute", &table.given_name_attribute, usual.given_name)?,
        family_name: named(
            "family_name_attribute",
            &table.family_name_attribute,
            usual.family_name,
        )?,
        others: table.attributes.clone(),
    })
}

fn decoy(table: &DirectoryTable) -> Result<Option<String>, Wrong> {
    let Some(text) = &table.decoy_dn else { return Ok(None) };
    dn("decoy_dn", text)?;
    let management = table.management.as_ref().map(|own| &own.bind_dn);
    if table.bind_dn.as_ref() == Some(text) || management == Some(text) {
        let problem = "wrong passwords would lock this account: give an entry that nobody uses";
        return Err(Wrong::new("decoy_dn", text, problem));
    }
    Ok(Some(text.clone()))
}

fn groups(table: &DirectoryTable) -> Result<Groups, Wrong> {
    let base = table.group_base.as_deref().unwrap_or(&table.base);
    let parsed = dn("group_base", base)?;
    let is_read = table.groups != GroupsFrom::None && table.claims.reads("/groups");
    if is_read && table.group_base.is_none() {
        let problem = "a rule of claims reads /groups: give the entry under which nobody makes \
                       groups but those who may give rights";
        return Err(Wrong::new("group_base", "(missing)", problem));
    }
    if table.groups != GroupsFrom::Search
        && let Some(filter) = &table.group_filter
    {
        let problem = "it has no effect without groups = \"search\"";
        return Err(Wrong::new("group_filter", filter, problem));
    }
    match table.groups {
        GroupsFrom::None => Ok(Groups::None),
        GroupsFrom::MemberOf if table.nested_groups => {
            let problem = "memberOf lists the groups of the user alone: use groups = \"search\"";
            Err(Wrong::new("nested_groups", true, problem))
        }
        GroupsFrom::MemberOf => Ok(Groups::MemberOf(parsed)),
        GroupsFrom::Search => {
            let usual = match (table.kind, table.nested_groups) {
                (DirectoryKind::Ldap, _) => "(&(objectClass=groupOfNames)(member={dn}))",
                (DirectoryKind::ActiveDirectory, false) => "(&(objectClass=group)(member={dn}))",
                (DirectoryKind::ActiveDirectory, true) => {
                    "(&(objectClass=group)(member:1.2.840.113556.1.4.1941:={dn}))"
                }
            };
            let filter = table.group_filter.as_deref().unwrap_or(usual);
            let name = &table.group_name_attribute;
            if !is_attribute(name) {
                let problem = "this is not the name of an attribute";
                return Err(Wrong::new("group_name_attribute", name, problem));
            }
            let is_told_by_filter = filter.contains("1.2.840.113556.1.4.1941");
            Ok(Groups::Search {
                base: base.to_owned(),
                filter: FilterTemplate::parse(filter, &["dn", "name"])
                    .map_err(|error| Wrong::new("group_filter", filter, error.to_string()))?,
                name: name.clone(),
                nested: table.nested_groups && !is_told_by_filter,
            })
        }
    }
}

fn limits(table: &DirectoryTable) -> Result<Limits, Wrong> {
    let seconds = |key: &'static str, seconds: u32| {
        if (1..=60).contains(&seconds) {
            return Ok(Duration::from_secs(seconds.into()));
        }
        Err(Wrong::new(key, seconds, "give 1 to 60 seconds"))
    };
    let number = |key: &'static str, number: u32, most: u32| {
        if (1..=most).contains(&number) {
            return Ok(number as usize);
        }
        Err(Wrong::new(key, number, format!("give a number from 1 to {most}")))
    };
    let connect = seconds("connect_timeout", table.connect_timeout.get())?;
    let answer = seconds("answer_timeout", table.answer_timeout.get())?;
    if connect + answer >= WHOLE {
        let problem = "with connect_timeout it must be less than 10 seconds, after which a sign-in \
                       is given up";
        return Err(Wrong::new("answer_timeout", table.answer_timeout.get(), problem));
    }
    Ok(Limits {
        connect,
        answer,
        whole: WHOLE,
        connections: number("max_connections", table.max_connections, 100)?,
        groups: number("max_groups", table.max_groups, 10_000)?,
    })
}

fn dn(key: &'static str, text: &str) -> Result<Dn, Wrong> {
    let problem = "this is not a distinguished name, such as dc=example,dc=com";
    Dn::parse(text).ok_or_else(|| Wrong::new(key, text, problem))
}
