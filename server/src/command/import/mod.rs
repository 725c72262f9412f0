//! `doorward import …`: brings users in from another system.

mod clients;
mod consents;
mod groups;
mod linked_provider;
mod outcome;
mod reading;
mod users;

use std::{
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
};

use clap::Args;
use doorward_admin::{AdminScope, ChangeEvent, scim};
use doorward_protocol::{ids::Sub, secret::Secret};
use doorward_provider::model::password::FirebaseHashes;
use doorward_provider_store::{PostgresOptions, PostgresUrl, UrlError};
use sha2::{Digest as _, Sha256};

use self::{
    linked_provider::LinkedProvider,
    outcome::Outcome,
    reading::{Counted, Reading},
};
use super::{CommandContext, CommandError, DataArguments, by_operator};
use crate::import::{Configuration, Format, Manner, Source, hash_parameters};

/// What to bring in.
#[derive(Debug, Args)]
pub struct ImportArguments {
    /// Whose export it is.
    #[arg(value_enum)]
    format: Format,
    /// The export. For identityserver also its database: a SQLite file, or the URL of a PostgreSQL,
    /// without the password if that is in a file.
    #[arg(value_name = "FILE")]
    export: Place,
    /// The file with the password for the database.
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
    /// The certificates (PEM) by which the database's own is checked, in place of those that this
    /// machine trusts.
    #[arg(long, value_name = "FILE")]
    ca_file: Option<PathBuf>,
    /// For firebase, and for csv with a column of salts: the file with the parameters of the
    /// hashes, as Firebase's console shows them.
    #[arg(long, value_name = "FILE")]
    hash_config: Option<PathBuf>,
    /// Take the links with a provider over: its name in the export, and its issuer, which is that
    /// of a provider in the configuration. Give it once for each provider.
    #[arg(long = "link", value_name = "NAME=ISSUER")]
    links: Vec<LinkedProvider>,
    /// Say what would be done, and change nothing.
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    data: DataArguments,
}

/// Where the export is, as it was given.
#[derive(Debug, Clone)]
enum Place {
    File(PathBuf),
    /// With a password, perhaps.
    Url(Secret),
}

impl From<OsString> for Place {
    fn from(given: OsString) -> Self {
        match given.to_str() {
            Some(url) if url.starts_with("postgres:") || url.starts_with("postgresql:") => {
                Self::Url(Secret::new(url))
            }
            _ => Self::File(given.into()),
        }
    }
}

/// Options of the URL that a file of the configuration would have are options of the command here.
fn refused_url(error: UrlError) -> CommandError {
    CommandError::refused(match error {
        UrlError::Elsewhere { option, .. } if option == "sslrootcert" => {
            format!("{option} is not read from the URL: give the file by --ca-file")
        }
        UrlError::Elsewhere { option, .. } if option == "passfile" => {
            format!("{option} is not read from the URL: give the password by --password-file")
        }
        UrlError::Elsewhere { option, .. } => {
            format!("{option} is not read from the URL: leave it out")
        }
        error => format!("the URL of the database: {error}"),
    })
}

fn read_hash_config(file: &Path) -> Result<FirebaseHashes, CommandError> {
    let read = fs::read_to_string(file).map_err(|error| error.to_string());
    read.and_then(|text| hash_parameters(&text))
        .map_err(|problem| CommandError::refused(format!("{}: {problem}", file.display())))
}

impl ImportArguments {
    pub(super) async fn run(self) -> Result<(), CommandError> {
        let reading = self.reading()?;
        // The whole export is read once before anything is written.
        let (counted, mut configuration) = reading.count()?;
        let context = CommandContext::open(&self.data).await?;
        let mut odd_links = Vec::new();
        let vouching = context.vouching().await?;
        for link in &self.links {
            odd_links.extend(link.of_objects(link.configured(&vouching)?));
        }
        let resources = std::mem::take(&mut configuration.resources);
        let mut outcome = Outcome::new(self.dry_run, counted.users, resources);
        for warning in odd_links {
            outcome.say(warning);
        }
        for what in std::mem::take(&mut configuration.left) {
            outcome.say(format!("left behind: {what}"));
        }
        let written =
            self.take_over(&context, &reading, &counted, configuration, &mut outcome).await;
        outcome.stopped = written.is_err();
        if !self.dry_run && written.is_ok() {
            context.audit(by_operator(ChangeEvent::UsersImported).on("file", &reading.shown)).await;
        }
        // After an error, too: the new secrets of clients are nowhere else.
        outcome.report(context.json);
        written
    }

    /// What is to be read.
    fn reading(&self) -> Result<Reading, CommandError> {
        let (source, shown) = match &self.export {
            Place::File(file) => (Source::File(file.clone()), file.display().to_string()),
            Place::Url(url) => {
                let url = PostgresUrl::parse(url).map_err(refused_url)?;
                let shown = url.to_string();
                let mut options = PostgresOptions::new(url);
                options.ca_file.clone_from(&self.ca_file);
                options.password_file.clone_from(&self.password_file);
                (Source::Postgres(Box::new(options)), shown)
            }
        };
        if matches!(source, Source::Postgres(_)) && self.format != Format::Identityserver {
            let problem = "only import identityserver reads from a database";
            return Err(CommandError::refused(format!("{shown}: {problem}")));
        }
        let firebase = self.hash_config.as_deref().map(read_hash_config).transpose()?;
        let manner = Manner { format: self.format, now: CommandContext::now(), firebase };
        Ok(Reading { manner, source, shown })
    }

    /// Writes what the export has, and notes it.
    async fn take_over(
        &self,
        context: &CommandContext,
        reading: &Reading,
        counted: &Counted,
        configuration: Configuration,
        outcome: &mut Outcome,
    ) -> Result<(), CommandError> {
        let groups = self.take_over_groups(context, configuration.groups, outcome).await?;
        for client in configuration.clients {
            let refused = match client {
                Ok(client) => self.take_over_client(context, client, outcome).await?,
                Err(problem) => Some(problem),
            };
            if let Some(problem) = refused {
                outcome.refuse_client(problem);
            }
        }
        let added = self.take_over_users(context, reading, &groups, outcome).await?;
        if counted.consents > 0 {
            self.take_over_consents(context, reading, &added, outcome).await?;
        }
        Ok(())
    }
}

/// Whether a client with this scope changes what is in Doorward. An export of another system does
/// not decide on that, whatever its scopes are called.
fn administers(scope: &str) -> bool {
    scope == scim::SCOPE || AdminScope::parse(scope).is_some()
}

/// A part of the hash of an identifier, which is enough to know it again.
type Short = [u8; 16];

fn short(sub: &Sub) -> Short {
    let hash: [u8; 32] = Sha256::digest(sub.as_bytes()).into();
    *hash.first_chunk().unwrap_or(&[0; 16])
}
