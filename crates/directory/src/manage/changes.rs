//! What is written to entries: attributes, passwords, and whether accounts are enabled.

use std::collections::{BTreeMap, HashSet};

use doorward_protocol::secret::Secret;
use doorward_provider::use_case::directory_management::{
    EntryAttributes, ManageError, ManagedEntry, NewEntry,
};
use ldap3::Mod;

use super::{CONTROL, Manager, OTHER, SAYS_NOTHING_DONE};
use crate::{
    connection::{Failure, unicode_password},
    dn::Dn,
    settings::DisableBy,
    state::ACCOUNT_DISABLED,
};

/// `userAccountControl` of an ordinary account.
const NORMAL_ACCOUNT: i64 = 0x200;
/// Marks that have one value, in place of which theirs is put.
const MARKS_OF_ONE: [&str; 2] = ["pwdAccountLockedTime", "nsAccountLock"];

pub(super) type Changes = Vec<Mod<Vec<u8>>>;
/// The attributes of a new entry, each with its values.
pub(super) type NewAttributes = Vec<(Vec<u8>, HashSet<Vec<u8>>)>;

impl Manager {
    /// What disables an account, or enables it.
    pub(super) fn enabling(&self, before: &ManagedEntry, enabled: bool) -> Changes {
        match &self.own.disable {
            DisableBy::AccountControl => {
                let flags = before.flags.unwrap_or(NORMAL_ACCOUNT);
                let flags =
                    if enabled { flags & !ACCOUNT_DISABLED } else { flags | ACCOUNT_DISABLED };
                vec![replace(CONTROL, flags.to_string().into_bytes())]
            }
            DisableBy::Mark { attribute, value } => {
                let values = HashSet::from([value.clone().into_bytes()]);
                let name = attribute.clone().into_bytes();
                vec![match (enabled, is_of_one(attribute)) {
                    (true, true) => Mod::Delete(name, HashSet::new()),
                    (true, false) => Mod::Delete(name, values),
                    (false, true) => Mod::Replace(name, values),
                    (false, false) => Mod::Add(name, values),
                }]
            }
        }
    }

    /// Below which entry a new one is added.
    pub(super) fn parent(&self, named: Option<&str>) -> Result<Dn, ManageError> {
        let Some(text) = named else { return Ok(self.own.create_in.clone()) };
        let parent = Dn::parse(text).ok_or_else(|| {
            let problem = "this is not a distinguished name, such as ou=sales,dc=example,dc=com";
            ManageError::invalid("parent", problem)
        })?;
        if parent.is_at_or_under(&self.own.base) {
            return Ok(parent);
        }
        Err(ManageError::Outside(text.to_owned()))
    }

    /// The attributes of a new entry.
    pub(super) fn attributes_of(
        &self,
        new: &NewEntry,
        given: &EntryAttributes,
    ) -> Result<NewAttributes, ManageError> {
        let mut all: BTreeMap<String, HashSet<Vec<u8>>> = BTreeMap::new();
        let mut put = |name: &str, value: &[u8]| {
            all.entry(name.to_ascii_lowercase()).or_default().insert(value.to_vec());
        };
        for class in &self.own.object_classes {
            put("objectClass", class.as_bytes());
        }
        put(&self.own.naming_attribute, new.username.as_bytes());
        put(&self.settings.attributes.username, new.username.as_bytes());
        for (name, values) in given {
            for value in values {
                put(name, value.as_bytes());
            }
        }
        if self.is_active_directory() {
            let is_usable = new.enabled && new.password.is_some();
            if new.enabled && !is_usable {
                let problem = "Active Directory enables no account without a password: give one, \
                               or add the account disabled";
                return Err(ManageError::invalid("password", problem));
            }
            let flags = NORMAL_ACCOUNT | if is_usable { 0 } else { ACCOUNT_DISABLED };
            put(CONTROL, flags.to_string().as_bytes());
            if let Some(password) = &new.password {
                put("unicodePwd", &unicode_password(password));
                if new.must_change {
                    put("pwdLastSet", b"0");
                }
            }
        } else if let (false, DisableBy::Mark { attribute, value }) =
            (new.enabled, &self.own.disable)
        {
            put(attribute, value.as_bytes());
        }
        Ok(all.into_iter().map(|(name, values)| (name.into_bytes(), values)).collect())
    }

