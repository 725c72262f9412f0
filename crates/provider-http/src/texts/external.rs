//! The texts about identities at other providers.

use doorward_provider::use_case::external_sign_in::ExternalRefusal;

use super::{phrase::Phrase, replaced::replaceable};

replaceable! {
    /// Every text about identities at other providers in one language.
    #[derive(Debug)]
    pub(crate) struct ExternalTexts {
        /// Title of `/account/identities`, and what it is about.
        pub(crate) section: (&'static str, &'static str),
        /// When there are none.
        pub(crate) none: &'static str,
        /// What happens when one is removed.
        pub(crate) removal_effect: &'static str,
        /// Button. The argument is the title of the provider.
        pub(crate) link: Phrase,
        /// Button.
        pub(crate) remove: &'static str,
        /// Label of the button for screen readers. The argument is the title of the provider.
        pub(crate) remove_one: Phrase,
        /// An account by which nobody has signed in yet.
        pub(crate) never_used: &'static str,
        /// An account of a provider by which nobody signs in any more.
        pub(crate) not_offered: &'static str,
        /// The last way in can't be removed.
        pub(crate) last_way_in: &'static str,
        /// Title of `/account/external`. The argument is the title of the provider.
        pub(crate) new_here: Phrase,
        /// Who signed in there. The arguments are what the provider calls the user, and its title.
        pub(crate) signed_in_there: fn(Option<&str>, &str) -> String,
        /// Under it, where an account can be made.
        pub(crate) create_or_link: &'static str,
        /// Under it, where an account has the address.
        pub(crate) address_is_known: &'static str,
        /// Button.
        pub(crate) create: &'static str,
        /// Link to the login page.
        pub(crate) sign_in_to_link: &'static str,
        /// Button. The arguments are the title of the provider and the name of the user.
        pub(crate) link_with: Phrase,
        /// Why somebody is not signed in, or an account not linked. The second argument is the
        /// title of the provider.
        pub(crate) refused: fn(ExternalRefusal, &str) -> String,
    }
}

pub(super) const ENGLISH: ExternalTexts = ExternalTexts {
    section: ("Linked accounts", "Accounts at other services by which you sign in here."),
    none: "No account is linked.",
    removal_effect: "Whoever signed in here by an account is signed out when you remove it.",
    link: Phrase("Link {title}"),
    remove: "Remove",
    remove_one: Phrase("Remove {title}"),
    never_used: "not used yet",
    not_offered: "You can't sign in by this account at the moment: its service is not offered here \
        any more.",
    last_way_in: "Without this account you could not sign in any more. Set a password, add a \
        passkey or link another account first.",
    new_here: Phrase("Your account at {title} is not linked yet"),
    signed_in_there: |shown, title| match shown {
        Some(shown) => format!("You signed in at {title} as {shown}."),
        None => format!("You signed in at {title}."),
    },
    create_or_link: "Create an account here, or sign in with the account that you have, and link \
        the two.",
    address_is_known: "There is an account with your e-mail address here. If it is yours, sign in \
        to it, and link the two.",
    create: "Create an account",
    sign_in_to_link: "Sign in and link",
    link_with: Phrase("Link {title} with the account {username}"),
    refused: |refusal, title| match refusal {
        ExternalRefusal::NoIdentity => {
            format!(
                "{title} does not say who you are as it should. Tell whoever runs this service."
            )
        }
        ExternalRefusal::Disabled => {
            "Your account here is disabled. Ask whoever runs this service.".to_owned()
        }
        ExternalRefusal::NoAccount => format!(
            "No account here is linked with your account at {title}. Sign in here another way, and \
             link it on the page of your account, under “Linked accounts”."
        ),
        ExternalRefusal::NoInvitation => format!(
            "An account needs an invitation. Open the link of your invitation in this browser, and \
             choose {title} there. If you have an account here, sign in another way, and link it \
             on the page of your account."
        ),
        ExternalRefusal::OfAnother => format!(
            "Your account at {title} is linked with another account here. Sign in by it, and \
             remove it there first."
        ),
        ExternalRefusal::TooMany => {
            "You have linked as many accounts as you may. Remove one first.".to_owned()
        }
        ExternalRefusal::TooOften => format!(
            "Too many sign-ins by this account at {title} wait for a decision. Try again in ten \
             minutes."
        ),
        ExternalRefusal::OtherSession => {
            "You are not signed in as you were when this began. Begin again on the page of your \
             account."
                .to_owned()
        }
        ExternalRefusal::Expired => {
            "This took too long, or it is done already. Sign in again.".to_owned()
        }
    },
};

