//! The schema: its version, its migrations, and the one row that processes lock where one must go
//! after the other.

use deadpool_postgres::Client;
use tokio_postgres::error::SqlState;

use super::{connection::Connection, failure::Failure, open::PostgresError};
use crate::{row::Row as _, schema::SchemaVersion};

/// The migrations in their order. A released one is never changed: the next change of the schema is
/// a new file.
const STEPS: &[&str] = &[
    include_str!("migrations/0001_initial.sql"),
    include_str!("migrations/0002_clients.sql"),
    include_str!("migrations/0003_families.sql"),
    include_str!("migrations/0004_unredeemed.sql"),
    include_str!("migrations/0005_pages.sql"),
    include_str!("migrations/0006_known_and_bounded.sql"),
    include_str!("migrations/0007_accounts.sql"),
    include_str!("migrations/0008_outbox.sql"),
    include_str!("migrations/0009_factors.sql"),
    include_str!("migrations/0010_account_events.sql"),
    include_str!("migrations/0011_used_subs_and_sites.sql"),
    include_str!("migrations/0012_registered_clients.sql"),
    include_str!("migrations/0013_audit.sql"),
    include_str!("migrations/0014_groups.sql"),
    include_str!("migrations/0017_admin.sql"),
    include_str!("migrations/0018_external_identities.sql"),
    include_str!("migrations/0021_lasting.sql"),
    include_str!("migrations/0023_scim.sql"),
    include_str!("migrations/0024_further_addresses.sql"),
    include_str!("migrations/0025_lists.sql"),
    include_str!("migrations/0026_places.sql"),
    include_str!("migrations/0027_identity_providers.sql"),
    include_str!("migrations/0028_searches.sql"),
    include_str!("migrations/0029_left_behind.sql"),
    include_str!("migrations/0030_upstream_id_tokens.sql"),
];

/// How often a migration is tried that met one of another process.
const ATTEMPTS: u32 = 10;

/// Makes this transaction the only one of its kind until it ends: imports of users, changes of
/// clients, new signing keys, migrations.
pub(super) async fn lock(connection: &Connection) -> Result<(), Failure> {
    connection
        .all("SELECT version FROM doorward_schema WHERE id = 1 FOR UPDATE", &[], |_| Ok(()))
        .await?;
    Ok(())
}

/// Answers if the database does, has our schema, and accepts writes.
pub(super) async fn ping(connection: &Connection) -> Result<(), Failure> {
    let sql = "SELECT version, current_setting('transaction_read_only')
               FROM doorward_schema WHERE id = 1";
    let read_only = |row: &tokio_postgres::Row| Ok(row.text(1, "transaction_read_only")? == "on");
    match connection.first(sql, &[], read_only).await? {
        Some(true) => Err(Failure::ReadOnly),
        _ => Ok(()),
    }
}

/// Answers if the database does and has our schema, also if it accepts no writes.
pub(super) async fn answers_queries(connection: &Connection) -> Result<(), Failure> {
    connection.first("SELECT 1 FROM doorward_schema WHERE id = 1", &[], |_| Ok(())).await?;
    Ok(())
}

/// Brings the schema up to date. Of several processes that start together one does it, and the
/// others wait.
pub(super) async fn migrate(client: &mut Client, place: &str) -> Result<(), PostgresError> {
    let mut attempt = 1;
    loop {
        match step_up(client).await {
            Ok(found) if found > STEPS.len() => {
                return Err(PostgresError::Newer {
                    place: place.to_owned(),
                    found,
                    known: STEPS.len(),
                });
            }
            Ok(_) => return Ok(()),
            Err(error) if attempt < ATTEMPTS && met_another(&error) => attempt += 1,
            // Our first table may appear between PostgreSQL's look and its making; one of somebody
            // else is there the next time, too.
            Err(error) if attempt == 1 && error.code() == Some(&SqlState::DUPLICATE_TABLE) => {
                attempt += 1;
            }
            Err(error) if error.code() == Some(&SqlState::DUPLICATE_TABLE) => {
                return Err(PostgresError::Foreign { place: place.to_owned() });
            }
            Err(error) => return Err(PostgresError::failed(place, &error)),
        }
    }
}

/// The version of the schema that is there.
pub(super) async fn look(client: &Client, place: &str) -> Result<SchemaVersion, PostgresError> {
    let known = STEPS.len();
    match version(client).await {
        Ok(found) if found > known => {
            Err(PostgresError::Newer { place: place.to_owned(), found, known })
        }
        Ok(found) => Ok(SchemaVersion { found, known }),
        Err(error) if error.code() == Some(&SqlState::UNDEFINED_TABLE) => {
            Ok(SchemaVersion { found: 0, known })
        }
        Err(error) => Err(PostgresError::failed(place, &error)),
    }
}

/// Runs the steps that are missing; returns the version that is there then.
async fn step_up(client: &mut Client) -> Result<usize, tokio_postgres::Error> {
    match version(client).await {
        Ok(found) if found >= STEPS.len() => return Ok(found),
        Ok(_) => {}
        Err(error) if error.code() == Some(&SqlState::UNDEFINED_TABLE) => {
            client
                .batch_execute(
                    "CREATE TABLE IF NOT EXISTS doorward_schema (id BIGINT PRIMARY KEY CHECK (id =
                        1), version BIGINT NOT NULL);
                     INSERT INTO doorward_schema (id, version) VALUES (1, 0)
                         ON CONFLICT (id) DO NOTHING;",
                )
                .await?;
        }
        Err(error) => return Err(error),
    }
    let transaction = client.transaction().await?;
    // To rebuild an index may take longer than any statement of a request.
    transaction.batch_execute("SET LOCAL statement_timeout = 0").await?;
    let row = transaction
        .query_one("SELECT version FROM doorward_schema WHERE id = 1 FOR UPDATE", &[])
        .await?;
    let found = as_version(row.try_get(0)?);
    for step in STEPS.iter().skip(found) {
        transaction.batch_execute(step).await?;
    }
    let reached = found.max(STEPS.len());
    let stored = i64::try_from(reached).unwrap_or(i64::MAX);
    transaction.execute("UPDATE doorward_schema SET version = $1 WHERE id = 1", &[&stored]).await?;
    transaction.commit().await?;
    Ok(reached)
}

async fn version(client: &Client) -> Result<usize, tokio_postgres::Error> {
    let row = client.query_opt("SELECT version FROM doorward_schema WHERE id = 1", &[]).await?;
    Ok(row.map(|row| row.try_get(0)).transpose()?.map_or(0, as_version))
}

fn as_version(stored: i64) -> usize {
    usize::try_from(stored).unwrap_or(0)
}

/// Whether another process made the same thing at the same time.
fn met_another(error: &tokio_postgres::Error) -> bool {
    let causes = [
        SqlState::UNIQUE_VIOLATION,
        // The type that belongs to the table.
        SqlState::DUPLICATE_OBJECT,
        SqlState::T_R_SERIALIZATION_FAILURE,
        SqlState::T_R_DEADLOCK_DETECTED,
    ];
    error.code().is_some_and(|code| causes.contains(code))
}
