//! What signs the provider's answers to a client, beside its tokens: authorization responses
//! (JARM), userinfo (OIDC Core section 5.3.2) and answers about tokens (RFC 9701).

use doorward_protocol::jose::SigningAlgorithm;

use super::ClientSettings;

/// Which answers to a client are signed, and by what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AnswerSigning {
    /// Authorization responses, where the client asks for signed ones.
    pub authorization: SigningAlgorithm,
    /// Whether it must ask for them.
    pub authorization_required: bool,
    /// Userinfo; `None`: it is plain JSON.
    pub userinfo: Option<SigningAlgorithm>,
    /// Answers about tokens, where the client accepts signed ones.
    pub introspection: SigningAlgorithm,
    /// Whether it gets no others.
    pub introspection_required: bool,
}

impl AnswerSigning {
    /// What the settings say. Where they name no algorithm, it is that of ID tokens.
    pub(crate) fn from_settings(settings: &ClientSettings) -> Self {
        let usual = settings.id_token_signing_alg;
        Self {
            authorization: settings.authorization_signed_response_alg.unwrap_or(usual),
            authorization_required: settings.require_signed_response,
            userinfo: settings.userinfo_signed_response_alg,
            introspection: settings.introspection_signed_response_alg.unwrap_or(usual),
            introspection_required: settings.require_signed_introspection,
        }
    }

    /// Each algorithm with the setting that it comes from.
    pub(crate) fn algorithms(
        self,
    ) -> impl Iterator<Item = (&'static str, SigningAlgorithm)> + use<> {
        let userinfo = self.userinfo.map(|own| ("userinfo_signed_response_alg", own));
        [
            ("authorization_signed_response_alg", self.authorization),
            ("introspection_signed_response_alg", self.introspection),
        ]
        .into_iter()
        .chain(userinfo)
    }
}
