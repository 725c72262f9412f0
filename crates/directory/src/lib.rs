//! Directories (LDAP, RFC 4510 and following) by which users sign in: the port
//! [`DirectoryClient`](doorward_provider::use_case::directory::DirectoryClient) of the provider, on
//! the crate `ldap3`.
//!
//! | module | what it owns |
//! |---|---|
//! | `template` | filters and names with a place for what was typed, which is escaped |
//! | `dn` | the parts of a distinguished name |
//! | `entry` | an entry as it was read |
//! | `id` | what names an entry for ever |
//! | `state` | whether an account can be used: pure rules over attributes and diagnostics |
//! | `guard` | what goes to `ldap3`: whole, small messages only |
//! | `connection` | one connection: TLS, bind, search, changes, each with a time limit |
//! | `pool` | several connections to the first server that answers |
//! | `client` | sign-in, groups, and what becomes of an entry |
//! | `manage` | users are found, added and changed with an account of its own |
//! | `check` | the same, step by step, told in sentences |

mod check;
mod client;
mod connection;
mod dn;
mod entry;
mod generalized_time;
mod guard;
mod id;
mod manage;
mod pool;
pub mod settings;
mod state;
mod template;

pub use self::{
    check::{Finding, check},
    client::LdapDirectory,
    connection::TlsError,
    dn::Dn,
    template::{DnTemplate, FilterTemplate, InvalidTemplate, is_attribute, is_filter},
};
