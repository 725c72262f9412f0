//! What a command prints: rows as a table or as JSON, and what was done.

use serde_json::Value;

use crate::output::print;

/// Prints rows, one object each: as JSON, or as a table with these columns.
pub fn print_rows(json: bool, columns: &[&str], rows: &[Value]) {
    if json {
        print(&format!("{:#}\n", Value::from(rows.to_vec())));
    } else {
        print(&table(columns, rows));
    }
}

fn table(columns: &[&str], rows: &[Value]) -> String {
    let header: Vec<String> = columns.iter().map(|column| column.to_uppercase()).collect();
    let mut lines = vec![header];
    lines.extend(rows.iter().map(|row| columns.iter().map(|column| cell(&row[*column])).collect()));
    let width = |index: usize| {
        lines.iter().map(|line: &Vec<String>| line[index].chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns.len()).map(width).collect();
    let mut text = String::new();
    for line in &lines {
        let padded: Vec<String> =
            line.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}")).collect();
        text.push_str(padded.join("  ").trim_end());
        text.push('\n');
    }
    text
}

fn cell(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
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
