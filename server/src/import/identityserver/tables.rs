//! The tables that Entity Framework makes for `IdentityServer` and ASP.NET Core Identity, of any
//! version: a column that is missing says nothing, and one that is not known is told.

use std::{
    collections::{BTreeMap, HashMap},
    path::Path,
};

use doorward_provider::model::time::Timestamp;
use doorward_provider_store::{
    PostgresOptions,
    foreign::{ChildRows, ForeignError, ForeignTable, PostgresTables, SqliteTables},
};
use serde_json::Value;

use super::{Each, Taker, identifier, model_name};
use crate::import::{ReadError, foreign_client::Configuration};

/// A table with what belongs to a row: the member that it becomes, the table, and its column with
/// the row's `Id`.
type Part = (&'static str, &'static str, &'static str);
/// A table whose rows are elements of a list: the table, the list, and what belongs to a row.
type Rows = (&'static str, &'static str, &'static [Part]);

/// The tables whose rows are elements of a list.
const READ: [Rows; 7] = [
    (
        "Clients",
        "Clients",
        &[
            ("ClientSecrets", "ClientSecrets", "ClientId"),
            ("AllowedGrantTypes", "ClientGrantTypes", "ClientId"),
            ("RedirectUris", "ClientRedirectUris", "ClientId"),
            ("PostLogoutRedirectUris", "ClientPostLogoutRedirectUris", "ClientId"),
            ("AllowedScopes", "ClientScopes", "ClientId"),
            ("Claims", "ClientClaims", "ClientId"),
            ("AllowedCorsOrigins", "ClientCorsOrigins", "ClientId"),
            ("IdentityProviderRestrictions", "ClientIdPRestrictions", "ClientId"),
            ("Properties", "ClientProperties", "ClientId"),
        ],
    ),
    (
        "IdentityResources",
        "IdentityResources",
        &[
            ("UserClaims", "IdentityResourceClaims", "IdentityResourceId"),
            ("Properties", "IdentityResourceProperties", "IdentityResourceId"),
        ],
    ),
    (
        "ApiScopes",
        "ApiScopes",
        &[
            ("UserClaims", "ApiScopeClaims", "ScopeId"),
            ("Properties", "ApiScopeProperties", "ScopeId"),
        ],
    ),
    (
        "ApiResources",
        "ApiResources",
        &[
            ("Scopes", "ApiResourceScopes", "ApiResourceId"),
            ("UserClaims", "ApiResourceClaims", "ApiResourceId"),
            ("ApiSecrets", "ApiResourceSecrets", "ApiResourceId"),
            ("Properties", "ApiResourceProperties", "ApiResourceId"),
        ],
    ),
    ("IdentityProviders", "IdentityProviders", &[]),
    (
        "AspNetUsers",
        "Users",
        &[
            ("Claims", "AspNetUserClaims", "UserId"),
            ("Roles", "AspNetUserRoles", "UserId"),
            ("Logins", "AspNetUserLogins", "UserId"),
            ("Tokens", "AspNetUserTokens", "UserId"),
        ],
    ),
    ("PersistedGrants", "PersistedGrants", &[]),
];

/// The roles, whose names users have, and what is said about their claims.
const ROLES: (&str, &str) = ("AspNetRoles", "AspNetRoleClaims");

/// Tables of which is told how many rows they have.
const COUNTED: [(&str, &str); 4] = [
    ("DeviceCodes", "device codes: devices ask anew"),
    ("Keys", "signing keys: Doorward makes its own, and applications read them from the jwks"),
    ("ServerSideSessions", "sessions: users sign in anew"),
    ("AspNetUserPasskeys", "passkeys: users set them up again"),
];

/// Tables that say nothing which must be kept.
const OF_NO_USE: [&str; 4] = [
    "EFMigrationsHistory",
    "EFMigrationsLock",
    "DataProtectionKeys",
    // They live for some minutes.
    "PushedAuthorizationRequests",
];

/// How many unknown tables are named.
const MOST_NAMED: usize = 30;

/// An open database of another system.
pub enum Tables {
    /// A file.
    Sqlite(SqliteTables),
    /// A server, and the runtime in which it is asked.
    Postgres(tokio::runtime::Runtime, PostgresTables),
}

impl Tables {
    /// Opens a file.
    pub fn sqlite(file: &Path) -> Result<Self, ReadError> {
        SqliteTables::open(file).map(Self::Sqlite).map_err(unreadable)
    }

    /// Connects to a server. The thread must have no runtime of its own.
    pub fn postgres(options: &PostgresOptions) -> Result<Self, ReadError> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| ReadError(error.to_string()))?;
        let tables = runtime.block_on(PostgresTables::open(options)).map_err(unreadable)?;
        Ok(Self::Postgres(runtime, tables))
    }

    fn tables(&self) -> Result<Vec<ForeignTable>, ReadError> {
        match self {
            Self::Sqlite(tables) => tables.tables(),
            Self::Postgres(runtime, tables) => runtime.block_on(tables.tables()),
        }
        .map_err(unreadable)
    }

    fn rows(
        &self,
        table: &ForeignTable,
        children: &[ChildRows<'_>],
        each: &mut dyn FnMut(Value),
    ) -> Result<(), ReadError> {
        let (runtime, tables) = match self {
            Self::Sqlite(tables) => return tables.rows(table, children, each).map_err(unreadable),
            Self::Postgres(runtime, tables) => (runtime, tables),
        };
        let mut rows = runtime.block_on(tables.rows(table, children)).map_err(unreadable)?;
        loop {
            // What is found is passed on outside of the runtime, so that it may have to wait.
            let page = runtime.block_on(rows.next()).map_err(unreadable)?;
            if page.is_empty() {
                return Ok(());
            }
            page.into_iter().for_each(&mut *each);
        }
    }
}

#[allow(clippy::needless_pass_by_value)] // As map_err has it.
fn unreadable(error: ForeignError) -> ReadError {
    ReadError(error.to_string())
}

/// Reads all tables that are known.
pub fn read_tables(
    tables: &Tables,
    now: Timestamp,
    each: Each<'_>,
    configuration: &mut Configuration,
) -> Result<(), ReadError> {
    let all = tables.tables()?;
    let found: BTreeMap<String, &ForeignTable> =
        all.iter().map(|table| (model_name(&table.name), table)).collect();
    if !READ.iter().any(|(table, ..)| found.contains_key(*table)) {
        let names: Vec<&str> = READ.iter().map(|(table, ..)| *table).collect();
        return Err(ReadError(format!(
            "there is none of the tables {} in it. If they are in a schema of their own, name it \
             in the URL: ?options=-c%20search_path%3DNAME",
            names.join(", ")
        )));
    }
    name_unknown(&found, configuration);
    let roles = roles(tables, &found, configuration)?;
    let mut taker =
        Taker { now, each, configuration: &mut *configuration, grants: BTreeMap::new() };
    for (name, list, parts) in READ {
        let Some(table) = found.get(name).copied() else { continue };
        let children = children(table, parts, &found, &mut *taker.configuration);
        tables.rows(table, &children, &mut |mut row| {
            if list == "Users" {
                name_roles(&mut row, &roles);
            }
            taker.take(list, row);
        })?;
    }
    taker.finish();
    for (name, what) in COUNTED {
        let Some(table) = found.get(name).copied() else { continue };
        let mut count = 0_usize;
        tables.rows(&ForeignTable { columns: Vec::new(), ..table.clone() }, &[], &mut |_| {
            count += 1;
        })?;
        if count > 0 {
            configuration.left.push(format!("{count} {what}"));
        }
    }
    Ok(())
}

/// The tables with what belongs to a row.
fn children<'a>(
    table: &'a ForeignTable,
    parts: &[(&'a str, &str, &str)],
    found: &BTreeMap<String, &'a ForeignTable>,
    configuration: &mut Configuration,
) -> Vec<ChildRows<'a>> {
    let column = |table: &'a ForeignTable, name: &str| {
        table.columns.iter().find(|column| model_name(column) == name).map(String::as_str)
    };
    let mut children = Vec::new();
    for &(member, part, of) in parts {
        let Some(part) = found.get(part).copied() else { continue };
        match (column(part, of), column(table, "Id")) {
            (Some(column), Some(key)) => {
                children.push(ChildRows { member, table: part, column, key });
            }
            _ => configuration.left.push(format!(
                "the table {}, which does not say by {of} what its rows belong to",
                part.name
            )),
        }
    }
    children
}

