//! What the pages say, in each language. Each language is one table, which the compiler keeps
//! complete. To add a language, add a file beside [`english`] and an entry in [`LANGUAGES`].

pub(crate) mod accounts;
mod demo_mail;
mod directory;
mod english;
mod external;
mod factors;
mod german;
mod own_page;
mod phrase;
mod replaced;
mod upstream;

use std::convert::Infallible;

use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, header::ACCEPT_LANGUAGE, request::Parts},
};
use doorward_protocol::{language, params::Params};
use doorward_provider::{
    model::resource::ScopeDescription,
    use_case::{
        authorize::UnsafeRequest,
        end_session::{EndSessionError, EndSessionProblem},
    },
};

use self::accounts::AccountTexts;
pub(crate) use self::english::ENGLISH;
pub use self::replaced::{GivenTexts, PageTexts, TextProblem};
use self::{
    demo_mail::DemoMailTexts,
    directory::DirectoryTexts,
    external::ExternalTexts,
    factors::FactorTexts,
    german::GERMAN,
    own_page::OwnPageTexts,
    phrase::{Counted, Phrase},
    replaced::replaceable,
    upstream::UpstreamTexts,
};
use crate::{
    AppState,
    http::{form::FormError, return_url::ReturnUrl},
};

/// The first is for browsers that ask for none of them.
pub(crate) static LANGUAGES: [&Texts; 2] = [&ENGLISH, &GERMAN];

