//! `doorward --server URL identity-provider …`.

use doorward_admin::types::identity_providers::{
    CheckStep, CheckedIdentityProvider, IdentityProviderRow, IdentityProviderView,
};
use doorward_provider::model::stored_identity_provider::Credential;
use reqwest::Method;
use serde_json::{Map, Value, json};

use super::{
    super::{
        CommandError, RowPrinter,
        findings::{self, Finding},
        identity_provider::{
            self, IdentityProviderCommand, OneProvider, ProviderArguments, ProviderLine,
        },
    },
    changes,
    group::print_all,
    not_from_elsewhere, open,
};
use crate::remote::{RemoteServer, ServerUrl};

/// The collection.
const PROVIDERS: &str = "identity-providers";

pub async fn run(command: IdentityProviderCommand, server: &ServerUrl) -> Result<(), CommandError> {
    use IdentityProviderCommand as C;
    match command {
        C::List(data) => {
            let mut server = open(server, &data)?;
            let printer = RowPrinter::new(server.json, identity_provider::COLUMNS);
            let row = |row: IdentityProviderRow| {
                let line = ProviderLine {
                    name: &row.name,
                    title: row.title.as_deref(),
                    issuer: row.issuer.as_deref(),
                    enabled: row.enabled,
                    configured: row.configured,
                    problem: row.problem.clone(),
                };
                line.to_value()
            };
            print_all(&mut server, &[PROVIDERS], &[], printer, row).await
        }
        C::Show(OneProvider { name, data }) => {
            let mut server = open(server, &data)?;
            let (view, _) = find(&mut server, &name).await?;
            let IdentityProviderView { name, settings, credential, .. } = view;
            let credential = credential.as_deref();
            identity_provider::print_settings(server.json, &name, settings, credential);
            Ok(())
        }
        C::Add { name, settings, data } => add(&mut open(server, &data)?, &name, &settings).await,
        C::Set { name, settings, data } => set(&mut open(server, &data)?, &name, &settings).await,
        C::Remove { provider: OneProvider { name, data }, confirmation } => {
            let mut server = open(server, &data)?;
            let (_, etag) = find(&mut server, &name).await?;
            confirmation.ask(&identity_provider::removal_question(&name))?;
            server.change(Method::DELETE, &[PROVIDERS, &name], None, etag.as_deref()).await?;
            identity_provider::tell_removed(server.json, &name);
            Ok(())
        }
        C::Check { claims: Some(_), .. } => Err(not_from_elsewhere()),
        C::Check { name, claims: None, data } => {
            let mut server = open(server, &data)?;
            let found = server.find(&[PROVIDERS, &name, "check"]).await?;
            let found = found.ok_or_else(|| identity_provider::missing(&name))?;
            let CheckedIdentityProvider { checks, registration } = found.read()?;
            let finding = |step: CheckStep| {
                (step.check, if step.ok { Ok(step.text) } else { Err(step.text) })
            };
            let findings: Vec<Finding<String>> = checks.into_iter().map(finding).collect();
            let registration: Vec<_> = registration.into_iter().collect();
            identity_provider::report(&findings, &registration, server.json);
            findings::outcome(&findings)
        }
    }
}

async fn find(
    server: &mut RemoteServer,
    name: &str,
) -> Result<(IdentityProviderView, Option<String>), CommandError> {
    let found = server.find(&[PROVIDERS, name]).await?;
    let found = found.ok_or_else(|| identity_provider::missing(name))?;
    let etag = found.etag.clone();
    Ok((found.read()?, etag))
}

/// Puts a secret or a key into a request.
fn with_credential(mut body: Value, credential: Option<Credential>) -> Value {
    if let Some(Credential { kind, value }) = credential {
        body[kind.name()] = value.expose().into();
    }
    body
}

async fn add(
    server: &mut RemoteServer,
    name: &str,
    arguments: &ProviderArguments,
) -> Result<(), CommandError> {
    let mut settings = Map::new();
    let given = arguments.apply(name, &mut settings)?;
    let credential = given.map_or_else(identity_provider::ask_for_secret, Ok)?;
    let body = with_credential(json!({"name": name, "settings": settings}), Some(credential));
    server.change(Method::POST, &[PROVIDERS], Some(body), None).await?;
    identity_provider::tell_added(server.json, name);
    Ok(())
}

async fn set(
    server: &mut RemoteServer,
    name: &str,
    arguments: &ProviderArguments,
) -> Result<(), CommandError> {
    let (view, etag) = find(server, name).await?;
    let mut after = view.settings.clone();
    let credential = arguments.apply(name, &mut after)?;
    let body = json!({"settings": changes(&view.settings, &after)});
    let body = with_credential(body, credential);
    server.change(Method::PATCH, &[PROVIDERS, name], Some(body), etag.as_deref()).await?;
    identity_provider::tell_changed(server.json, name);
    Ok(())
}