    /// Sets the password of an entry whose name was checked. A password policy takes the mark of a
    /// disabled account away with it, so it is set again.
    pub(super) async fn write_password(
        &self,
        dn: &str,
        password: &Secret,
        must_change: bool,
        enabled: bool,
    ) -> Result<(), ManageError> {
        let is_active_directory = self.is_active_directory();
        let mut marks = Vec::new();
        if let (false, DisableBy::Mark { attribute, value }) = (enabled, &self.own.disable)
            && is_of_one(attribute)
        {
            marks.push(replace(attribute, value.clone().into_bytes()));
        }
        marks.extend(must_change.then(|| replace("pwdReset", b"TRUE".to_vec())));
        self.write(async |connection| {
            if is_active_directory {
                let mut changes = vec![replace("unicodePwd", unicode_password(password))];
                changes.extend(must_change.then(|| replace("pwdLastSet", b"0".to_vec())));
                return connection.modify(dn, changes).await;
            }
            connection.set_password(dn, password).await?;
            if marks.is_empty() {
                return Ok(());
            }
            connection.modify(dn, marks).await.map_err(|failure| match failure {
                Failure::Refused { code, text } => Failure::Refused {
                    // By their codes some refusals say that nothing was done.
                    code: if SAYS_NOTHING_DONE.contains(&code) { OTHER } else { code },
                    text: format!(
                        "the password is set, but not that it must be changed or that the account \
                         is disabled: {text}"
                    ),
                },
                other => other,
            })
        })
        .await
    }
}

/// Whether a mark has one value, in place of which another one is put.
fn is_of_one(attribute: &str) -> bool {
    MARKS_OF_ONE.iter().any(|own| own.eq_ignore_ascii_case(attribute))
}

pub(super) fn check_password(password: Option<&Secret>) -> Result<(), ManageError> {
    if password.is_some_and(|password| password.expose().is_empty()) {
        let problem = "an empty password is a sign-in by nobody: give another one";
        return Err(ManageError::invalid("password", problem));
    }
    Ok(())
}

fn replace(name: &str, value: Vec<u8>) -> Mod<Vec<u8>> {
    Mod::Replace(name.as_bytes().to_vec(), HashSet::from([value]))
}

/// What makes the new values of the old ones. The old ones are named, so that the change fails if
/// they are not there any more.
pub(super) fn difference(name: &str, old: Option<&Vec<String>>, new: &[String]) -> Changes {
    let old = old.map_or(&[][..], Vec::as_slice);
    let bytes = |values: &[String], others: &[String]| -> HashSet<Vec<u8>> {
        let own = values.iter().filter(|value| !others.contains(value));
        own.map(|value| value.clone().into_bytes()).collect()
    };
    let (removed, added) = (bytes(old, new), bytes(new, old));
    let name = || name.as_bytes().to_vec();
    let mut changes = Vec::new();
    changes.extend((!removed.is_empty()).then(|| Mod::Delete(name(), removed)));
    changes.extend((!added.is_empty()).then(|| Mod::Add(name(), added)));
    changes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_names_the_values_that_it_takes_away() {
        let texts = |texts: &[&str]| texts.iter().map(|&text| text.to_owned()).collect::<Vec<_>>();
        let set = |texts: &[&str]| texts.iter().map(|text| text.as_bytes().to_vec()).collect();
        let name = || b"mail".to_vec();
        let old = texts(&["a", "b"]);
        let both = difference("mail", Some(&old), &texts(&["b", "c"]));
        assert_eq!(both, [Mod::Delete(name(), set(&["a"])), Mod::Add(name(), set(&["c"]))]);
        assert_eq!(difference("mail", Some(&old), &[]), [Mod::Delete(name(), set(&["a", "b"]))]);
        assert_eq!(difference("mail", None, &texts(&["c"])), [Mod::Add(name(), set(&["c"]))]);
        assert!(difference("mail", Some(&old), &texts(&["b", "a"])).is_empty());
    }
}
