//! Clients: added where they are not there.

use doorward_admin::ChangeEvent;
use doorward_protocol::ids::ClientId;
use doorward_provider::{
    model::time::SystemEntropy,
    use_case::administration::clients::{self, ClientRules},
};
use serde_json::Value;

use super::{
    CommandContext, CommandError, ImportArguments, administers, by_operator,
    outcome::{Outcome, in_shell},
};
use crate::import::ForeignClient;

impl ImportArguments {
    /// Adds a client that is not there. Says why it can't be taken over, if it can't.
    pub(super) async fn take_over_client(
        &self,
        context: &CommandContext,
        mut client: ForeignClient,
        outcome: &mut Outcome,
    ) -> Result<Option<String>, CommandError> {
        let name = client.client_id.clone();
        let id = match ClientId::parse(&*name) {
            Ok(id) => id,
            Err(error) => return Ok(Some(format!("the client {name}: {error}"))),
        };
        let provider = &context.config.provider;
        let is_configured = provider.clients.iter().any(|own| own.client_id == name);
        if is_configured || context.store.client(&id).await?.is_some() {
            outcome.clients.present += 1;
            return Ok(None);
        }
        let mut allowed = Vec::new();
        for scope in std::mem::take(&mut client.scopes) {
            if !provider.resources.knows(&scope) {
                client.leave(format!("the scope {scope}, which the configuration does not define"));
            } else if administers(&scope) {
                client.leave(format!(
                    "the scope {scope}, which lets it administer Doorward. If it should: doorward \
                     client set {} --add-scope {}",
                    in_shell(&name),
                    in_shell(&scope)
                ));
            } else {
                allowed.push(scope);
            }
        }
        client.list("allowed_scopes", allowed);
        let rules = ClientRules {
            resources: &provider.resources,
            algorithms: &provider.signing_algorithms,
            files: &context.config.branding.files(),
        };
        let read = |client: &ForeignClient| {
            serde_json::from_value(Value::Object(client.settings.clone()))
                .map_err(|error| format!("the client {name}: {error}"))
        };
        let secret = match read(&client) {
            Err(problem) => return Ok(Some(problem)),
            Ok(settings) => clients::needs_secret(&settings)
                .then(|| clients::add_secret(&mut client.settings, None, None, &SystemEntropy)),
        };
        let checked = read(&client).and_then(|settings| {
            rules.check(settings, None).map_err(|error| format!("the client {name}: {error}"))
        });
        if let Err(problem) = checked {
            return Ok(Some(problem));
        }
        if !self.dry_run {
            let after = Value::Object(client.settings.clone());
            clients::add_client(&*context.store, id.clone(), client.settings)
                .await
                .map_err(CommandError::refused)?;
            if let Some(secret) = secret {
                outcome.tell_secret(name.clone(), secret.expose());
            }
            let record = by_operator(ChangeEvent::ClientAdded).on("client_id", &id);
            context.audit(record.changing(None, Some(after))).await;
        }
        outcome.clients.added += 1;
        for what in &client.left {
            outcome.say(format!("left behind of the client {name}: {what}"));
        }
        outcome.new_clients.insert(name);
        Ok(None)
    }
}
