//! Sign-in and sign-out in a popup.

use std::rc::Rc;

use super::child::Patience;
use crate::{
    Error, Fault, SigninOutcome, SigninRequestArgs, SignoutOutcome, SignoutRequestArgs,
    client::Client,
    flow::pending::{self, Via},
    ports::{Area, ChildWindow},
};

/// The widths of popups, as in oidc-client. The largest that leaves the page visible is taken.
const WIDTHS: [i32; 4] = [800, 720, 600, 480];
const SMALLEST_WIDTH: i32 = 360;
const HEIGHT: i32 = 640;

/// The popup's size in CSS pixels. By default it depends on the window's size.
///
/// ```no_run
/// use doorward_client::{Error, PopupArgs, SigninRequestArgs, UserManager};
///
/// // Call it while a click is handled: the popup opens before `signin_popup` returns.
/// async fn sign_in(manager: UserManager) -> Result<(), Error> {
///     let popup = PopupArgs::default().width(480).height(640);
///     let outcome = manager.signin_popup(SigninRequestArgs::default(), popup).await?;
///     println!("Welcome, {}", outcome.user.sub());
///     Ok(())
/// }
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct PopupArgs {
    /// Width.
    pub width: Option<u16>,
    /// Height.
    pub height: Option<u16>,
}

impl PopupArgs {
    setters! {
        some width: u16;
        some height: u16;
    }

    /// A rectangle in the middle of the page's window, and no taller than the window.
    fn area(self, page: Area) -> Area {
        let fitting = WIDTHS
            .into_iter()
            .find(|width| i64::from(*width) * 1618 <= i64::from(page.width) * 1000);
        let width = self.width.map_or(fitting.unwrap_or(SMALLEST_WIDTH), i32::from);
        let height =
            self.height.map_or_else(|| HEIGHT.min(page.height.max(SMALLEST_WIDTH)), i32::from);
        let middle = |start: i32, own: i32, inner: i32| {
            start.saturating_add(own.saturating_sub(inner) / 2).max(0)
        };
        Area {
            left: middle(page.left, page.width, width),
            top: middle(page.top, page.height, height),
            width,
            height,
        }
    }
}

impl Client {
    /// Opens the popup at once, while the click is handled.
    pub(super) fn open_popup(&self, args: PopupArgs) -> Result<Box<dyn ChildWindow>, Fault> {
        let popups = self.popups()?;
        popups.open_popup(args.area(popups.area())).ok_or_else(|| Error::PopupBlocked.into())
    }

    pub(super) async fn signin_popup(
        self: &Rc<Self>,
        popup: Box<dyn ChildWindow>,
        args: SigninRequestArgs,
    ) -> Result<SigninOutcome, Fault> {
        let (address, id) = self.begin_signin(args, Via::Popup).await?;
        let answer = self.address_from(&*popup, &address, &id, Patience::UntilClosed).await;
        drop(popup);
        match answer {
            Ok(url) => self.signin_callback(&url).await,
            Err(error) => {
                pending::remove(&self.ports, &id)?;
                Err(error)
            }
        }
    }

    pub(super) async fn signout_popup(
        &self,
        popup: Box<dyn ChildWindow>,
        args: SignoutRequestArgs,
    ) -> Result<SignoutOutcome, Fault> {
        let Some((address, id)) = self.begin_signout(&args, Via::Popup).await? else {
            // Dropping the popup closes it.
            return Ok(SignoutOutcome { state: args.state, url_state: args.url_state });
        };
        let answer = self
            .address_from(&*popup, &address, id.as_deref().unwrap_or(""), Patience::UntilClosed)
            .await;
        drop(popup);
        match (answer, id) {
            // The provider does not come back: the user closes its page.
            (Err(error), None) if *error == Error::PopupClosed => {
                Ok(SignoutOutcome { state: args.state, url_state: args.url_state })
            }
            (Err(error), Some(id)) => {
                pending::remove(&self.ports, &id)?;
                Err(error)
            }
            (answer, _) => self.signout_callback(&answer?),
        }
    }
}

#[cfg(all(test, not(target_arch = "wasm32")))]
mod tests {
    use super::*;

    #[test]
    fn popups_fit_the_window_and_stand_in_its_middle() {
        let page = |width, height| Area { left: 100, top: 50, width, height };
        for (page, expected) in [
            (page(1920, 1080), Area { left: 660, top: 270, width: 800, height: 640 }),
            (page(1280, 700), Area { left: 380, top: 80, width: 720, height: 640 }),
            (page(390, 600), Area { left: 115, top: 50, width: 360, height: 600 }),
            (Area::default(), Area { left: 0, top: 0, width: 360, height: 360 }),
        ] {
            assert_eq!(PopupArgs::default().area(page), expected, "{page:?}");
        }
        let own = PopupArgs { width: Some(500), height: Some(300) };
        assert_eq!(
            own.area(page(1000, 1000)),
            Area { left: 350, top: 400, width: 500, height: 300 }
        );
    }
}
