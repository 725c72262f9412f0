//! Audit records as rows, and how a search for them is written.

use std::fmt::Write as _;

use doorward_provider::audit::{
    Actor, ActorKind, Anchor, Chain, Cursor, Data, Filter, FoundRecords, KeptRecord, Object,
    Outcome, Record, Seal, SealedPlace, StampedRecord,
};

use crate::row::{ColumnError, Row};

/// The columns that [`kept`] reads. `r` are the records, `s` their seals.
pub(crate) const COLUMNS: &str = "r.number, r.id, r.at, r.event, r.outcome, r.actor_kind, r.actor,
    r.sub, r.object_kind, r.object, r.client_id, r.address, r.user_agent, r.request_id, r.data,
    r.mac, s.position, s.link";

/// Reads [`COLUMNS`].
pub(crate) fn kept(row: &impl Row) -> Result<KeptRecord, ColumnError> {
    let number = row.integer(0, "audit_records.number")?;
    let outcome = Outcome::parse(row.text(4, "audit_records.outcome")?);
    let kind = ActorKind::parse(row.text(5, "audit_records.actor_kind")?);
    let text = |index, column| row.optional_string(index, column);
    let object = text(8, "audit_records.object_kind")?
        .zip(text(9, "audit_records.object")?)
        .map(|(kind, name)| Object { kind, name });
    let record = Record {
        event: row.string(3, "audit_records.event")?,
        outcome: outcome.ok_or(ColumnError::Unreadable("audit_records.outcome"))?,
        actor: Actor {
            kind: kind.ok_or(ColumnError::Unreadable("audit_records.actor_kind"))?,
            name: text(6, "audit_records.actor")?,
        },
        sub: text(7, "audit_records.sub")?,
        object,
        client_id: text(10, "audit_records.client_id")?,
        address: text(11, "audit_records.address")?,
        user_agent: text(12, "audit_records.user_agent")?,
        request_id: text(13, "audit_records.request_id")?,
        data: Data::stored(row.string(14, "audit_records.data")?),
    };
    let position = row.optional_integer(16, "audit_seals.position")?;
    let link = row.optional_bytes32(17, "audit_seals.link")?;
    Ok(KeptRecord {
        number,
        stamped: StampedRecord {
            id: row.string(1, "audit_records.id")?,
            at: row.timestamp(2, "audit_records.at")?,
            record,
            mac: row.bytes32(15, "audit_records.mac")?,
        },
        seal: position.zip(link).map(|(position, link)| Seal { position, number, link }),
    })
}

/// Reads [`COLUMNS`] and the seal's own number after them; the record may be missing. One that
/// can't be read is as good as missing: whoever verifies the chain must hear of it.
pub(crate) fn place(row: &impl Row) -> Result<SealedPlace, ColumnError> {
    let seal = Seal {
        position: row.integer(16, "audit_seals.position")?,
        number: row.integer(18, "audit_seals.number")?,
        link: row.bytes32(17, "audit_seals.link")?,
    };
    Ok(SealedPlace { seal, record: kept(row).ok() })
}

/// Reads `base_position, base_link, head_position, head_link, proof`.
pub(crate) fn chain(row: &impl Row) -> Result<Chain, ColumnError> {
    Ok(Chain {
        base: Anchor {
            position: row.integer(0, "audit_chain.base_position")?,
            link: row.bytes32(1, "audit_chain.base_link")?,
        },
        head: Anchor {
            position: row.integer(2, "audit_chain.head_position")?,
            link: row.bytes32(3, "audit_chain.head_link")?,
        },
        proof: row.bytes32(4, "audit_chain.proof")?,
    })
}

/// A value of a search.
pub(crate) enum Value {
    Text(String),
    Integer(i64),
}

/// How statements are written for one database.
#[derive(Clone, Copy)]
pub(crate) struct Dialect {
    /// Begins the name of a parameter.
    pub parameter: char,
    /// The time of a record in a search for no column. Of several ways to write it, it is the one
    /// that the index of all records has, and those of the columns have not.
    pub time: &'static str,
    /// A column whose index must not be used.
    pub follow: fn(&str) -> String,
}

/// A statement, and the values of its parameters.
pub(crate) type Statement = (String, Vec<Value>);

/// The records of a column that a page of a search for several columns looks at: first this many,
/// then this many more.
const LOOKED_AT: [u32; 2] = [500, 2_000];

/// A page of a search.
///
/// One column leads: that of the filter's parts by which the fewest records are found. Its index
/// gives the order, too, so a page is read from it and nothing is sorted. The other parts are
/// compared record by record, and for how many is bounded: the search goes step by step through the
/// records of the leading column. A search for one column or none has one step.
pub(crate) struct Search<'a> {
    filter: &'a Filter,
    after: Option<Cursor>,
    left: usize,
    steps: std::slice::Iter<'static, u32>,
    found: FoundRecords,
}

/// A step of a search: from the cursor on, up to a boundary.
pub(crate) struct Step {
    /// Reads `at, number` of the last record that this step looks at. `None`, or no such record:
    /// the step goes to the end.
    pub boundary: Option<Statement>,
}

impl<'a> Search<'a> {
    /// A page of this many records after the cursor.
    pub fn new(filter: &'a Filter, after: Option<Cursor>, limit: u32) -> Self {
        let left = limit as usize;
        Self { filter, after, left, steps: LOOKED_AT.iter(), found: FoundRecords::default() }
    }

