//! A SQLite file of another system.

use std::path::Path;

use rusqlite::{Connection, ErrorCode, OpenFlags, types::Type};
use serde_json::Value;

use crate::foreign::{ChildRows, ForeignError, ForeignTable, quoted};

/// A SQLite file, opened for reading only.
#[derive(Debug)]
pub struct SqliteTables {
    connection: Connection,
    place: String,
}

impl SqliteTables {
    /// Opens the file. What is read is of this moment.
    pub fn open(path: &Path) -> Result<Self, ForeignError> {
        let place = path.display().to_string();
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let opened = Connection::open_with_flags(path, flags).and_then(|connection| {
            // The file is somebody else's: what it defines itself is not run.
            connection.execute_batch(
                "PRAGMA query_only = ON;
                 PRAGMA trusted_schema = OFF;
                 PRAGMA cell_size_check = ON;
                 PRAGMA mmap_size = 0;
                 BEGIN;",
            )?;
            Ok(connection)
        });
        match opened {
            Ok(connection) => Ok(Self { connection, place }),
            Err(error) => Err(refused(&place, &error)),
        }
    }

    /// All tables, by their names.
    pub fn tables(&self) -> Result<Vec<ForeignTable>, ForeignError> {
        let sql = "SELECT t.name, c.name FROM sqlite_schema t, pragma_table_info(t.name) c
                   WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite\\_%' ESCAPE '\\'
                   ORDER BY t.name, c.cid";
        let read = || -> rusqlite::Result<_> {
            let mut statement = self.connection.prepare(sql)?;
            let mut rows = statement.query([])?;
            let mut tables: Vec<ForeignTable> = Vec::new();
            while let Some(row) = rows.next()? {
                let (name, column): (String, String) = (row.get(0)?, row.get(1)?);
                match tables.last_mut().filter(|table| table.name == name) {
                    Some(table) => table.columns.push(column),
                    None => tables.push(ForeignTable { name, columns: vec![column] }),
                }
            }
            Ok(tables)
        };
        read().map_err(|error| refused(&self.place, &error))
    }

    /// Passes the rows of a table on, each as an object with the names of the columns.
    pub fn rows(
        &self,
        table: &ForeignTable,
        children: &[ChildRows<'_>],
        each: &mut dyn FnMut(Value),
    ) -> Result<(), ForeignError> {
        let members: String = children.iter().map(member).collect();
        let object = object(table, "t", &members);
        let sql = format!("SELECT {object} FROM {} t", quoted(&table.name));
        let mut read = || -> rusqlite::Result<()> {
            let mut statement = self.connection.prepare(&sql)?;
            let mut rows = statement.query([])?;
            while let Some(row) = rows.next()? {
                let text: String = row.get(0)?;
                let value = serde_json::from_str(&text).map_err(|error| {
                    rusqlite::Error::FromSqlConversionFailure(0, Type::Text, Box::new(error))
                })?;
                each(value);
            }
            Ok(())
        };
        read().map_err(|error| refused(&self.place, &error))
    }
}

/// An expression for a row as a JSON object, with further members.
fn object(table: &ForeignTable, alias: &str, members: &str) -> String {
    let column = |name: &String| {
        let (text, value) = (name.replace('\'', "''"), format!("{alias}.{}", quoted(name)));
        // JSON has no bytes.
        format!("'{text}', iif(typeof({value}) = 'blob', hex({value}), {value})")
    };
    let columns: Vec<String> = table.columns.iter().map(column).collect();
    format!("json_object({}{members})", columns.join(", "))
}

/// A member with the rows of another table.
fn member(child: &ChildRows<'_>) -> String {
    let ChildRows { member, table, column, key } = child;
    format!(
        ", '{member}', json((SELECT json_group_array({}) FROM {} c WHERE c.{} = t.{}))",
        object(table, "c", ""),
        quoted(&table.name),
        quoted(column),
        quoted(key)
    )
}

fn refused(place: &str, error: &rusqlite::Error) -> ForeignError {
    let reason = match error.sqlite_error_code() {
        Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => {
            "it is damaged, or is not a SQLite database".to_owned()
        }
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            "another process holds it: stop that process, or read a copy".to_owned()
        }
        Some(ErrorCode::CannotOpen | ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => {
            format!("{error}: copy it to a folder that this process may write to")
        }
        _ => error.to_string(),
    };
    ForeignError { place: place.to_owned(), reason }
}
