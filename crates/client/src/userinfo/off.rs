//! In place of userinfo, without the feature `userinfo`.

use serde_json::{Map, Value};

use crate::{Fault, client::Client};

impl Client {
    /// Returns the profile unchanged.
    #[allow(clippy::unused_async)] // Like the function it replaces.
    pub(crate) async fn with_user_info(
        &self,
        profile: Map<String, Value>,
        _: &str,
        _: &str,
    ) -> Result<Map<String, Value>, Fault> {
        Ok(profile)
    }
}