replaceable! {
    /// Every text of the pages in one language.
    #[derive(Debug)]
    pub(crate) struct Texts {
        /// The language tag, for the `lang` attribute (RFC 5646).
        pub(crate) lang: &'static str,
        /// Under every page. The placeholder is the name at the top of the page.
        pub(crate) footer: Phrase,
        /// Link under every page.
        pub(crate) imprint: &'static str,
        /// Link under every page.
        pub(crate) help: &'static str,
        /// Title and button.
        pub(crate) sign_in: &'static str,
        /// Under the title of the login page.
        pub(crate) to_this_provider: &'static str,
        /// Under the title of the login page. The argument is the name of the client.
        pub(crate) to_continue_to: Phrase,
        /// Label.
        pub(crate) user_name: &'static str,
        /// Label.
        pub(crate) password: &'static str,
        /// Label.
        pub(crate) remember_me: &'static str,
        /// Button.
        pub(crate) cancel: &'static str,
        /// After a failed sign-in. It does not say which of the two is wrong.
        pub(crate) wrong_password: &'static str,
        /// The form token is missing or wrong.
        pub(crate) form_expired: &'static str,
        /// Too many sign-ins are waiting.
        pub(crate) too_busy: &'static str,
        /// A field was left empty.
        pub(crate) enter_both: &'static str,
        /// Too many sign-ins failed. The argument is the wait in seconds.
        pub(crate) throttled: Counted,
        /// The application expects another user. The argument is the name of the one who is signed
        /// in.
        pub(crate) another_user_expected: Phrase,
        /// Title of the consent page.
        pub(crate) allow_access: &'static str,
        /// The question. The argument is the name of the client.
        pub(crate) allow_client: Phrase,
        /// Before the user's name.
        pub(crate) signed_in_as: &'static str,
        /// On the consent page of an application that registered itself. The argument is where the
        /// browser goes then.
        pub(crate) registered_itself: Phrase,
        /// On the consent page of an application that is described elsewhere. The arguments are the
        /// host of the description and where the browser goes then.
        pub(crate) described_at: Phrase,
        /// Where the browser goes: not into the network.
        pub(crate) this_computer: &'static str,
        /// Link.
        pub(crate) privacy_policy: &'static str,
        /// Link.
        pub(crate) terms_of_service: &'static str,
        /// Before the scopes.
        pub(crate) it_asks_for: &'static str,
        /// Beside a required scope.
        pub(crate) always_needed: &'static str,
        /// Label.
        pub(crate) remember_decision: &'static str,
        /// Button.
        pub(crate) allow: &'static str,
        /// Button.
        pub(crate) do_not_allow: &'static str,
        /// Title of the error page.
        pub(crate) something_is_wrong: &'static str,
        /// Heading of the error page.
        pub(crate) did_not_work: &'static str,
        /// On the error page, before the code.
        pub(crate) go_back: &'static str,
        /// Before an error goes to a page that nobody vouches for. The argument is its host.
        pub(crate) unvouched_page: Phrase,
        /// Link to it. The argument is its host.
        pub(crate) go_on_to: Phrase,
        /// The store failed.
        pub(crate) unavailable: &'static str,
        /// 404.
        pub(crate) no_such_page: &'static str,
        /// The return URL is not one of this provider.
        pub(crate) foreign_return_url: &'static str,
        /// Why a request can't be read.
        pub(crate) form_refused: fn(&FormError) -> String,
        /// Why an authorization request is not answered by a redirect.
        pub(crate) authorize_refused: fn(&UnsafeRequest) -> String,
        /// Why a sign-out request is refused.
        pub(crate) end_session_refused: fn(EndSessionError) -> String,
        /// Title of the page that posts a response.
        pub(crate) one_moment: &'static str,
        /// Text of that page.
        pub(crate) being_returned: &'static str,
        /// Its button.
        pub(crate) go_on: &'static str,
        /// Title of the home page.
        pub(crate) signed_in: &'static str,
        /// Heading of the home page.
        pub(crate) you_are_signed_in: &'static str,
        /// Before the user's name.
        pub(crate) browser_signed_in_as: &'static str,
        /// After the user's name.
        pub(crate) no_password_again: &'static str,
        /// Title and button.
        pub(crate) sign_out: &'static str,
        /// Heading.
        pub(crate) sign_out_question: &'static str,
        /// Which client asks to sign out. The argument is its name.
        pub(crate) client_asks: Phrase,
        /// What is wrong with a sign-out request, although the user is signed out.
        pub(crate) end_session_problem: fn(EndSessionProblem) -> String,
        /// Button.
        pub(crate) stay_signed_in: &'static str,
        /// Title.
        pub(crate) signed_out: &'static str,
        /// Heading.
        pub(crate) you_are_signed_out: &'static str,
        /// While frames sign out other clients.
        pub(crate) signing_out_elsewhere: &'static str,
        /// When there is nowhere to return to.
        pub(crate) you_can_close: &'static str,
        /// Link to the client. The argument is its name.
        pub(crate) back_to: Phrase,
        /// For a client without a name.
        pub(crate) the_application: &'static str,
        /// Title of a frame.
        pub(crate) client_signs_out: &'static str,
        /// Title of `/grants`, and the link to it.
        pub(crate) access_and_sessions: &'static str,
        /// Heading.
        pub(crate) with_access: &'static str,
        /// When there are none.
        pub(crate) nobody_has_access: &'static str,
        /// Before a timestamp.
        pub(crate) since: &'static str,
        /// Before a timestamp.
        pub(crate) last_used: &'static str,
        /// A consent without grants.
        pub(crate) not_in_use: &'static str,
        /// Link to an application.
        pub(crate) open: &'static str,
        /// Label of the link for screen readers. The argument is the name of the client.
        pub(crate) open_application: Phrase,
        /// Button.
        pub(crate) take_back: &'static str,
        /// Label of the button for screen readers. The argument is the name of the client.
        pub(crate) take_back_from: Phrase,
        /// Heading.
        pub(crate) where_signed_in: &'static str,
        /// Link to the next page of sessions.
        pub(crate) older_sessions: &'static str,
        /// Link to the next page of clients.
        pub(crate) more_applications: &'static str,
        /// For a browser without a known name.
        pub(crate) unknown_browser: &'static str,
        /// Badge.
        pub(crate) this_browser: &'static str,
        /// Button.
        pub(crate) end: &'static str,
        /// Label of the button for screen readers. The argument is the name of the browser.
        pub(crate) end_session_in: Phrase,
        /// Before a timestamp.
        pub(crate) signed_in_at: &'static str,
        /// Before a network address.
        pub(crate) address: &'static str,
        /// Link.
        pub(crate) back: &'static str,
        /// Title and heading of `/device`.
        pub(crate) connect_a_device: &'static str,
        /// Under the heading.
        pub(crate) enter_device_code: &'static str,
        /// Label.
        pub(crate) code: &'static str,
        /// Opens the QR code.
        pub(crate) go_on_with_phone: &'static str,
        /// Label of the QR code.
        pub(crate) qr_code: &'static str,
        /// Before the code that the device should show.
        pub(crate) device_shows: &'static str,
        /// Warns of codes that someone else sent.
        pub(crate) device_warning: &'static str,
        /// The same for the command line, which gets the rights of an administrator.
        pub(crate) command_line_warning: &'static str,
        /// The code of a command line came with a link.
        pub(crate) type_command_code: &'static str,
        /// The code is of a command line, and the user is not an administrator.
        pub(crate) not_an_administrator: &'static str,
        /// Before the scopes.
        pub(crate) device_asks_for: &'static str,
        /// Title and text.
        pub(crate) device_connected: (&'static str, &'static str),
        /// Title and text.
        pub(crate) device_not_connected: (&'static str, &'static str),
        /// The code is unknown.
        pub(crate) unknown_device_code: &'static str,
        /// Too many codes were entered. The argument is the wait in seconds.
        pub(crate) codes_throttled: Counted,
        /// Registration, links in mails, and new passwords.
        pub(crate) accounts: AccountTexts,
        /// The user's own page.
        pub(crate) own_page: OwnPageTexts,
        /// The page of messages that demo mode keeps.
        pub(crate) demo_mail: &'static DemoMailTexts,
        /// About second factors.
        pub(crate) factors: &'static FactorTexts,
        /// About identities at other providers.
        pub(crate) external: &'static ExternalTexts,
        /// About other providers.
        pub(crate) upstream: &'static UpstreamTexts,
        /// About sign-ins by a directory.
        pub(crate) directory: &'static DirectoryTexts,
        /// Translations of the scope names that the provider has by default, by the English name.
        /// The names that an operator chose are not translated.
        scopes: &'static [(&'static str, &'static str)],
    }
}

