//! How a directory is asked: checked settings, without a file or a connection.

use std::{fmt, time::Duration};

use doorward_protocol::secret::Secret;
use doorward_provider::model::identity_provider::IdentityProviderName;
use serde::Deserialize;

use crate::{
    dn::Dn,
    template::{DnTemplate, FilterTemplate},
};

/// How a directory is asked.
#[derive(Debug, Clone)]
pub struct DirectorySettings {
    /// Its name.
    pub name: IdentityProviderName,
    /// What it is, for what the standards leave open.
    pub kind: DirectoryKind,
    /// Its servers. The first one that answers is asked.
    pub servers: Vec<Server>,
    /// The certification authorities (DER) that may vouch for the servers. Empty: the machine's.
    pub authorities: Vec<Vec<u8>>,
    /// Who searches. `None`: nobody in particular (an anonymous search).
    pub account: Option<ServiceAccount>,
    /// How the entry of a name is found.
    pub find: FindEntry,
    /// Under which entry it is found again by its identifier.
    pub base: String,
    /// Which attributes are read.
    pub attributes: Attributes,
    /// The entry on which a wrong password is tried for a name that has no entry. `None`: on one
    /// that is not there.
    pub decoy: Option<String>,
    /// Which groups count.
    pub groups: Groups,
    /// How a user changes the password.
    pub password_change: PasswordChange,
    /// How users are managed. `None`: not at all.
    pub management: Option<Management>,
    /// How long and how much.
    pub limits: Limits,
}

/// `kind`: what a directory is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DirectoryKind {
    /// OpenLDAP, 389 Directory Server and others by the standards.
    #[default]
    Ldap,
    /// Active Directory, or Samba as its domain controller.
    ActiveDirectory,
}

/// A server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    /// Its host name or address, which its certificate must have.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How the connection is protected.
    pub security: Security,
}

/// How a connection is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Security {
    /// By TLS from the beginning (`ldaps`).
    Tls,
    /// By TLS before anything else is sent (RFC 4511 section 4.14).
    StartTls,
    /// Not at all.
    Plain,
}

/// Who searches.
#[derive(Debug, Clone)]
pub struct ServiceAccount {
    /// Its distinguished name, or what else the directory takes for one.
    pub dn: String,
    /// Its password.
    pub password: Secret,
}

/// How the entry of a name is found.
#[derive(Debug, Clone)]
pub enum FindEntry {
    /// By a search.
    Search(FilterTemplate),
    /// By its distinguished name, with which the password is tried at once.
    Direct(DnTemplate),
}

/// Which attributes are read.
#[derive(Debug, Clone)]
pub struct Attributes {
    /// What names an entry for ever.
    pub id: IdAttribute,
    /// The user name.
    pub username: String,
    /// The e-mail address.
    pub email: String,
    /// The full name.
    pub name: String,
    /// The given name.
    pub given_name: String,
    /// The family name.
    pub family_name: String,
    /// Others, for the mapping.
    pub others: Vec<String>,
}

/// What names an entry for ever.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IdAttribute {
    /// `objectGUID` of Active Directory: 16 bytes.
    ObjectGuid,
    /// A text that never changes and is never used again, as `entryUUID` (RFC 4530).
    Text(String),
}

/// Which groups count.
#[derive(Debug, Clone)]
pub enum Groups {
    /// None.
    None,
    /// Those that the attribute `memberOf` of the entry lists, if they are under this entry.
    MemberOf(Dn),
    /// Those that a search finds.
    Search {
        /// Under which entry.
        base: String,
        /// Which of them. `{dn}` is that of the member, `{name}` the user name.
        filter: FilterTemplate,
        /// Which attribute is the name.
        name: String,
        /// Whether a member of a group in a group is a member of both. The search is repeated with
        /// the groups that were found. Not needed where the filter says so (Active Directory).
        nested: bool,
    },
}

/// `password_change`: how a user changes the password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PasswordChange {
    /// Not here.
    #[default]
    None,
    /// By the operation of RFC 3062.
    Rfc3062,
    /// By the attribute `unicodePwd` of Active Directory.
    UnicodePwd,
}

/// How users are managed.
#[derive(Debug, Clone)]
pub struct Management {
    /// Who writes. It reads what is managed, too.
    pub account: ServiceAccount,
    /// Under which entry users are managed. Nothing is written elsewhere but memberships.
    pub base: Dn,
    /// Below which entry users are added, unless another one under the base is named.
    pub create_in: Dn,
    /// Which entries are users (RFC 4515).
    pub filter: String,
    /// The classes of an entry that is added.
    pub object_classes: Vec<String>,
    /// The attribute by which an entry that is added is named.
    pub naming_attribute: String,
    /// The attributes that may be edited.
    pub editable: Vec<String>,
    /// How an account is disabled.
    pub disable: DisableBy,
    /// The groups of which members are managed. `None`: none.
    pub groups: Option<ManagedGroups>,
}

/// How an account is disabled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DisableBy {
    /// By a bit of `userAccountControl` of Active Directory.
    AccountControl,
    /// By an attribute that has this value. It is looked at when the user signs in, too.
    Mark {
        /// The attribute.
        attribute: String,
        /// The value.
        value: String,
    },
}

/// The groups of which members are managed.
#[derive(Debug, Clone)]
pub struct ManagedGroups {
    /// Under which entry they are.
    pub base: Dn,
    /// Which entries are groups (RFC 4515).
    pub filter: String,
    /// Which attribute is the name.
    pub name: String,
    /// Which attribute lists the members.
    pub member: String,
}

impl ManagedGroups {
    /// Whether members are listed by their user names, as RFC 2307 does, and not by their entries.
    pub fn lists_names(&self) -> bool {
        self.member.eq_ignore_ascii_case("memberUid")
    }
}

/// How long and how much.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Until a connection is there, with TLS.
    pub connect: Duration,
    /// For the answer to a question.
    pub answer: Duration,
    /// For all questions about one user, together.
    pub whole: Duration,
    /// How many connections there are for questions, and as many for passwords.
    pub connections: usize,
    /// How many groups of one user are read.
    pub groups: usize,
}

/// The longest time for all questions about one user: nobody waits longer at the login page.
pub const WHOLE: Duration = Duration::from_secs(10);

impl Default for Limits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(3),
            answer: Duration::from_secs(5),
            whole: WHOLE,
            connections: 8,
            groups: 1000,
        }
    }
}

impl Attributes {
    /// The names that such a directory usually has.
    pub fn usual(kind: DirectoryKind) -> Self {
        let (id, username) = match kind {
            DirectoryKind::Ldap => (IdAttribute::Text("entryUUID".to_owned()), "uid"),
            DirectoryKind::ActiveDirectory => (IdAttribute::ObjectGuid, "sAMAccountName"),
        };
        Self {
            id,
            username: username.to_owned(),
            email: "mail".to_owned(),
            name: match kind {
                DirectoryKind::Ldap => "cn".to_owned(),
                DirectoryKind::ActiveDirectory => "displayName".to_owned(),
            },
            given_name: "givenName".to_owned(),
            family_name: "sn".to_owned(),
            others: Vec::new(),
        }
    }
}

impl IdAttribute {
    /// The attribute's name.
    pub fn name(&self) -> &str {
        match self {
            Self::ObjectGuid => "objectGUID",
            Self::Text(name) => name,
        }
    }
}

impl fmt::Display for Server {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.security == Security::Tls { "ldaps" } else { "ldap" };
        write!(formatter, "{scheme}://{}:{}", self.host, self.port)
    }
}
