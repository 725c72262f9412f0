//! `doorward mail …`.

use std::path::{Path, PathBuf};

use clap::Subcommand;
use doorward_mail::{LANGUAGES, TEST_MESSAGE};
use doorward_provider::model::{
    email::normalized_email, outbox::QueuedMail, time::SystemEntropy, token_handle::random_id,
};
use serde_json::{Map, Value, json};

use super::{CommandContext, CommandError, DataArguments, PAGE, RowPrinter, SearchArguments, done};
use crate::{
    config::{Config, ConfigArgument},
    output::print,
    provider::mail::{SmtpSender, Step, brand, site},
    tls::Tls,
};

/// What to do with mail.
#[derive(Debug, Subcommand)]
pub enum MailCommand {
    /// Send a test message, and tell each step. The settings are those of the section mail.
    Test {
        /// Where to send it.
        address: String,
        /// The language of the message.
        #[arg(long, default_value = LANGUAGES[0], value_parser = LANGUAGES)]
        language: String,
        #[command(flatten)]
        data: DataArguments,
    },
    /// List the messages that wait to be sent, the oldest first, or those to addresses that begin
    /// so. What they say is not shown: many have a link that opens an account.
    Outbox(SearchArguments),
    /// Write our templates into a folder, to be changed there and named by mail.templates. Files
    /// that are there stay as they are.
    Templates {
        /// The folder. It is created if it is missing.
        folder: PathBuf,
        /// The configuration, which this command does not need.
        #[command(flatten)]
        config: ConfigArgument,
    },
}

impl MailCommand {
    pub(super) async fn run(self) -> Result<(), CommandError> {
        match self {
            Self::Test { address, language, data } => test(&address, &language, &data).await,
            Self::Outbox(search) => {
                outbox(&CommandContext::open(&search.data).await?, &search.prefix).await
            }
            Self::Templates { folder, .. } => write_templates(&folder),
        }
    }
}

/// The columns of a list.
pub(super) const COLUMNS: &[&str] =
    &["id", "kind", "to", "written", "attempts", "due", "expires", "error"];

async fn outbox(context: &CommandContext, prefix: &str) -> Result<(), CommandError> {
    let mut printer = RowPrinter::new(context.json, COLUMNS);
    if !prefix.is_empty() {
        let (prefix, mut after) = (normalized_email(prefix), None);
        loop {
            let now = CommandContext::now();
            let page = context.store.mails_to(&prefix, after.as_ref(), PAGE, now).await?;
            let Some(last) = page.last() else { break };
            after = Some(last.address_cursor());
            printer.print_page(&page.iter().map(waiting).collect::<Vec<_>>());
        }
        printer.finish();
        return Ok(());
    }
    let mut after = None;
    loop {
        let now = CommandContext::now();
        let page = context.store.outbox(after.as_ref(), PAGE, now).await?;
        let Some(last) = page.last() else { break };
        after = Some(last.cursor());
        printer.print_page(&page.iter().map(waiting).collect::<Vec<_>>());
    }
    printer.finish();
    Ok(())
}

fn waiting(queued: &QueuedMail) -> Value {
    let mail = &queued.mail;
    json!({
        "id": mail.id,
        "kind": mail.kind.as_str(),
        "to": mail.to,
        "written": mail.created_at.seconds(),
        "attempts": queued.attempts,
        "due": queued.due_at.seconds(),
        "expires": mail.expires_at.seconds(),
        "error": queued.error,
    })
}

async fn test(address: &str, language: &str, data: &DataArguments) -> Result<(), CommandError> {
    let config = data.config.load()?;
    let sender = sender(&config)?;
    let templates = config.mail.as_ref().map(|mail| mail.templates.clone());
    let Some(templates) = templates else { return Err(no_server()) };
    let values = Map::from_iter([("site".to_owned(), Value::from(sender.hello.clone()))]);
    let brand = brand(&config.branding.chosen_for(None), &config.provider.settings.issuer);
    let message =
        templates.render(TEST_MESSAGE, language, &values, &brand).map_err(CommandError::refused)?;
    let id = random_id(&SystemEntropy);
    let server = &sender.server;
    if !data.json {
        print(&format!("         mail server: {} on port {}\n", server.host, server.port));
    }
    let told = |step: Step, remark: &str| {
        if !data.json {
            print(&format!("ok       {}: {remark}\n", step.label()));
        }
    };
    match sender.send(address, &id, &message, told).await {
        Ok(()) => {
            let sentence = format!(
                "The message is on its way to {address}. If it does not arrive, look among the \
                 unwanted messages, and whether the sender's domain has SPF and DKIM."
            );
            done(data.json, &sentence, json!({"sent": true, "to": address}));
            Ok(())
        }
        Err(error) => Err(CommandError::Missing(format!("{error}\n{}", error.advice()))),
    }
}

fn sender(config: &Config) -> Result<SmtpSender, CommandError> {
    let server = config.mail.as_ref().and_then(|mail| mail.server.clone());
    let hello = site(&config.provider.settings.issuer);
    let trusted = Tls::trusted(&config.tls, &config.sources)?;
    Ok(SmtpSender { server: server.ok_or_else(no_server)?, hello, trusted })
}

fn no_server() -> CommandError {
    CommandError::refused("no mail server is configured: give mail.host and mail.from")
}

fn write_templates(folder: &Path) -> Result<(), CommandError> {
    let (mut written, mut kept) = (0, 0);
    for (name, text) in doorward_mail::originals() {
        let path = folder.join(&name);
        if path.exists() {
            kept += 1;
            continue;
        }
        let failed = |error: std::io::Error| {
            CommandError::refused(format!("{} can't be written: {error}", path.display()))
        };
        std::fs::create_dir_all(path.parent().unwrap_or(folder)).map_err(failed)?;
        std::fs::write(&path, text).map_err(failed)?;
        written += 1;
    }
    print(&format!(
        "Templates written to {}: {written}; kept as they were: {kept}.\nRemove those that you do \
         not change: ours then stay up to date.\n",
        folder.display()
    ));
    Ok(())
}
