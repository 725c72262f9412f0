//! `doorward doctor`: looks for what commonly goes wrong, and changes nothing.

use std::time::Duration;

use doorward_provider::model::time::SystemEntropy;
use reqwest::{Certificate, Client, redirect};
use serde_json::Value;

use super::{
    CommandError, PAGE,
    config::stored_clients,
    findings::{self, Finding},
};
use crate::{
    config::{Config, DatabaseConfig, Role, ServeArguments, missing_references},
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
        let findings = runtime.block_on(examine(&config, &self.arguments.roles));
        if self.json {
            print(&format!("{:#}\n", findings::as_json(&findings)));
        } else {
            findings::print_lines(&findings);
        }
        findings::outcome(&findings)
    }
}

async fn examine(config: &Config, roles: &[Role]) -> Vec<Finding> {
    let mut findings = vec![("configuration", Ok(config.sources.file().to_owned()))];
    for warning in &config.warnings {
        findings.push(("environment", Err(warning.clone())));
    }
    for missing in missing_references(config, roles, &stored_clients(config).await) {
        findings.push(("references", Err(missing.to_string())));
    }
    let tls = Tls::check(&config.tls, &config.sources);
    findings.push(("certificate", tls.map(|()| certificate(config)).map_err(text)));
    if roles.contains(&Role::Provider) {
        findings.push(("database", database(config).await));
    }
    findings.push(("issuer", issuer(config).await));
    findings
}

fn certificate(config: &Config) -> String {
    match &config.tls.certificate {
        Some(_) => "in order".to_owned(),
        None => "none: the listeners use plain HTTP".to_owned(),
    }
}

/// Opens the database if it exists, and its signing keys.
async fn database(config: &Config) -> Result<String, String> {
    if let DatabaseConfig::Sqlite { path, .. } = &config.store.database
        && !path.exists()
    {
        return Ok(format!("{} does not exist yet; the first start creates it", path.display()));
    }
    let store = Database::open(&config.store, &config.sources).await.map_err(text)?.store();
    let keys = store.signing_keys().await.map_err(text)?;
    if !keys.is_empty() {
        let master = master_key::obtain(&config.store.master_key, &keys, &SystemEntropy);
        let master = master.map_err(text)?;
        if !keys.iter().all(|key| key.opens_with(&master)) {
            return Err("the master key does not open the signing keys of this database".to_owned());
        }
    }
    let page = store.users(None, PAGE).await.map_err(text)?.len();
    let users = if page == PAGE as usize { format!("{page} or more") } else { page.to_string() };
    Ok(format!("{}; {users} users, {} signing keys", config.store.database, keys.len()))
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