pub(super) const GERMAN: ExternalTexts = ExternalTexts {
    section: (
        "Verknüpfte Konten",
        "Konten bei anderen Diensten, mit denen Sie sich hier anmelden.",
    ),
    none: "Es ist kein Konto verknüpft.",
    removal_effect: "Wer sich mit einem Konto angemeldet hat, wird abgemeldet, wenn Sie es \
        entfernen.",
    link: Phrase("{title} verknüpfen"),
    remove: "Entfernen",
    remove_one: Phrase("{title} entfernen"),
    never_used: "noch nicht verwendet",
    not_offered: "Mit diesem Konto können Sie sich im Augenblick nicht anmelden: Der Dienst wird \
        hier nicht mehr angeboten.",
    last_way_in: "Ohne dieses Konto könnten Sie sich nicht mehr anmelden. Legen Sie zuerst ein \
        Passwort oder einen Passkey an, oder verknüpfen Sie ein anderes Konto.",
    new_here: Phrase("Ihr Konto bei {title} ist noch nicht verknüpft"),
    signed_in_there: |shown, title| match shown {
        Some(shown) => format!("Sie haben sich bei {title} als {shown} angemeldet."),
        None => format!("Sie haben sich bei {title} angemeldet."),
    },
    create_or_link: "Legen Sie hier ein Konto an, oder melden Sie sich mit Ihrem vorhandenen Konto \
        an und verknüpfen Sie die beiden.",
    address_is_known: "Es gibt hier ein Konto mit Ihrer E-Mail-Adresse. Wenn es Ihres ist, melden \
        Sie sich damit an und verknüpfen Sie die beiden.",
    create: "Konto anlegen",
    sign_in_to_link: "Anmelden und verknüpfen",
    link_with: Phrase("{title} mit dem Konto {username} verknüpfen"),
    refused: |refusal, title| match refusal {
        ExternalRefusal::NoIdentity => format!(
            "{title} sagt nicht so, wie es sein soll, wer Sie sind. Wenden Sie sich an den \
             Betreiber dieses Dienstes."
        ),
        ExternalRefusal::Disabled => {
            "Ihr Konto ist hier gesperrt. Wenden Sie sich an den Betreiber dieses Dienstes."
                .to_owned()
        }
        ExternalRefusal::NoAccount => format!(
            "Mit Ihrem Konto bei {title} ist hier kein Konto verknüpft. Melden Sie sich hier auf \
             andere Weise an und verknüpfen Sie es auf der Seite Ihres Kontos unter „Verknüpfte \
             Konten“."
        ),
        ExternalRefusal::NoInvitation => format!(
            "Für ein Konto brauchen Sie eine Einladung. Öffnen Sie den Link Ihrer Einladung in \
             diesem Browser und wählen Sie dort {title}. Wenn Sie hier ein Konto haben, melden Sie \
             sich auf andere Weise an und verknüpfen Sie es auf der Seite Ihres Kontos."
        ),
        ExternalRefusal::OfAnother => format!(
            "Ihr Konto bei {title} ist hier mit einem anderen Konto verknüpft. Melden Sie sich \
             damit an und entfernen Sie es dort zuerst."
        ),
        ExternalRefusal::TooMany => {
            "Sie haben so viele Konten verknüpft, wie erlaubt sind. Entfernen Sie zuerst eines."
                .to_owned()
        }
        ExternalRefusal::TooOften => format!(
            "Zu viele Anmeldungen mit diesem Konto bei {title} warten auf eine Entscheidung. \
             Versuchen Sie es in zehn Minuten noch einmal."
        ),
        ExternalRefusal::OtherSession => {
            "Sie sind nicht mehr so angemeldet wie zu Beginn. Beginnen Sie noch einmal auf der \
             Seite Ihres Kontos."
                .to_owned()
        }
        ExternalRefusal::Expired => {
            "Das hat zu lange gedauert oder ist schon erledigt. Melden Sie sich noch einmal an."
                .to_owned()
        }
    },
};
