//! `doorward audit …`: the history of who did what.

mod list;
mod when;

use std::fmt::Write as _;

use clap::Subcommand;
use doorward_provider::{
    audit::{Anchor, Filter},
    use_case::audit_trail::{Report, verify},
};
use serde_json::{Value, json};

use self::list::FilterArguments;
pub(super) use self::list::{COLUMNS, ListArguments, with_cursor};
use super::{CommandContext, CommandError, DataArguments, PAGE, print_object};
use crate::output;

/// What to do with the audit history.
#[derive(Debug, Subcommand)]
pub enum AuditCommand {
    /// List records, the latest first.
    List(Box<ListArguments>),
    /// Write records as JSON lines to the standard output, the first one first.
    Export {
        #[command(flatten)]
        filter: Box<FilterArguments>,
        #[command(flatten)]
        data: DataArguments,
    },
    /// Check that no record was removed, altered, inserted or moved. Exit code 1 if one was.
    Verify {
        /// The head of the chain as this command printed it before: POSITION:LINK. Shows that the
        /// whole database was not replaced by another one since.
        #[arg(long, value_name = "HEAD", value_parser = parse_head)]
        known: Option<Anchor>,
        #[command(flatten)]
        data: DataArguments,
    },
}

impl AuditCommand {
    pub(super) async fn run(self) -> Result<(), CommandError> {
        match self {
            Self::List(arguments) => arguments.run().await,
            Self::Export { filter, data } => {
                let context = CommandContext::open(&data).await?;
                export(&context, &filter.filter(CommandContext::now())).await
            }
            Self::Verify { known, data } => {
                run_verification(&CommandContext::open(&data).await?, known).await
            }
        }
    }
}

/// Writes a line for each record, one page in memory.
async fn export(context: &CommandContext, filter: &Filter) -> Result<(), CommandError> {
    let mut after = 0;
    loop {
        let page = context.store.audit_records_from(after, PAGE).await?;
        let Some(last) = page.last() else { return Ok(()) };
        after = last.number;
        let mut lines = String::new();
        for kept in page.iter().filter(|kept| filter.is_met_by(&kept.stamped)) {
            lines.push_str(&kept.to_json().to_string());
            lines.push('\n');
        }
        output::write(lines.as_bytes())?;
    }
}

async fn run_verification(
    context: &CommandContext,
    known: Option<Anchor>,
) -> Result<(), CommandError> {
    let key = context.chain_key().await?;
    let report = verify(&*context.store, &key, known, CommandContext::now()).await?;
    print_object(context.json, &described(&report));
    if report.breaks.is_empty() {
        return Ok(());
    }
    Err(CommandError::Missing(
        "the audit history is not as it was written: see what is listed as broken".to_owned(),
    ))
}

fn described(report: &Report) -> Value {
    let breaks: Vec<String> = report.breaks.iter().map(ToString::to_string).collect();
    json!({
        "intact": report.breaks.is_empty(), "records": report.records, "waiting": report.waiting,
        "from": report.base.position.saturating_add(1), "head": head(report.head),
        "broken": breaks,
    })
}

/// A head as people note it.
fn head(anchor: Anchor) -> String {
    let mut text = format!("{}:", anchor.position);
    for byte in anchor.link {
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// Reads what [`head`] wrote.
fn parse_head(text: &str) -> Result<Anchor, String> {
    let problem = || "give a head as doorward audit verify prints it: POSITION:LINK".to_owned();
    let (position, hex) = text.split_once(':').ok_or_else(problem)?;
    let position = position.parse().map_err(|_| problem())?;
    if hex.len() != 64 || !hex.is_ascii() {
        return Err(problem());
    }
    let mut link = [0; 32];
    for (index, byte) in link.iter_mut().enumerate() {
        let digits = hex.get(2 * index..2 * index + 2).ok_or_else(problem)?;
        *byte = u8::from_str_radix(digits, 16).map_err(|_| problem())?;
    }
    Ok(Anchor { position, link })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_read_as_it_is_written() {
        let anchor = Anchor { position: 42, link: std::array::from_fn(|_| 0xa7) };
        assert_eq!(parse_head(&head(anchor)), Ok(anchor));
        let wrong = ["", "42", "x:00", "42:00", &format!("42:{}", "zz".repeat(32))];
        for text in wrong {
            assert!(parse_head(text).is_err(), "{text}");
        }
    }
}
