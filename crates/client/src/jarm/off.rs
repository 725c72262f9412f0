//! In place of signed responses, without the feature `jarm`.

use doorward_protocol::params::Params;

use crate::{
    Fault,
    client::Client,
    flow::{pending::PendingSignin, response::AuthorizationResponse},
};

/// Returns the parameters unchanged.
#[inline]
#[allow(clippy::unnecessary_wraps)] // Like the function it replaces.
pub(crate) fn claimed_params(params: Params) -> Result<Params, Fault> {
    Ok(params)
}

/// Accepts every response.
#[inline]
#[allow(clippy::unnecessary_wraps)] // Like the function it replaces.
pub(crate) fn check_form(_: &PendingSignin, _: &AuthorizationResponse) -> Result<(), Fault> {
    Ok(())
}

impl Client {
    /// Reads a response.
    #[allow(clippy::unused_async)] // Like the function it replaces.
    pub(crate) async fn read_response(
        &self,
        url: &str,
    ) -> Result<Box<AuthorizationResponse>, Fault> {
        AuthorizationResponse::parse(url)
    }
}
