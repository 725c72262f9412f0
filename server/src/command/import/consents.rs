//! Consents of the users whom an import added.

use std::collections::HashSet;

use doorward_protocol::{
    ids::{ClientId, Sub},
    scope::Scope,
};
use doorward_provider::model::consent::Consent;

use super::{
    CommandContext, CommandError, ImportArguments, Short, administers,
    outcome::Outcome,
    reading::{Reading, ended},
    short,
};
use crate::import::{ForeignConsent, Found};

impl ImportArguments {
    /// Remembers the consents of users whom this import added. Others may be somebody else under
    /// the same identifier, or may have withdrawn them.
    pub(super) async fn take_over_consents(
        &self,
        context: &CommandContext,
        reading: &Reading,
        added: &HashSet<Short>,
        outcome: &mut Outcome,
    ) -> Result<(), CommandError> {
        let (mut found, reading) = reading.stream();
        while let Some(found) = found.recv().await {
            if let Found::Consent(consent) = found
                && let Some(left) = self.take_over_consent(context, consent, added, outcome).await?
            {
                outcome.consents.refused += 1;
                outcome.leave(left.to_owned());
            }
        }
        ended(reading)
    }

    /// Says why a consent is left behind, if it is.
    async fn take_over_consent(
        &self,
        context: &CommandContext,
        consent: ForeignConsent,
        added: &HashSet<Short>,
        outcome: &mut Outcome,
    ) -> Result<Option<&'static str>, CommandError> {
        let (others, scopes): (Vec<String>, Vec<String>) =
            consent.scopes.into_iter().partition(|scope| administers(scope));
        let (Ok(sub), Ok(client_id), Ok(scope)) = (
            Sub::parse(&*consent.sub),
            ClientId::parse(&*consent.client_id),
            scopes.join(" ").parse::<Scope>(),
        ) else {
            return Ok(Some("a consent that names no user, client and scope"));
        };
        if !added.contains(&short(&sub)) {
            return Ok(Some("a consent of somebody whom this import did not add"));
        }
        let clients = &context.config.provider.clients;
        let is_here = clients.iter().any(|own| own.client_id == consent.client_id)
            || outcome.new_clients.contains(&consent.client_id)
            || context.store.client(&client_id).await?.is_some();
        if !is_here {
            return Ok(Some("a consent to a client that is not here"));
        }
        // The export may have two for one client.
        if context.store.consent(&sub, &client_id).await?.is_some() {
            outcome.consents.present += 1;
            return Ok(None);
        }
        if !self.dry_run {
            let consent = Consent { scope, expires_at: consent.expires_at };
            context.store.remember_consent(&sub, &client_id, consent).await?;
        }
        outcome.consents.added += 1;
        for scope in others {
            outcome.leave(format!(
                "the scope {scope} of a consent, which lets a client administer Doorward"
            ));
        }
        Ok(None)
    }
}