/// Tells which tables are not known here.
fn name_unknown(found: &BTreeMap<String, &ForeignTable>, configuration: &mut Configuration) {
    let is_known = |name: &str| {
        let is_read = |(table, _, parts): &Rows| {
            *table == name || parts.iter().any(|(_, part, _)| *part == name)
        };
        READ.iter().any(is_read)
            || COUNTED.iter().any(|(table, _)| *table == name)
            || [ROLES.0, ROLES.1].contains(&name)
            || OF_NO_USE.contains(&name)
    };
    let unknown = found.iter().filter(|(name, _)| !is_known(name));
    let unknown: Vec<&str> = unknown.map(|(_, table)| table.name.as_str()).collect();
    if unknown.is_empty() {
        return;
    }
    let (named, more) = unknown.split_at(unknown.len().min(MOST_NAMED));
    let more = if more.is_empty() { String::new() } else { format!(" and {} more", more.len()) };
    configuration.left.push(format!("tables that are not known here: {}{more}", named.join(", ")));
}

/// The names of the roles by their identifiers. What they give to users is told.
fn roles(
    tables: &Tables,
    found: &BTreeMap<String, &ForeignTable>,
    configuration: &mut Configuration,
) -> Result<HashMap<String, String>, ReadError> {
    let mut roles = HashMap::new();
    let Some(table) = found.get(ROLES.0).copied() else { return Ok(roles) };
    let children = children(table, &[("Claims", ROLES.1, "RoleId")], found, configuration);
    tables.rows(table, &children, &mut |row| {
        let row = super::with_model_names(row);
        let Some(name) = row["Name"].as_str() else { return };
        let claims = row["Claims"].as_array().into_iter().flatten();
        let claims: Vec<&str> = claims.filter_map(|claim| claim["ClaimType"].as_str()).collect();
        if !claims.is_empty() {
            let claims = claims.join(", ");
            configuration.left.push(format!(
                "the claims of the role {name}: {claims}. Give them to a group (doorward group set)"
            ));
        }
        roles.extend(identifier(&row["Id"]).map(|id| (id, name.to_owned())));
    })?;
    Ok(roles)
}

/// Puts the name of each role of a user in place of its row.
fn name_roles(user: &mut Value, names: &HashMap<String, String>) {
    let Some(Value::Array(rows)) = user.get_mut("Roles") else { return };
    for row in rows {
        let id = row.as_object().and_then(|columns| {
            let id = columns.iter().find(|(column, _)| model_name(column) == "RoleId");
            id.and_then(|(_, id)| identifier(id))
        });
        *row = id.and_then(|id| names.get(&id)).map_or(Value::Null, |name| name.clone().into());
    }
}
