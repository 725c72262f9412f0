//! What a command prints: rows as a table or as JSON, and what was done.

use std::fmt::Write as _;

use serde_json::Value;
use time::OffsetDateTime;

use crate::output::{harmless_in_line, print};

/// Rows that a command reads and prints at once.
pub const PAGE: u32 = 1000;

/// Prints rows, one object each: as JSON with timestamps in seconds since 1970, or as a table with
/// these columns and dates in UTC.
pub fn print_rows(json: bool, columns: &'static [&'static str], rows: &[Value]) {
    let mut list = RowPrinter::new(json, columns);
    list.print_page(rows);
    list.finish();
}

/// Prints a list page by page, so that only one page is in memory: as one JSON array, or as a table
/// whose columns are as wide as the first page needs.
pub struct RowPrinter {
    json: bool,
    columns: &'static [&'static str],
    /// The widths of the table's columns, known with the first page.
    widths: Vec<usize>,
    rows: usize,
}

impl RowPrinter {
    pub fn new(json: bool, columns: &'static [&'static str]) -> Self {
        Self { json, columns, widths: Vec::new(), rows: 0 }
    }

    pub fn print_page(&mut self, rows: &[Value]) {
        let text = if self.json { self.array_part(rows) } else { self.table_part(rows) };
        self.rows += rows.len();
        print(&text);
    }

    /// Ends the list. Without any row the table has its header alone.
    pub fn finish(mut self) {
        match (self.json, self.rows) {
            (true, 0) => print("[]\n"),
            (true, _) => print("\n]\n"),
            (false, 0) => {
                let header = self.table_part(&[]);
                print(&header);
            }
            (false, _) => {}
        }
    }

    fn array_part(&self, rows: &[Value]) -> String {
        let mut text = String::new();
        for (index, row) in rows.iter().enumerate() {
            text.push_str(if self.rows + index == 0 { "[\n  " } else { ",\n  " });
            text.push_str(&format!("{row:#}").replace('\n', "\n  "));
        }
        text
    }

    fn table_part(&mut self, rows: &[Value]) -> String {
        let mut lines: Vec<Vec<String>> = Vec::new();
        if self.widths.is_empty() {
            lines.push(self.columns.iter().map(|column| column.to_uppercase()).collect());
        }
        let cells =
            |row: &Value| self.columns.iter().map(|column| cell(column, &row[*column])).collect();
        lines.extend(rows.iter().map(cells));
        if self.widths.is_empty() {
            let width = |index: usize| {
                lines.iter().map(|line| line[index].chars().count()).max().unwrap_or(0)
            };
            self.widths = (0..self.columns.len()).map(width).collect();
        }
        let mut text = String::new();
        for line in &lines {
            let padded: Vec<String> = line
                .iter()
                .zip(&self.widths)
                .map(|(cell, width)| format!("{cell:width$}"))
                .collect();
            text.push_str(padded.join("  ").trim_end());
            text.push('\n');
        }
        text
    }
}

/// Prints one object: as JSON, or as a line for each member that has a value.
pub fn print_object(json: bool, object: &Value) {
    if json {
        return print(&format!("{object:#}\n"));
    }
    let mut lines = Vec::new();
    members(object, "", &mut lines);
    let width = lines.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
    let mut text = String::new();
    for (name, value) in lines {
        let _ = writeln!(text, "{name:width$}  {value}");
    }
    print(&text);
}

/// The members of an object, those of inner objects with the outer name before theirs.
fn members(object: &Value, prefix: &str, lines: &mut Vec<(String, String)>) {
    for (name, value) in object.as_object().into_iter().flatten() {
        let name = format!("{prefix}{name}");
        match value {
            Value::Null => {}
            Value::Array(values) if values.is_empty() => {}
            Value::Object(_) => members(value, &format!("{name}."), lines),
            value => lines.push((name.clone(), cell(&name, value))),
        }
    }
}

/// Columns that hold a timestamp, in seconds since 1970.
const TIMESTAMPS: [&str; 10] = [
    "at",
    "due",
    "expires",
    "expires_at",
    "issued_at",
    "last_used",
    "signed_in",
    "since",
    "takes_over",
    "written",
];

/// `2026-11-28 19:45:00` in UTC.
fn date(seconds: i64) -> String {
    let Ok(time) = OffsetDateTime::from_unix_timestamp(seconds) else { return seconds.to_string() };
    let (date, hour, minute, second) = (time.date(), time.hour(), time.minute(), time.second());
    format!("{date} {hour:02}:{minute:02}:{second:02}")
}

/// A value as a part of a line, without what a terminal obeys.
fn cell(column: &str, value: &Value) -> String {
    harmless_in_line(&words(column, value)).into_owned()
}

fn words(column: &str, value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::Bool(yes) => if *yes { "yes" } else { "no" }.to_owned(),
        Value::Number(number) if TIMESTAMPS.contains(&column) => {
            number.as_i64().map_or_else(|| number.to_string(), date)
        }
        Value::String(text) => text.clone(),
        Value::Array(values) => values
            .iter()
            .map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned))
            .collect::<Vec<_>>()
            .join(" "),
        other => other.to_string(),
    }
}

/// Prints what was done as a sentence; as JSON, an object with these members and the sentence as
/// `message`.
pub fn done(json: bool, sentence: &str, mut facts: Value) {
    if json {
        facts["message"] = sentence.into();
        print(&format!("{facts:#}\n"));
    } else {
        print(&format!("{sentence}\n"));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_table_shows_dates_and_words() {
        let rows =
            [json!({"kid": "a", "since": 1_795_877_638, "enabled": true, "roles": ["x", "y"]})];
        let columns = &["kid", "since", "enabled", "roles", "none"];
        let table = RowPrinter::new(false, columns).table_part(&rows);
        let lines: Vec<&str> = table.lines().collect();
        assert_eq!(lines[0], "KID  SINCE                ENABLED  ROLES  NONE");
        assert_eq!(lines[1], "a    2026-11-28 14:53:58  yes      x y    -");
    }

    /// Every column of seconds that a command has.
    #[test]
    fn times_are_shown_as_dates() {
        for column in TIMESTAMPS {
            assert_eq!(words(column, &json!(1_795_877_638)), "2026-11-28 14:53:58", "{column}");
        }
        let columns = [super::super::mail::COLUMNS, super::super::client::REGISTERED_COLUMNS];
        for name in ["written", "due", "expires", "issued_at", "expires_at"] {
            let is_shown = columns.iter().any(|columns| columns.contains(&name));
            assert!(is_shown && TIMESTAMPS.contains(&name), "{name}");
        }
    }

    #[test]
    fn pages_make_one_array_and_one_table() {
        let rows: Vec<Value> =
            (1..=3).map(|number| json!({"sub": format!("u{number}"), "roles": ["a"]})).collect();
        let mut list = RowPrinter::new(true, &["sub", "roles"]);
        let mut text = list.array_part(&rows[..2]);
        list.rows = 2;
        text.push_str(&list.array_part(&rows[2..]));
        assert_eq!(format!("{text}\n]"), format!("{:#}", Value::from(rows.clone())));

        let mut list = RowPrinter::new(false, &["sub", "roles"]);
        let text = list.table_part(&rows[..2]) + &list.table_part(&rows[2..]);
        assert_eq!(text, "SUB  ROLES\nu1   a\nu2   a\nu3   a\n");
    }
}
