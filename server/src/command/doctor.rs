//! `doorward doctor`: looks for what commonly goes wrong, and changes nothing.

use std::time::Duration;

use doorward_provider_store::SchemaVersion;
use reqwest::{Certificate, Client, redirect};
use serde_json::Value;

use super::{
    CommandError, PAGE,
    config::stored_clients,
    findings::{self, Finding},
};
use crate::{
    config::{Config, Role, ServeArguments, missing_references},
    output::print,
    provider::{database::Database, master_key},
    tls::Tls,
};

/// Time limit of a request.
const TIME_LIMIT: Duration = Duration::from_secs(5);

/// `doorward doctor`.
#[derive(Debug, clap::Args)]
pub struct DoctorArguments {
    #[command(flatten)]
    arguments: ServeArguments,
    /// Write JSON instead of text.
    #[arg(long)]
    json: bool,
}

impl DoctorArguments {
    /// Prints a line for each check. The exit code is 1 if something is wrong.
    pub fn run(&self) -> Result<(), CommandError> {
        let config = self.arguments.load()?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let Examined { findings, warnings } =
            runtime.block_on(examine(&config, &self.arguments.roles));
        if self.json {
            let odd = warnings.iter().map(|(check, text)| findings::warning_as_json(check, text));
            let mut report = findings::as_json(&findings);
            if let Some(report) = report.as_array_mut() {
                report.extend(odd);
            }
            print(&format!("{report:#}\n"));
        } else {
            findings::print_lines(&findings);
            for (check, text) in &warnings {
                findings::print_warning(check, text);
            }
        }
        findings::outcome(&findings)
    }
}

struct Examined {
    findings: Vec<Finding>,
    /// What is odd and stops nothing, each with where it comes from.
    warnings: Vec<(&'static str, String)>,
}

async fn examine(config: &Config, roles: &[Role]) -> Examined {
    let mut findings = vec![("configuration", Ok(config.sources.file().to_owned()))];
    let mut warnings: Vec<_> =
        config.warnings.iter().map(|warning| (warning.of, warning.text.clone())).collect();
    for missing in missing_references(config, roles, &stored_clients(config).await) {
        findings.push(("references", Err(missing.to_string())));
    }
    let tls = Tls::check(&config.tls, &config.sources);
    findings.push(("certificate", tls.map(|()| certificate(config)).map_err(text)));
    if roles.contains(&Role::Provider) {
        match database(config).await {
            Ok(Looked { remark, odd }) => {
                findings.push(("database", Ok(remark)));
                warnings.extend(odd.map(|odd| ("database", odd)));
            }
            Err(problem) => findings.push(("database", Err(problem))),
        }
    }
    findings.push(("issuer", issuer(config).await));
    Examined { findings, warnings }
}

fn certificate(config: &Config) -> String {
    match &config.tls.certificate {
        Some(_) => "in order".to_owned(),
        None => "none: the listeners use plain HTTP".to_owned(),
    }
}

/// What the database is like.
struct Looked {
    remark: String,
    /// What a start would change.
    odd: Option<String>,
}

/// Looks at the database if it exists, and at its signing keys. A database of an older version is
/// left as it is.
async fn database(config: &Config) -> Result<Looked, String> {
    let place = &config.store.database;
    let looked = Database::look(&config.store, &config.sources).await.map_err(text)?;
    let Some((database, schema)) = looked else {
        let remark = format!("{place} does not exist yet; the first start creates it");
        return Ok(Looked { remark, odd: None });
    };
    let SchemaVersion { found, known } = schema;
    if found == 0 {
        let remark = format!("{place} is empty; the first start makes its tables");
        return Ok(Looked { remark, odd: None });
    }
    if !schema.is_current() {
        let odd = format!(
            "the next start brings its schema from version {found} to {known}, and then no older \
             version of doorward can open it: make a backup before"
        );
        let remark = format!("{place}; its schema is of an older version, so it was not read");
        return Ok(Looked { remark, odd: Some(odd) });
    }
    let store = database.store();
    let keys = store.signing_keys().await.map_err(text)?;
    if !keys.is_empty() {
        let master = master_key::look(&config.store.master_key, &keys).map_err(text)?;
        if !keys.iter().all(|key| key.opens_with(&master)) {
            return Err("the master key does not open the signing keys of this database".to_owned());
        }
    }
    let page = store.users(None, PAGE).await.map_err(text)?.len();
    let users = if page == PAGE as usize { format!("{page} or more") } else { page.to_string() };
    let signing_keys = keys.len();
    let remark = format!("{place}; {users} users, {signing_keys} signing keys, schema {found}");
    Ok(Looked { remark, odd: None })
}

/// Asks the issuer for its metadata, as applications and the API do.
async fn issuer(config: &Config) -> Result<String, String> {
    let issuer = &config.provider.settings.issuer;
    let trusted = Tls::trusted(&config.tls, &config.sources).map_err(text)?;
    let trusted: Result<Vec<_>, _> = trusted.iter().map(|der| Certificate::from_der(der)).collect();
    let client = Client::builder()
        .timeout(TIME_LIMIT)
        .redirect(redirect::Policy::none())
        .tls_certs_merge(trusted.map_err(text)?)
        .build()
        .map_err(text)?;
    let url = format!("{issuer}/.well-known/openid-configuration");
    let advice = "start the server; this machine must reach the issuer by its public URL";
    let answer = client.get(&url).send().await;
    let answer = answer.map_err(|_| format!("{url} can't be reached from here: {advice}"))?;
    let status = answer.status();
    let metadata: Value = answer.json().await.unwrap_or_default();
    match metadata["issuer"].as_str() {
        Some(named) if named == issuer => Ok(format!("{issuer} answers as itself")),
        Some(named) => Err(format!("{url} names another issuer: {named}")),
        None => Err(format!("{url} answers {status} without metadata: does the proxy forward it?")),
    }
}

fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}