    /// The next step; `None`: the page is complete.
    pub fn step(&mut self, dialect: Dialect) -> Option<Step> {
        let rows = self.steps.next()?;
        let is_bounded = texts(self.filter).len() > 1;
        Some(Step { boundary: is_bounded.then(|| self.boundary(*rows, dialect)) })
    }

    /// Reads [`COLUMNS`] of the records of this step, and of one more than the page has room for.
    pub fn records(&self, boundary: Option<Cursor>, dialect: Dialect) -> Statement {
        let mut statement = self.conditions(COLUMNS, usize::MAX, dialect);
        let time = self.time(dialect);
        if let Some(boundary) = boundary {
            let Cursor { at, number } = boundary;
            let (sql, values) = &mut statement;
            values.push(Value::Integer(at.seconds()));
            let (parameter, first) = (dialect.parameter, values.len());
            values.push(Value::Integer(number));
            let _ = write!(
                sql,
                " AND {time} >= {parameter}{first} \
                 AND ({time}, r.number) >= ({parameter}{first}, {parameter}{})",
                first + 1
            );
        }
        // As a number in the text: for an unknown limit PostgreSQL would plan for many rows.
        let _ = write!(statement.0, "{} LIMIT {}", order(time), self.left + 1);
        statement
    }

    /// Takes what a step has read, up to its boundary.
    pub fn take(&mut self, mut records: Vec<KeptRecord>, boundary: Option<Cursor>) {
        let has_more = records.len() > self.left;
        records.truncate(self.left);
        self.left -= records.len();
        self.found.records.append(&mut records);
        self.found.next = if has_more {
            self.found.records.last().map(KeptRecord::cursor).or(self.after)
        } else {
            boundary
        };
        self.after = boundary;
        if has_more || boundary.is_none() {
            self.steps = [].iter();
        }
    }

    /// What was found.
    pub fn end(self) -> FoundRecords {
        self.found
    }

    /// Reads the place of the last of this many records of the leading column.
    fn boundary(&self, rows: u32, dialect: Dialect) -> Statement {
        let (mut sql, values) = self.conditions("r.at, r.number", 1, dialect);
        let order = order(self.time(dialect));
        let _ = write!(sql, "{order} LIMIT 1 OFFSET {}", rows - 1);
        (sql, values)
    }

    /// The time of a record as the leading index has it.
    fn time(&self, dialect: Dialect) -> &'static str {
        if texts(self.filter).is_empty() { dialect.time } else { "r.at" }
    }

    /// The records after the cursor, by the first this many columns of the filter.
    fn conditions(&self, columns: &str, most: usize, dialect: Dialect) -> Statement {
        let Dialect { parameter, follow, .. } = dialect;
        let time = self.time(dialect);
        let mut sql = format!(
            "SELECT {columns} FROM audit_records r \
             LEFT JOIN audit_seals s ON s.number = r.number WHERE TRUE"
        );
        let mut values = Vec::new();
        let mut add = |condition: &str, value: Value| {
            values.push(value);
            let _ = write!(sql, " AND {condition} {parameter}{}", values.len());
        };
        for (index, (column, text)) in texts(self.filter).into_iter().take(most).enumerate() {
            let column = format!("r.{column}");
            let column = if index == 0 { column } else { follow(&column) };
            add(&format!("{column} ="), Value::Text(text));
        }
        if let Some(from) = self.filter.from {
            add(&format!("{time} >="), Value::Integer(from.seconds()));
        }
        if let Some(until) = self.filter.until {
            add(&format!("{time} <"), Value::Integer(until.seconds()));
        }
        if let Some(Cursor { at, number }) = self.after {
            add(&format!("{time} <="), Value::Integer(at.seconds()));
            values.extend([Value::Integer(at.seconds()), Value::Integer(number)]);
            let last = values.len();
            let _ = write!(
                sql,
                " AND ({time}, r.number) < ({parameter}{}, {parameter}{last})",
                last - 1
            );
        }
        (sql, values)
    }
}

/// The latest first.
fn order(time: &str) -> String {
    format!(" ORDER BY {time} DESC, r.number DESC")
}

/// Reads `at, number`.
pub(crate) fn cursor(row: &impl Row) -> Result<Cursor, ColumnError> {
    Ok(Cursor {
        at: row.timestamp(0, "audit_records.at")?,
        number: row.integer(1, "audit_records.number")?,
    })
}

/// Reads the number of a step of time, and how many records are in it.
pub(crate) fn step(row: &impl Row) -> Result<(u32, u32), ColumnError> {
    Ok((row.count(0, "audit_records.at")?, row.count(1, "audit_records.count")?))
}

/// The columns that must be equal to a text, those by which the fewest are found first.
fn texts(filter: &Filter) -> Vec<(&'static str, String)> {
    let Filter {
        event,
        outcome,
        actor,
        actor_kind,
        sub,
        object_kind,
        object,
        client_id,
        address,
        user_agent,
        request_id,
        from: _,
        until: _,
    } = filter;
    let columns = [
        ("request_id", request_id.clone()),
        ("object", object.clone()),
        ("sub", sub.clone()),
        ("actor", actor.clone()),
        ("address", address.clone()),
        ("user_agent", user_agent.clone()),
        ("client_id", client_id.clone()),
        ("object_kind", object_kind.clone()),
        ("event", event.clone()),
        ("outcome", outcome.map(|outcome| outcome.as_str().to_owned())),
        ("actor_kind", actor_kind.map(|kind| kind.as_str().to_owned())),
    ];
    columns.into_iter().filter_map(|(column, text)| Some((column, text?))).collect()
}
