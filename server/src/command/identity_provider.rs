//! `doorward identity-provider …`: other providers by which users sign in.

mod mapping;

use std::{path::PathBuf, time::Duration};

use clap::Subcommand;
use doorward_protocol::{
    jwk::JwkSet,
    metadata::{OPENID_CONFIGURATION_PATH, ProviderMetadata},
};
use doorward_provider::{
    model::{identity_provider::IdentityProviderName, paths},
    use_case::upstream::UpstreamRequest,
};
use reqwest::{Certificate, Client, redirect};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use self::mapping::Pasted;
use super::{
    CommandError, DataArguments,
    findings::{self, Finding},
};
use crate::{
    config::{Config, UpstreamConfig},
    output::print,
    provider::upstream,
    tls::Tls,
};

/// Time limit of a request.
const TIME_LIMIT: Duration = Duration::from_secs(10);

/// What to do with other providers.
#[derive(Debug, Subcommand)]
pub enum IdentityProviderCommand {
    /// Ask a provider for its metadata and keys, and tell what to enter there. Nothing is changed.
    Check {
        /// The name of the provider in the configuration.
        name: String,
        /// Also show what becomes of these claims: a file with a JSON object, or with a JWT, whose
        /// signature is not checked. - is standard input.
        #[arg(long, value_name = "FILE")]
        claims: Option<PathBuf>,
        #[command(flatten)]
        data: DataArguments,
    },
}

impl IdentityProviderCommand {
    /// Runs the command.
    pub async fn run(self) -> Result<(), CommandError> {
        let Self::Check { name, claims, data } = self;
        let pasted = claims.as_deref().map(Pasted::read).transpose()?;
        Box::pin(check(data.config.load()?, &name, pasted.as_ref(), data.json)).await
    }
}

async fn check(
    config: Config,
    name: &str,
    pasted: Option<&Pasted>,
    json: bool,
) -> Result<(), CommandError> {
    let trusted = Tls::trusted(&config.tls, &config.sources).map_err(CommandError::refused)?;
    let issuer = config.provider.settings.issuer.clone();
    let known: Vec<_> = config.provider.upstream.iter().map(|own| own.name.to_string()).collect();
    let upstream = config.provider.upstream.into_iter().find(|own| &*own.name == name);
    let upstream = upstream.ok_or_else(|| {
        let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
        let text = format!("[[identity_providers]] has no {name}; there are: {known}");
        CommandError::Missing(text)
    })?;
    let (name, client_id) = (upstream.name.clone(), upstream.settings.client_id.clone());
    let provider = config.provider.settings.identity_provider(&name);
    let theirs = provider.map_or_else(String::new, |provider| provider.issuer.clone());
    let of_claims = provider.zip(pasted).map(|(own, pasted)| pasted.examine(own, &upstream));
    let mut findings = examine(&theirs, upstream, &trusted).await;
    findings.extend(of_claims.into_iter().flatten());
    let registration = registration(&issuer, &name, &client_id);
    report(&findings, &registration, json);
    findings::outcome(&findings)
}

/// What the client must be registered with at the other provider.
fn registration(
    issuer: &str,
    name: &IdentityProviderName,
    client_id: &str,
) -> Vec<(&'static str, String)> {
    let at = |path: &str| format!("{issuer}{path}");
    vec![
        ("client_id", client_id.to_owned()),
        ("redirect_uri", at(&paths::external_callback(name))),
        ("post_logout_redirect_uri", at(&paths::external_signed_out(name))),
        ("backchannel_logout_uri", at(&paths::external_back_channel_logout(name))),
    ]
}

fn report(findings: &[Finding], registration: &[(&'static str, String)], json: bool) {
    if json {
        let registration: serde_json::Map<String, Value> = registration
            .iter()
            .map(|(name, value)| ((*name).to_owned(), value.as_str().into()))
            .collect();
        let checks = findings::as_json(findings);
        let report = json!({"checks": checks, "registration": registration});
        return print(&format!("{report:#}\n"));
    }
    findings::print_lines(findings);
    print("\nThe client must be registered at the other provider with:\n");
    for (name, value) in registration {
        print(&format!("  {name}: {value}\n"));
    }
}

async fn examine(issuer: &str, upstream: UpstreamConfig, trusted: &[Vec<u8>]) -> Vec<Finding> {
    let client = match http_client(trusted) {
        Ok(client) => client,
        Err(problem) => return vec![("requests", Err(problem))],
    };
    if upstream.github {
        return vec![("authorization request", request(upstream, trusted).await)];
    }
    let authority = upstream.settings.authority.trim_end_matches('/');
    let url = match &upstream.settings.metadata_url {
        Some(url) => url.clone(),
        None => format!("{authority}{OPENID_CONFIGURATION_PATH}"),
    };
    let metadata: ProviderMetadata = match fetch(&client, &url).await {
        Ok(metadata) => metadata,
        Err(problem) => return vec![("discovery", Err(problem))],
    };
    let named = &metadata.issuer;
    let discovery = if named == issuer {
        Ok(format!("{url} names {named}"))
    } else {
        Err(format!("{url} names {named}, and the configuration {issuer}: write it as there"))
    };
    let mut findings = vec![("discovery", discovery)];
    findings.push(("keys", keys(&client, &metadata).await));
    findings.push(("authorization request", request(upstream, trusted).await));
    findings
}

fn http_client(trusted: &[Vec<u8>]) -> Result<Client, String> {
    let trusted: Result<Vec<_>, _> = trusted.iter().map(|der| Certificate::from_der(der)).collect();
    Client::builder()
        .timeout(TIME_LIMIT)
        .redirect(redirect::Policy::none())
        .tls_certs_merge(trusted.map_err(text)?)
        .build()
        .map_err(text)
}

async fn fetch<T: DeserializeOwned>(client: &Client, url: &str) -> Result<T, String> {
    let answer = client.get(url).send().await;
    let answer = answer.map_err(|_| format!("{url} can't be reached from here"))?;
    let status = answer.status();
    answer.json().await.map_err(|_| format!("{url} answers {status} without the document"))
}

async fn keys(client: &Client, metadata: &ProviderMetadata) -> Result<String, String> {
    let url = metadata.jwks_uri.as_deref().ok_or("the metadata has no jwks_uri")?;
    let keys: JwkSet = fetch(client, url).await?;
    match keys.keys.len() {
        0 => Err(format!("{url} has no key")),
        count => Ok(format!("{count} at {url}")),
    }
}

/// Makes an authorization request, as a sign-in does: issuer and endpoints are checked.
async fn request(upstream: UpstreamConfig, trusted: &[Vec<u8>]) -> Result<String, String> {
    let upstream = upstream::client(upstream, trusted).map_err(text)?;
    let begun = upstream.begin(UpstreamRequest::default()).await.map_err(text)?;
    let endpoint = begun.url.split('?').next().unwrap_or_default();
    Ok(format!("goes to {endpoint}"))
}

fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}
