//! The frames of OIDC Front-Channel Logout 1.0.

use doorward_protocol::params;

use super::SignedOut;
use crate::{model::session::EndedSession, use_case::client_registry::ClientRegistry};

/// What the browser has to open after these sessions ended: the address of each client that took
/// part, with `iss` and `sid` where the client wants them (section 3). The client that asked for
/// the sign-out is one of them.
pub(crate) fn frames(ended: &[EndedSession], clients: &ClientRegistry, issuer: &str) -> SignedOut {
    let frames = ended
        .iter()
        .flat_map(|session| session.clients.iter().map(move |client| (session, client)));
    let frames = frames.filter_map(|(session, client)| {
        let client = clients.get(client)?;
        let address = client.front_channel_logout.as_ref()?;
        if !address.session_required {
            return Some(address.uri.clone());
        }
        let separator = if address.uri.contains('?') { '&' } else { '?' };
        let query =
            params::encode([("iss", issuer), ("sid", client.session_id(&session.sid).as_str())]);
        Some(format!("{}{separator}{query}", address.uri))
    });
    SignedOut { frames: frames.collect() }
}
