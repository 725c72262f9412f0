//! Requests to clients: logout tokens, and the keys that clients publish.

mod back_channel;
mod jwks_source;

use reqwest::{Certificate, Client, ClientBuilder, redirect};

pub use self::{back_channel::HttpBackChannel, jwks_source::HttpJwksSource};

/// The HTTP client for such requests. It trusts these certification authorities (DER) beside the
/// machine's. It follows no redirect: one would lead to an address that no operator wrote down,
/// perhaps inside this network.
fn client_builder(trusted: &[Vec<u8>]) -> Result<ClientBuilder, reqwest::Error> {
    let trusted: Result<Vec<_>, _> = trusted.iter().map(|der| Certificate::from_der(der)).collect();
    Ok(Client::builder().redirect(redirect::Policy::none()).no_proxy().tls_certs_merge(trusted?))
}

/// The innermost cause, which says most: "connection refused".
fn reason(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.to_string()
}
