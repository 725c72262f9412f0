//! `--link NAME=ISSUER`: the providers whose links are taken over.

use std::str::FromStr;

use doorward_provider::model::{
    external_identity::Issuer, identity_provider::IdentityProvider, vouching::Vouching,
};

use serde_json::Value;

use super::CommandError;

/// Where the issuers of Microsoft Entra ID are.
const ENTRA: &str = "https://login.microsoftonline.com/";
/// The claim of Entra ID that is the identifier of a user's object.
const OID: &str = "oid";

/// A provider whose links are taken over.
#[derive(Debug, Clone)]
pub(super) struct LinkedProvider {
    /// As the export calls it.
    pub(super) name: String,
    pub(super) issuer: Issuer,
}

impl FromStr for LinkedProvider {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, issuer) =
            text.split_once('=').ok_or("write it as google=https://accounts.google.com")?;
        let name = name.to_owned();
        let issuer = Issuer::parse(issuer).map_err(|_| "the issuer is an address in ASCII")?;
        Ok(Self { name, issuer })
    }
}

impl LinkedProvider {
    /// The provider by which users sign in. Links with any other would let nobody in.
    pub(super) fn configured<'a>(
        &self,
        vouching: &'a Vouching,
    ) -> Result<&'a IdentityProvider, CommandError> {
        vouching.issuing(&self.issuer).ok_or_else(|| {
            CommandError::refused(format!(
                "--link {}={}: no identity provider and no directory has this issuer, and nobody \
                 could sign in by these links: configure it first",
                self.name, self.issuer
            ))
        })
    }

    /// A warning if links with Entra ID may be no subjects: Keycloak and ASP.NET keep the
    /// identifier of the object there, and the `sub` is another one for each client.
    pub(super) fn of_objects(&self, provider: &IdentityProvider) -> Option<String> {
        let claim = provider.settings.get("subject_claim").and_then(Value::as_str);
        let reads_objects = claim == Some(OID);
        (self.issuer.starts_with(ENTRA) && !reads_objects).then(|| {
            format!(
                "the links with {}: if they were made by Keycloak's provider \"microsoft\" or by \
                 ASP.NET's MicrosoftAccount, they have object IDs. Set subject_claim = \"{OID}\" \
                 of the identity provider {}, or nobody signs in by them",
                self.name, provider.name
            )
        })
    }
}
