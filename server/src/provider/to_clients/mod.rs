//! Requests to clients: logout tokens, and what clients publish: keys and metadata.

mod back_channel;
mod document_source;
mod jwks_source;
pub(super) mod public_address;

use doorward_provider::keys::remote::FetchError;
use reqwest::{Certificate, Client, ClientBuilder, Response, redirect};

pub use self::{
    back_channel::HttpBackChannel, document_source::HttpDocumentSource, jwks_source::HttpJwksSource,
};

/// The HTTP client for such requests. It trusts these certification authorities (DER) beside the
/// machine's. It follows no redirect: one would lead to an address that no operator wrote down,
/// perhaps inside this network.
pub(super) fn client_builder(trusted: &[Vec<u8>]) -> Result<ClientBuilder, reqwest::Error> {
    let trusted: Result<Vec<_>, _> = trusted.iter().map(|der| Certificate::from_der(der)).collect();
    Ok(Client::builder().redirect(redirect::Policy::none()).no_proxy().tls_certs_merge(trusted?))
}

/// Why the body of an answer was not read.
#[derive(Debug, thiserror::Error)]
pub enum BodyError {
    /// It is longer than this, in bytes.
    #[error("the answer is longer than {0} bytes")]
    TooLong(usize),
    /// It did not arrive in full.
    #[error("{}", reason(.0))]
    Broken(#[from] reqwest::Error),
}

impl From<BodyError> for FetchError {
    fn from(error: BodyError) -> Self {
        match error {
            BodyError::TooLong(_) => Self::NotThere(error.to_string()),
            BodyError::Broken(_) => Self::Away(error.to_string()),
        }
    }
}

/// The body of an answer, if it has at most this many bytes.
pub async fn body(mut response: Response, most: usize) -> Result<Vec<u8>, BodyError> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        if body.len() + chunk.len() > most {
            return Err(BodyError::TooLong(most));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// The innermost cause, which says most: "connection refused".
pub fn reason(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.to_string()
}
