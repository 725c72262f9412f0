//! `[directories.management]`: how the users of a directory are managed.

use doorward_directory::{
    Dn, is_attribute, is_filter,
    settings::{DirectoryKind, DisableBy, ManagedGroups, Management},
};

use super::{Wrong, account, attributes, dn};
use crate::config::file::{DirectoryManagementTable, DirectoryTable};

/// Attributes that are changed by a way of their own, or by the directory alone.
const NOT_EDITABLE: [&str; 13] = [
    "objectClass",
    "userPassword",
    "unicodePwd",
    "userAccountControl",
    "pwdLastSet",
    "pwdReset",
    "pwdAccountLockedTime",
    "nsAccountLock",
    "member",
    "memberOf",
    "memberUid",
    "uniqueMember",
    "entryUUID",
];

/// Checks the table, if there is one. `is_plain`: a connection is not protected. `is_used`: by this
/// process, which then reads the file of the password.
pub fn check(
    table: &DirectoryTable,
    is_plain: bool,
    is_used: bool,
) -> Result<Option<Management>, Wrong> {
    let Some(own) = &table.management else { return Ok(None) };
    let is_active_directory = table.kind == DirectoryKind::ActiveDirectory;
    if is_plain && is_active_directory {
        let problem = "Active Directory takes passwords over TLS only: use ldaps or StartTLS";
        return Err(Wrong::new("management.bind_dn", &own.bind_dn, problem));
    }
    let account = account(
        ("management.bind_dn", Some(&own.bind_dn)),
        own.bind_password.as_ref(),
        ("management.bind_password_file", own.bind_password_file.as_deref()),
        is_used,
    )?;
    let Some(account) = account else {
        let problem = "give the account that writes";
        return Err(Wrong::new("management.bind_dn", &own.bind_dn, problem));
    };
    let base = dn("management.base", &own.base)?;
    if table.bind_dn.as_ref() == Some(&own.bind_dn) {
        let problem = "it is the account that searches, too: give one of its own, so that a \
                       sign-in has no right to write";
        return Err(Wrong::new("management.bind_dn", &own.bind_dn, problem));
    }
    let usual_filter = if is_active_directory {
        "(&(objectCategory=person)(objectClass=user))"
    } else {
        "(objectClass=person)"
    };
    let usual_naming =
        if is_active_directory { "cn".to_owned() } else { attributes(table)?.username };
    let naming_attribute = own.naming_attribute.clone().unwrap_or(usual_naming);
    if !is_attribute(&naming_attribute) {
        let problem = "this is not a name of an attribute";
        return Err(Wrong::new("management.naming_attribute", naming_attribute, problem));
    }
    Ok(Some(Management {
        account,
        create_in: create_in(own, &base)?,
        filter: filter("management.user_filter", own.user_filter.as_deref(), usual_filter)?,
        object_classes: object_classes(own, is_active_directory)?,
        editable: editable(table, own, &naming_attribute, is_active_directory)?,
        naming_attribute,
        disable: disable(own, is_active_directory)?,
        groups: groups(table, own, is_active_directory)?,
        base,
    }))
}

fn create_in(own: &DirectoryManagementTable, base: &Dn) -> Result<Dn, Wrong> {
    let Some(text) = &own.create_in else { return Ok(base.clone()) };
    let parsed = dn("management.create_in", text)?;
    if parsed.is_at_or_under(base) {
        return Ok(parsed);
    }
    let problem = format!("it must be {base}, which is management.base, or an entry below it");
    Err(Wrong::new("management.create_in", text, problem))
}

fn filter(key: &'static str, given: Option<&str>, usual: &str) -> Result<String, Wrong> {
    let text = given.unwrap_or(usual);
    if is_filter(text) {
        return Ok(text.to_owned());
    }
    Err(Wrong::new(key, text, "this is not a search filter, such as (objectClass=person)"))
}

fn object_classes(
    own: &DirectoryManagementTable,
    is_active_directory: bool,
) -> Result<Vec<String>, Wrong> {
    let usual: &[&str] = if is_active_directory {
        &["top", "person", "organizationalPerson", "user"]
    } else {
        &["inetOrgPerson"]
    };
    let given = own.object_classes.clone();
    let classes = given.unwrap_or_else(|| usual.iter().map(|&class| class.to_owned()).collect());
    match classes.iter().find(|class| !is_attribute(class)) {
        Some(wrong) => {
            let problem = "this is not a name of an object class";
            Err(Wrong::new("management.object_classes", wrong, problem))
        }
        None if classes.is_empty() => {
            let problem = "an entry has a class: give those of a new one, as inetOrgPerson";
            Err(Wrong::new("management.object_classes", "[]", problem))
        }
        None => Ok(classes),
    }
}

