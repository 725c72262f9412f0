//! From a popup or hidden frame back to the page that opened it: how the address is handed over and
//! waited for.

use std::{cell::Cell, rc::Rc, time::Duration};

use futures::{
    channel::oneshot,
    future::{Either, select},
};

use crate::{
    Error, Fault,
    client::Client,
    ports::{ChildWindow, Windows},
    response, url,
};

/// What a window says to hand back its address. `callback.js` of the demo page says it too.
const ADDRESS: &str = "oidc.url:";
/// How often a popup is looked at.
const LOOK: Duration = Duration::from_millis(500);
/// How often in a row it must look closed: a message may still be on its way.
const LOOKS_CLOSED: u32 = 2;

/// How long to wait for a window.
#[derive(Clone, Copy)]
pub(super) enum Patience {
    /// Until the user closes it.
    UntilClosed,
    /// This long.
    For(Duration),
}

impl Client {
    pub(super) fn windows(&self) -> Result<&dyn Windows, Fault> {
        self.ports.windows.as_deref().ok_or_else(|| Error::NoWindow.into())
    }

    /// Hands the address of this window to the page that waits for it.
    pub(super) fn hand_back(&self, url: &str) -> Result<(), Fault> {
        let Some(id) = response::marks(url).state_id else {
            return Err(response::no_response("the response has no state"));
        };
        self.windows()?.hand_back(&[ADDRESS, url].concat(), &channel(&id));
        Ok(())
    }

    /// Sends a window to the provider and waits for the address that it comes back with.
    ///
    /// The window itself tells it, or a page of this origin on a channel that is named after the
    /// unguessable id: a provider may cut the tie between popup and opener. Then the popup also
    /// looks closed although it is not, so that it counts as closed only once the user is back at
    /// this page.
    pub(super) async fn address_from(
        &self,
        child: &dyn ChildWindow,
        address: &str,
        id: &str,
        patience: Patience,
    ) -> Result<String, Fault> {
        let windows = self.windows()?;
        let (sender, mut arrived) = oneshot::channel();
        let sender = Cell::new(Some(sender));
        let expected = id.to_owned();
        let accept = Rc::new(move |text: &str| {
            if let Some(url) = handed_back(text, &expected)
                && let Some(sender) = sender.take()
            {
                // Who waited may have gone.
                let _ = sender.send(url.to_owned());
            }
        });
        let accept_message = Rc::clone(&accept);
        let own_url = self.ports.navigator.current_url();
        let _messages = child.hear(Box::new(move |origin, text| {
            if url::origin(&own_url) == Some(origin) {
                accept_message(text);
            }
        }));
        let _channel = windows.hear_channel(&channel(id), Box::new(move |text| accept(text)));
        child.go(address);
        let (pause, mut looks) = match patience {
            Patience::UntilClosed => (LOOK, LOOKS_CLOSED),
            Patience::For(limit) => (limit, 0),
        };
        loop {
            match select(&mut arrived, self.ports.timer.sleep(pause)).await {
                Either::Left((Ok(url), _)) => return Ok(url),
                Either::Left((Err(_), _)) => return Err(Error::NoWindow.into()),
                Either::Right(_) if matches!(patience, Patience::For(_)) => {
                    return Err(Error::FrameTimeout.into());
                }
                Either::Right(_) if child.is_closed() && windows.has_focus() => {
                    looks -= 1;
                    if looks == 0 {
                        return Err(Error::PopupClosed.into());
                    }
                }
                Either::Right(_) => looks = LOOKS_CLOSED,
            }
        }
    }
}

fn channel(id: &str) -> String {
    ["oidc.", id].concat()
}

/// The address in a message, if it answers the request with this id.
fn handed_back<'a>(text: &'a str, id: &str) -> Option<&'a str> {
    let url = text.strip_prefix(ADDRESS)?;
    (response::marks(url).state_id.as_deref() == Some(id)).then_some(url)
}
