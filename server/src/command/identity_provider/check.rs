//! `doorward identity-provider check`.

use doorward_provider::model::{
    identity_provider::{IdentityProvider, IdentityProviderName},
    paths,
};
use serde_json::{Map, Value, json};

use super::{
    super::{
        CommandContext, CommandError, DataArguments,
        findings::{self, Finding},
    },
    mapping::Pasted,
    missing, unsealed,
};
use crate::{
    config::{Config, CredentialSource, UpstreamConfig},
    output::print,
    provider::upstream::{self, Requests},
    tls::Tls,
};

/// A provider, and how it is asked.
struct Known {
    provider: IdentityProvider,
    upstream: UpstreamConfig,
    requests: Requests,
    /// Why nobody signs in by it, if it does not hold beside the others.
    problem: Option<String>,
}

/// Looks at a provider, and at pasted claims.
pub async fn check(
    data: &DataArguments,
    name: &str,
    pasted: Option<&Pasted>,
) -> Result<(), CommandError> {
    let config = data.config.load()?;
    let trusted = Tls::trusted(&config.tls, &config.sources).map_err(CommandError::refused)?;
    let own_issuer = config.provider.settings.issuer.clone();
    let known = match configured(config, name, &trusted) {
        Some(known) => known,
        None => stored(&CommandContext::open(data).await?, name, &trusted).await?,
    };
    let Known { provider, upstream, requests, problem } = known;
    let client_id = upstream.settings.client_id.clone();
    let registration = registration(&own_issuer, &provider.name, client_id);
    let of_claims = pasted.map(|pasted| pasted.examine(&provider, &upstream));
    let client = upstream::client(upstream, &requests).map_err(CommandError::refused)?;
    let mut findings: Vec<Finding> =
        problem.map(|why| ("settings", Err(why))).into_iter().collect();
    findings.extend(client.examine().await);
    findings.extend(of_claims.into_iter().flatten());
    report(&findings, &registration, data.json);
    findings::outcome(&findings)
}

fn configured(config: Config, name: &str, trusted: &[Vec<u8>]) -> Option<Known> {
    let upstream = config.provider.upstream.into_iter().find(|own| &*own.name == name)?;
    let mut providers = config.provider.settings.identity_providers.into_iter();
    let provider = providers.find(|own| &*own.name == name)?;
    let requests = Requests::of_operator(trusted);
    Some(Known { provider, upstream, requests, problem: None })
}

async fn stored(
    context: &CommandContext,
    name: &str,
    trusted: &[Vec<u8>],
) -> Result<Known, CommandError> {
    let all = context.store.identity_providers().await?.providers;
    let stored = all.iter().find(|own| &*own.name == name).ok_or_else(|| missing(name))?;
    let rules = context.stored_upstreams(trusted);
    let credential = unsealed(context, stored).await?;
    let credentials = CredentialSource::Stored(&credential);
    let read = rules.read(&stored.name, &stored.settings, credentials);
    let (provider, upstream) = read.map_err(CommandError::refused)?;
    let sorted = context.configured_vouching().sort_out(&all, &rules);
    let own = sorted.into_iter().find(|(own, _)| own.name == stored.name);
    let problem = own.and_then(|(_, checked)| checked.err()).map(|error| error.to_string());
    Ok(Known { provider, upstream, requests: rules.requests().clone(), problem })
}

/// What the client must be registered with at the other provider.
fn registration(
    issuer: &str,
    name: &IdentityProviderName,
    client_id: String,
) -> Vec<(&'static str, String)> {
    let addresses = paths::external_addresses(issuer, name);
    [("client_id", client_id)].into_iter().chain(addresses).collect()
}

/// Tells what was found, and what to enter at the other provider.
pub fn report<Name: AsRef<str>>(
    findings: &[Finding<Name>],
    registration: &[(Name, String)],
    json: bool,
) {
    if json {
        let registration: Map<String, Value> = registration
            .iter()
            .map(|(name, value)| (name.as_ref().to_owned(), value.as_str().into()))
            .collect();
        let checks = findings::as_json(findings);
        let report = json!({"checks": checks, "registration": registration});
        return print(&format!("{report:#}\n"));
    }
    findings::print_lines(findings);
    print("\nThe client must be registered at the other provider with:\n");
    for (name, value) in registration {
        print(&format!("  {}: {value}\n", name.as_ref()));
    }
}
