//! How the tabs of one origin keep in step.

pub(crate) mod lease;
pub(crate) mod message;

use std::rc::Rc;

use doorward_protocol::dpop::access_token_hash;

use crate::{
    AuthEvent, Fault,
    client::Client,
    flow::pending,
    settings::StoreKind,
    tabs::message::TabMessage,
    user_store::{StoredSession, StoredUser},
};

impl Client {
    pub(crate) fn listen_to_tabs(self: &Rc<Self>) {
        let weak = Rc::downgrade(self);
        let guard = self.ports.broadcast.subscribe(Box::new(move |text| {
            if let (Some(client), Some(message)) = (weak.upgrade(), TabMessage::read(text)) {
                // A storage failure is reported when somebody asks for the user.
                let _ = client.on_tab_message(&message);
            }
        }));
        self.guards.borrow_mut().push(guard);
    }

    fn on_tab_message(self: &Rc<Self>, message: &TabMessage) -> Result<(), Fault> {
        match message {
            TabMessage::UserChanged => self.notice_changes(),
            TabMessage::SignedOut { sub } => {
                // Where the tabs share the store it is empty already; where not, this tab's copy
                // goes too. Another user, who signed in since or only in this tab, stays.
                let stored = self.users.get()?;
                if stored.is_some_and(|session| session.stored.user.sub() == sub) {
                    self.users.remove()?;
                }
                let was_announced = self
                    .announced
                    .borrow()
                    .as_ref()
                    .is_some_and(|announced| announced.user.sub() == sub);
                self.notice_changes()?;
                if was_announced && self.announced.borrow().is_none() {
                    self.events.emit(&AuthEvent::UserSignedOut);
                }
                Ok(())
            }
            TabMessage::TokensFound { of, sign } => {
                if self.own_renewable()?.is_some_and(|(own, _)| own == *of)
                    && !self.users.is_signed(sign)?
                {
                    let held = TabMessage::TokensHeld { of: of.clone(), sign: sign.clone() };
                    self.ports.broadcast.post(&held.write());
                }
                Ok(())
            }
            TabMessage::TokensHeld { of, sign } => {
                if self.users.is_signed(sign)? {
                    // A token that this page has sent already is the other's no more, which finds
                    // the mark; unless the request fails.
                    let (client, of) = (Rc::clone(self), of.clone());
                    self.ports.timer.spawn(Box::pin(async move {
                        client.renewal.finished().await;
                        drop(client.leave_to_others(&of));
                    }));
                }
                Ok(())
            }
        }
    }

    /// Asks the other tabs who has this tab's tokens, too.
    pub(crate) fn ask_for_holders(&self) -> Result<(), Fault> {
        if let Some((of, _)) = self.own_renewable()? {
            let sign = pending::random_text(&*self.ports.entropy)?;
            self.users.sign(&sign)?;
            self.ports.broadcast.post(&TabMessage::TokensFound { of, sign }.write());
        }
        Ok(())
    }

    /// Tokens in a store that is this tab's alone and can be renewed: the access token's hash, and
    /// whose they are.
    fn own_renewable(&self) -> Result<Option<(String, StoredSession)>, Fault> {
        let session = self.users.get()?.filter(|_| self.settings.user_store == StoreKind::Session);
        let session = session.filter(|session| session.stored.user.refresh_token.is_some());
        Ok(session.map(|session| (access_token_hash(&session.stored.user.access_token), session)))
    }

    /// Forgets the refresh token beside the access token of this hash, if the store is this tab's
    /// alone: another tab has it as well, and it must be sent once. The access token is good until
    /// it ends, and a hidden frame may bring others.
    pub(crate) fn leave_to_others(&self, of: &str) -> Result<bool, Fault> {
        let Some((_, session)) = self.own_renewable()?.filter(|(own, _)| own == of) else {
            return Ok(false);
        };
        let mut stored = StoredUser::clone(&session.stored);
        stored.user.refresh_token = None;
        self.user_loaded(&Rc::new(stored))?;
        Ok(true)
    }
}
