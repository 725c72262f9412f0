//! The frames of OIDC Front-Channel Logout 1.0.

use doorward_protocol::params;

use super::SignedOut;
use crate::{Provider, model::session::EndedSession};

impl Provider {
    /// What the browser has to open after this session ended: for each client that took part, the
    /// one that asked included, its address, with `iss` and `sid` where it wants them (section 3).
    pub(crate) fn front_channel(&self, ended: &[EndedSession]) -> SignedOut {
        let frames = ended
            .iter()
            .flat_map(|session| session.clients.iter().map(move |client| (session, client)));
        let frames = frames.filter_map(|(session, client)| {
            let client = self.client(client)?;
            let address = client.front_channel_logout.as_ref()?;
            if !address.session_required {
                return Some(address.uri.clone());
            }
            let separator = if address.uri.contains('?') { '&' } else { '?' };
            let query = params::encode([
                ("iss", self.issuer()),
                ("sid", client.session_id(&session.sid).as_str()),
            ]);
            Some(format!("{}{separator}{query}", address.uri))
        });
        SignedOut { frames: frames.collect() }
    }
}
