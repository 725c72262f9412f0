//! In place of pushed authorization requests, without the feature `par`.

use crate::{Fault, client::Client};

impl Client {
    /// Returns the URL unchanged.
    #[allow(clippy::unused_async)] // Like the function it replaces.
    pub(crate) async fn pushed(&self, _: &str, address: String) -> Result<String, Fault> {
        Ok(address)
    }
}
