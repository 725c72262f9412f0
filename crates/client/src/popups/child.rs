//! How a popup or hidden frame returns its URL to the page that opened it.

use std::{cell::Cell, rc::Rc, time::Duration};

use futures::{
    channel::oneshot,
    future::{Either, select},
};

use crate::{
    Error, Fault,
    client::Client,
    flow::response,
    lean::url,
    ports::{ChildWindow, Popups},
};

/// The prefix of the message with the URL. `callback.js` of the demo page sends it too.
const ADDRESS: &str = "oidc.url:";
/// How often a popup is checked.
const CHECK_INTERVAL: Duration = Duration::from_millis(500);
/// How many consecutive checks must find it closed, because a message may still arrive.
const CLOSED_CHECKS: u32 = 2;

/// How long to wait for a window.
#[derive(Clone, Copy)]
pub(super) enum Patience {
    /// Until the user closes it.
    UntilClosed,
    /// For this duration.
    For(Duration),
}

impl Client {
    pub(super) fn popups(&self) -> Result<&dyn Popups, Fault> {
        self.ports.popups.as_deref().ok_or_else(|| Error::NoWindow.into())
    }

    /// Sends the URL of this window to the page that waits for it.
    pub(super) fn hand_back(&self, url: &str) -> Result<(), Fault> {
        let Some(id) = response::summary(url).state_id else {
            return Err(response::no_response("the response has no state"));
        };
        self.popups()?.hand_back(&[ADDRESS, url].concat(), &channel(&id));
        Ok(())
    }

    /// Loads the provider's page in a window and waits for the URL that it returns.
    ///
    /// It arrives as a message of the window, or on a channel that is named after the unguessable
    /// identifier, because a provider may separate the popup from its opener. Such a popup looks
    /// closed although it is not. Therefore a popup counts as closed only once the user is back at
    /// this page.
    pub(super) async fn address_from(
        &self,
        child: &dyn ChildWindow,
        address: &str,
        id: &str,
        patience: Patience,
    ) -> Result<String, Fault> {
        let popups = self.popups()?;
        let (sender, mut arrived) = oneshot::channel();
        let sender = Cell::new(Some(sender));
        let expected = id.to_owned();
        let accept = Rc::new(move |text: &str| {
            if let Some(url) = handed_back(text, &expected)
                && let Some(sender) = sender.take()
            {
                // The receiver may be gone.
                let _ = sender.send(url.to_owned());
            }
        });
        let accept_message = Rc::clone(&accept);
        let own_url = self.ports.navigator.current_url();
        let _messages = child.on_message(Box::new(move |origin, text| {
            if url::origin(&own_url) == Some(origin) {
                accept_message(text);
            }
        }));
        let _channel = popups.subscribe_channel(&channel(id), Box::new(move |text| accept(text)));
        child.go(address);
        let (pause, mut checks_left) = match patience {
            Patience::UntilClosed => (CHECK_INTERVAL, CLOSED_CHECKS),
            Patience::For(limit) => (limit, 0),
        };
        loop {
            match select(&mut arrived, self.ports.timer.sleep(pause)).await {
                Either::Left((Ok(url), _)) => return Ok(url),
                Either::Left((Err(_), _)) => return Err(Error::NoWindow.into()),
                Either::Right(_) if matches!(patience, Patience::For(_)) => {
                    return Err(Error::FrameTimeout.into());
                }
                Either::Right(_) if child.is_closed() && popups.has_focus() => {
                    checks_left -= 1;
                    if checks_left == 0 {
                        return Err(Error::PopupClosed.into());
                    }
                }
                Either::Right(_) => checks_left = CLOSED_CHECKS,
            }
        }
    }
}

fn channel(id: &str) -> String {
    ["oidc.", id].concat()
}

/// The URL in a message, if it answers the request with this identifier.
fn handed_back<'a>(text: &'a str, id: &str) -> Option<&'a str> {
    let url = text.strip_prefix(ADDRESS)?;
    (response::summary(url).state_id.as_deref() == Some(id)).then_some(url)
}
