//! A PostgreSQL of another system.

use std::time::Duration;

use deadpool_postgres::{ConfigConnectImpl, Connect as _};
use serde_json::Value;
use tokio::{task::JoinHandle, time::timeout};
use tokio_postgres::{Client, Config, NoTls, Row};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::{PostgresOptions, failure, hosts::Hosts, open};
use crate::foreign::{ChildRows, ForeignError, ForeignTable, quoted};

/// How long the connection, and each step of the reading, may take.
const LONGEST_STEP: Duration = Duration::from_mins(1);
/// Rows that are asked for at once.
const ROWS: u32 = 500;

/// A PostgreSQL in a transaction that only reads.
#[derive(Debug)]
pub struct PostgresTables {
    client: Client,
    connection: JoinHandle<()>,
    place: String,
}

impl PostgresTables {
    /// Connects. What is read is of this moment.
    pub async fn open(options: &PostgresOptions) -> Result<Self, ForeignError> {
        let place = options.url.to_string();
        let refuse = |reason: String| ForeignError { place: place.clone(), reason };
        let hosts = options.url.hosts_to_read(LONGEST_STEP);
        let password = options.password_file.clone();
        let config = Config::new();
        let connecting = async {
            let connected = if options.url.uses_tls() {
                let tls = open::tls(options).map_err(|error| error.to_string())?;
                let connect = ConfigConnectImpl { tls: MakeRustlsConnect::new(tls) };
                Hosts::new(connect, hosts, LONGEST_STEP, password).connect(&config).await
            } else {
                let connect = ConfigConnectImpl { tls: NoTls };
                Hosts::new(connect, hosts, LONGEST_STEP, password).connect(&config).await
            };
            connected.map_err(|error| failure::told(&error))
        };
        let (client, connection) = timeout(LONGEST_STEP, connecting)
            .await
            .unwrap_or_else(|_| Err("it does not answer".to_owned()))
            .map_err(refuse)?;
        // Whoever reads may take their time between two steps.
        let begin = "SET idle_in_transaction_session_timeout = 0;
                     SET TimeZone = 'UTC';
                     BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
        client.batch_execute(begin).await.map_err(|error| refuse(failure::told(&error)))?;
        Ok(Self { client, connection, place })
    }

    /// All tables that the session sees without naming a schema, by their names.
    pub async fn tables(&self) -> Result<Vec<ForeignTable>, ForeignError> {
        let sql = "SELECT c.relname::text, array_agg(a.attname::text ORDER BY a.attnum)
                   FROM pg_catalog.pg_class c
                   JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
                   JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid
                   WHERE c.relkind IN ('r', 'p') AND pg_catalog.pg_table_is_visible(c.oid)
                       AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'
                       AND a.attnum > 0 AND NOT a.attisdropped
                   GROUP BY c.oid, c.relname ORDER BY c.relname";
        let read = async {
            let rows = self.client.query(sql, &[]).await?;
            let table =
                |row: &Row| Ok(ForeignTable { name: row.try_get(0)?, columns: row.try_get(1)? });
            rows.iter().map(table).collect::<Result<_, tokio_postgres::Error>>()
        };
        read.await.map_err(|error| self.refused(&error))
    }

    /// The rows of a table, to be read to their end before those of another one.
    pub async fn rows(
        &self,
        table: &ForeignTable,
        children: &[ChildRows<'_>],
    ) -> Result<PostgresRows<'_>, ForeignError> {
        let members: String = children.iter().map(member).collect();
        let name = quoted(&table.name);
        // With their schema: the database may have functions of these names, too.
        let declare = format!(
            "DECLARE foreign_rows NO SCROLL CURSOR FOR
                 SELECT (pg_catalog.to_jsonb(t.*){members})::text FROM {name} t"
        );
        self.client.batch_execute(&declare).await.map_err(|error| self.refused(&error))?;
        Ok(PostgresRows { tables: self })
    }

    fn refused(&self, error: &tokio_postgres::Error) -> ForeignError {
        ForeignError { place: self.place.clone(), reason: failure::told(error) }
    }
}

/// The rows of a table.
#[derive(Debug)]
pub struct PostgresRows<'a> {
    tables: &'a PostgresTables,
}

impl PostgresRows<'_> {
    /// The next rows, each as an object with the names of the columns. The last ones are followed
    /// by none.
    pub async fn next(&mut self) -> Result<Vec<Value>, ForeignError> {
        let PostgresTables { client, place, .. } = self.tables;
        let refused = |error| self.tables.refused(&error);
        let rows = client.query(&format!("FETCH {ROWS} FROM foreign_rows"), &[]).await;
        let rows = rows.map_err(refused)?;
        if rows.is_empty() {
            client.batch_execute("CLOSE foreign_rows").await.map_err(refused)?;
        }
        let value = |row: &Row| {
            serde_json::from_str(row.try_get(0).map_err(refused)?)
                .map_err(|error| ForeignError { place: place.clone(), reason: error.to_string() })
        };
        rows.iter().map(value).collect()
    }
}

impl Drop for PostgresTables {
    fn drop(&mut self) {
        self.connection.abort();
    }
}

/// A member with the rows of another table.
fn member(child: &ChildRows<'_>) -> String {
    let ChildRows { member, table, column, key } = child;
    format!(
        " OPERATOR(pg_catalog.||) pg_catalog.jsonb_build_object('{member}', coalesce(( \
         SELECT pg_catalog.jsonb_agg(pg_catalog.to_jsonb(c.*)) FROM {} c \
         WHERE c.{} = t.{}), '[]'::jsonb))",
        quoted(&table.name),
        quoted(column),
        quoted(key)
    )
}
