//! In place of popups, hidden frames and the session monitor, without the feature `popups`.

use std::rc::Rc;

use crate::{Error, Fault, client::Client, ports::Ports, user_store::StoredSession};

/// Nothing watches the session at the provider.
#[derive(Default)]
pub(crate) struct Monitor(());

impl Monitor {
    #[allow(clippy::unused_self)] // Like the function it replaces.
    pub(crate) fn wake(&self) {}
}

/// No hidden frame can be opened.
pub(crate) fn has_frames(_: &Ports) -> bool {
    false
}

impl Client {
    #[allow(clippy::unused_self)] // Like the function it replaces.
    pub(crate) fn start_monitor(self: &Rc<Self>) {}

    /// There is nothing to renew with.
    #[allow(clippy::unused_async)] // Like the function it replaces.
    pub(crate) async fn renew_in_frame(
        &self,
        session: Option<&StoredSession>,
    ) -> Result<(), Fault> {
        Err(if session.is_some() { Error::NoRefreshToken } else { Error::NotSignedIn }.into())
    }
}