fn editable(
    table: &DirectoryTable,
    own: &DirectoryManagementTable,
    naming: &str,
    is_active_directory: bool,
) -> Result<Vec<String>, Wrong> {
    const KEY: &str = "management.editable_attributes";
    let read = attributes(table)?;
    let own_names = [&read.name, &read.given_name, &read.family_name, &read.email];
    let usual =
        own_names.into_iter().cloned().chain(["telephoneNumber", "title"].map(str::to_owned));
    let username = read.username.as_str();
    let id = read.id.name();
    let is_taken = |name: &str| {
        let others = [username, naming, id];
        let mut all = NOT_EDITABLE.iter().chain(&others);
        all.any(|other| other.eq_ignore_ascii_case(name))
            || own.disable_attribute.as_deref().is_some_and(|own| own.eq_ignore_ascii_case(name))
    };
    let Some(given) = &own.editable_attributes else {
        let needed = (!is_active_directory).then(|| ["cn", "sn"].map(str::to_owned));
        let mut names: Vec<String> = Vec::new();
        for name in needed.into_iter().flatten().chain(usual) {
            let is_known = names.iter().any(|known| known.eq_ignore_ascii_case(&name));
            if !is_known && !is_taken(&name) {
                names.push(name);
            }
        }
        return Ok(names);
    };
    for (index, name) in given.iter().enumerate() {
        if !is_attribute(name) {
            return Err(Wrong::new(KEY, name, "this is not a name of an attribute"));
        }
        if is_taken(name) {
            let problem = "it is changed by a way of its own, or by the directory alone: leave it \
                           out";
            return Err(Wrong::new(KEY, name, problem));
        }
        if given[..index].iter().any(|other| other.eq_ignore_ascii_case(name)) {
            return Err(Wrong::new(KEY, name, "it is listed twice"));
        }
    }
    Ok(given.clone())
}

/// By what an account is disabled. The two known marks have a value of their own.
fn disable(own: &DirectoryManagementTable, is_active_directory: bool) -> Result<DisableBy, Wrong> {
    const KEY: &str = "management.disable_attribute";
    let attribute = match (&own.disable_attribute, is_active_directory) {
        (None, true) => return Ok(DisableBy::AccountControl),
        (Some(name), true) => {
            let problem = "Active Directory has a bit of userAccountControl for it: leave it out";
            return Err(Wrong::new(KEY, name, problem));
        }
        (given, false) => given.clone().unwrap_or_else(|| "pwdAccountLockedTime".to_owned()),
    };
    if !is_attribute(&attribute) {
        return Err(Wrong::new(KEY, attribute, "this is not a name of an attribute"));
    }
    let usual = match &*attribute.to_ascii_lowercase() {
        // The time by which draft-behera-ldap-password-policy says that it is for ever.
        "pwdaccountlockedtime" => Some("000001010000Z"),
        "nsaccountlock" => Some("TRUE"),
        _ => None,
    };
    match (usual, &own.disabled_value) {
        (Some(_), Some(value)) => {
            let problem = format!("{attribute} has a value of its own: leave it out");
            Err(Wrong::new("management.disabled_value", value, problem))
        }
        (Some(value), None) => Ok(DisableBy::Mark { attribute, value: value.to_owned() }),
        (None, Some(value)) if !value.trim().is_empty() => {
            Ok(DisableBy::Mark { attribute, value: value.clone() })
        }
        (None, _) => {
            let problem = format!("give the value that {attribute} has if an account is disabled");
            Err(Wrong::new("management.disabled_value", "(missing)", problem))
        }
    }
}

fn groups(
    table: &DirectoryTable,
    own: &DirectoryManagementTable,
    is_active_directory: bool,
) -> Result<Option<ManagedGroups>, Wrong> {
    let Some(base) = &own.group_base else {
        let without = [
            ("management.group_filter", &own.group_filter),
            ("management.member_attribute", &own.member_attribute),
        ];
        let given = without.into_iter().find_map(|(key, value)| Some((key, value.as_ref()?)));
        return match given {
            Some((key, value)) => {
                let problem = "it has no effect without management.group_base";
                Err(Wrong::new(key, value, problem))
            }
            None => Ok(None),
        };
    };
    let usual =
        if is_active_directory { "(objectClass=group)" } else { "(objectClass=groupOfNames)" };
    let member = own.member_attribute.clone().unwrap_or_else(|| "member".to_owned());
    for (key, name) in [
        ("management.member_attribute", &member),
        ("group_name_attribute", &table.group_name_attribute),
    ] {
        if !is_attribute(name) {
            return Err(Wrong::new(key, name, "this is not a name of an attribute"));
        }
    }
    Ok(Some(ManagedGroups {
        base: dn("management.group_base", base)?,
        filter: filter("management.group_filter", own.group_filter.as_deref(), usual)?,
        name: table.group_name_attribute.clone(),
        member,
    }))
}
