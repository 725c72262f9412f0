//! The texts about signing in at other providers.

use super::{phrase::Phrase, replaced::replaceable};

replaceable! {
    /// The texts about other providers in one language. Arguments are the title of the provider.
    #[derive(Debug)]
    pub(crate) struct UpstreamTexts {
        /// Between the form and the buttons.
        pub(crate) or: &'static str,
        /// Button.
        pub(crate) sign_in_with: Phrase,
        /// Badge on the button of the provider that was used last.
        pub(crate) last_used: &'static str,
        /// The user cancelled there, or may not use it.
        pub(crate) denied: Phrase,
        /// It does not answer.
        pub(crate) unavailable: Phrase,
        /// Its answer is wrong.
        pub(crate) not_accepted: Phrase,
        /// The user did not sign in again there.
        pub(crate) too_old: Phrase,
        /// What helps where that never happens. The link below is to the page that confirms the
        /// address of the account.
        pub(crate) too_old_hint: &'static str,
        /// No sign-in waits for the response.
        pub(crate) not_awaited: Phrase,
        /// The request of the application does not fit.
        pub(crate) too_long: Phrase,
        /// Nobody signs in by the provider any more.
        pub(crate) not_offered: &'static str,
    }
}

pub(super) static ENGLISH: UpstreamTexts = UpstreamTexts {
    or: "or",
    sign_in_with: Phrase("Sign in with {title}"),
    last_used: "Last used",
    denied: Phrase("You did not sign in with {title}. Try again, or sign in another way."),
    unavailable: Phrase(
        "{title} does not answer at the moment. Try again in a minute, or sign in another way.",
    ),
    not_accepted: Phrase(
        "{title} sent an answer that can't be accepted here. Try again, or sign in another \
                way. If it happens again, tell the people who run this site.",
    ),
    too_old: Phrase(
        "You have to enter your password at {title} again, and it did not ask for it. Sign out \
                there, and then try again here.",
    ),
    too_old_hint: "If it never asks, set a password here: confirm the address of your account, and \
        use “Forgot password?”.",
    not_awaited: Phrase(
        "The sign-in with {title} took too long, was used before, or began in another browser. \
                Sign in once more.",
    ),
    too_long: Phrase(
        "The request of the application is too long for a sign-in with {title}. Sign in \
                another way, and tell the people who run the application.",
    ),
    not_offered: "This way to sign in is not offered any more. Sign in another way.",
};

pub(super) static GERMAN: UpstreamTexts = UpstreamTexts {
    or: "oder",
    sign_in_with: Phrase("Mit {title} anmelden"),
    last_used: "Zuletzt benutzt",
    denied: Phrase(
        "Sie haben sich nicht mit {title} angemeldet. Versuchen Sie es noch einmal, oder \
                melden Sie sich auf anderem Weg an.",
    ),
    unavailable: Phrase(
        "{title} antwortet im Augenblick nicht. Versuchen Sie es in einer Minute noch einmal, \
                oder melden Sie sich auf anderem Weg an.",
    ),
    not_accepted: Phrase(
        "{title} hat eine Antwort geschickt, die hier nicht gilt. Versuchen Sie es noch \
                einmal, oder melden Sie sich auf anderem Weg an. Wenn es wieder geschieht, sagen \
                Sie es den Betreibern dieser Seite.",
    ),
    too_old: Phrase(
        "Sie müssen Ihr Passwort bei {title} noch einmal eingeben, und es wurde dort nicht \
                danach gefragt. Melden Sie sich dort ab, und versuchen Sie es hier noch einmal.",
    ),
    too_old_hint: "Wird dort nie danach gefragt, setzen Sie hier ein Passwort: Bestätigen Sie die \
        Adresse Ihres Kontos, und nehmen Sie „Passwort vergessen?“.",
    not_awaited: Phrase(
        "Die Anmeldung mit {title} hat zu lange gedauert, wurde schon benutzt oder begann in \
                einem anderen Browser. Melden Sie sich noch einmal an.",
    ),
    too_long: Phrase(
        "Die Anfrage der Anwendung ist zu lang für eine Anmeldung mit {title}. Melden Sie sich \
                auf anderem Weg an, und sagen Sie es den Betreibern der Anwendung.",
    ),
    not_offered: "Diese Anmeldung wird nicht mehr angeboten. Melden Sie sich auf anderem Weg an.",
};