impl Texts {
    /// A scope with its names in this language.
    pub(crate) fn scope(&self, scope: ScopeDescription) -> ScopeDescription {
        let translated =
            |text: String| match self.scopes.iter().find(|(english, _)| *english == text) {
                Some((_, translated)) => (*translated).to_owned(),
                None => text,
            };
        ScopeDescription {
            display_name: translated(scope.display_name),
            description: scope.description.map(translated),
            ..scope
        }
    }
}

/// The state of a handler that shows pages, in the language of `ui_locales` in the query, or else
/// the one that the browser asks for.
pub(crate) struct Localized(pub(crate) AppState);

impl FromRequestParts<AppState> for Localized {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Infallible> {
        Ok(Self::of(parts, state))
    }
}

impl Localized {
    /// The state in the language of a request.
    pub(crate) fn of(parts: &Parts, state: &AppState) -> Self {
        let query = Params::parse_noting_repeats(parts.uri.query().unwrap_or_default(), &[]);
        let ui_locales = query.as_ref().ok().and_then(|(params, _)| params.get("ui_locales"));
        let mut state = state.clone();
        state.texts = accepted(&parts.headers, state.languages());
        Self(state.in_language(ui_locales))
    }
}

impl AppState {
    /// The texts in each language, as an operator may have replaced them, also for the client that
    /// waits for the sign-in.
    pub(crate) fn languages(&self) -> [&'static Texts; 2] {
        self.settings.branding.current().texts_for(self.client_branding()).0
    }

    /// The same state in the language that the waiting authorization request asks for, and with
    /// the look of its client. A pushed request is looked up for its language, since the browser
    /// has only the reference.
    pub(crate) async fn for_request_of(self, return_url: Option<&ReturnUrl>) -> Self {
        let query = return_url.and_then(ReturnUrl::request_query);
        let state = self.in_look_of_request(query.map(str::as_bytes));
        state.in_language_of(return_url).await
    }

    async fn in_language_of(self, return_url: Option<&ReturnUrl>) -> Self {
        let ui_locales = match return_url {
            Some(url) if url.is_pushed() => {
                let query = url.request_query().unwrap_or_default();
                self.provider
                    .authorization()
                    .request(query.as_bytes())
                    .await
                    .and_then(|request| request.ui_locales)
            }
            url => url.and_then(ReturnUrl::ui_locales),
        };
        self.in_language(ui_locales.as_deref())
    }

    /// The same state in the first known language of `ui_locales` (OIDC Core section 3.1.2.1), or
    /// in the same language if none is known.
    pub(crate) fn in_language(mut self, ui_locales: Option<&str>) -> Self {
        let languages = self.languages();
        let mut tags = ui_locales.unwrap_or_default().split(' ');
        let wanted = tags.find_map(|tag| texts_in(tag, languages));
        self.texts = wanted.unwrap_or(self.texts);
        self
    }
}

/// The texts in the language that a browser prefers, or in the first one.
fn accepted(headers: &HeaderMap, languages: [&'static Texts; 2]) -> &'static Texts {
    let values = headers.get_all(ACCEPT_LANGUAGE).iter().filter_map(|value| value.to_str().ok());
    let wanted = language::accepted(values, &languages.map(|texts| texts.lang));
    let found = languages.into_iter().find(|texts| Some(texts.lang) == wanted);
    found.unwrap_or(languages[0])
}

/// The texts in the language of a tag.
pub(crate) fn texts_in(tag: &str, languages: [&'static Texts; 2]) -> Option<&'static Texts> {
    let known = language::of_tag(tag, &languages.map(|texts| texts.lang))?;
    languages.into_iter().find(|texts| texts.lang == known)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn lang(header: &str) -> &'static str {
        let headers = [(ACCEPT_LANGUAGE, header.parse().unwrap())].into_iter().collect();
        accepted(&headers, LANGUAGES).lang
    }

    #[test]
    fn the_heaviest_known_language_wins() {
        for (header, expected) in [
            ("de", "de"),
            ("DE-at, en;q=0.9", "de"),
            ("fr, en;q=0.3, de;q=0.7", "de"),
            ("en, de", "en"),
            ("de;q=0, en;q=0.1", "en"),
            ("fr", "en"),
            ("*", "en"),
            ("", "en"),
            ("de;q=x", "en"),
            ("den", "en"),
        ] {
            assert_eq!(lang(header), expected, "{header}");
        }
    }
}
