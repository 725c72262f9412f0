//! What the pages say about registration, invitations, links in mails and new passwords.

use doorward_provider::model::password_rules::{PasswordProblem, Weakness};

use super::{
    phrase::{Counted, Phrase},
    replaced::replaceable,
};

replaceable! {
    /// The texts of these pages in one language.
    #[derive(Debug)]
    pub(crate) struct AccountTexts {
        /// Link on the login page.
        pub(crate) forgot_password_link: &'static str,
        /// Link on the login page.
        pub(crate) create_account_link: &'static str,
        /// Title and heading.
        pub(crate) forgot_password: &'static str,
        /// Under the heading.
        pub(crate) forgot_password_lead: &'static str,
        /// Label.
        pub(crate) name_or_address: &'static str,
        /// Label.
        pub(crate) email: &'static str,
        /// Button.
        pub(crate) send_link: &'static str,
        /// Link.
        pub(crate) back_to_sign_in: &'static str,
        /// Title and heading.
        pub(crate) check_your_mail: &'static str,
        /// After a link to set another password was asked for. It does not say whether there is
        /// such a user.
        pub(crate) reset_link_sent: &'static str,
        /// After a link to register was asked for. It does not say whether the address is known.
        pub(crate) register_link_sent: &'static str,
        /// Under both.
        pub(crate) no_mail_hint: &'static str,
        /// Title and heading.
        pub(crate) set_new_password: &'static str,
        /// Label.
        pub(crate) new_password: &'static str,
        /// Label.
        pub(crate) repeat_password: &'static str,
        /// Under the field. The argument is the number of characters.
        pub(crate) password_hint: Phrase,
        /// Button.
        pub(crate) save_password: &'static str,
        /// Title, heading and what happened.
        pub(crate) password_was_set: (&'static str, &'static str),
        /// Title, heading, and what to do.
        pub(crate) link_is_used: (&'static str, &'static str),
        /// Button on that page.
        pub(crate) ask_for_new_link: &'static str,
        /// What to do with an invitation that works no longer.
        pub(crate) invitation_is_used: &'static str,
        /// Title and heading.
        pub(crate) create_account: &'static str,
        /// Under the heading.
        pub(crate) create_account_lead: &'static str,
        /// Before the link to the login page.
        pub(crate) have_an_account: &'static str,
        /// Title and heading of the second page of a registration.
        pub(crate) finish_account: &'static str,
        /// Under that heading. The argument is the address.
        pub(crate) address_is_confirmed: Phrase,
        /// Title and heading of an invitation.
        pub(crate) you_are_invited: &'static str,
        /// Under that heading. The argument is the address.
        pub(crate) invited_as: Phrase,
        /// Label.
        pub(crate) full_name: &'static str,
        /// Beside the label of a field that may stay empty.
        pub(crate) optional: &'static str,
        /// Title and heading.
        pub(crate) confirm_address: &'static str,
        /// The question. The arguments are the address and the user name.
        pub(crate) confirm_address_of: Phrase,
        /// Button.
        pub(crate) confirm: &'static str,
        /// When another or no user is signed in. The argument is the user name.
        pub(crate) sign_in_to_confirm: Phrase,
        /// Title, and what happened.
        pub(crate) address_was_confirmed: (&'static str, &'static str),
        /// A field was left empty.
        pub(crate) enter_name_or_address: &'static str,
        /// What was typed is not an address.
        pub(crate) not_an_address: &'static str,
        /// The operator allows some domains only.
        pub(crate) foreign_domain: &'static str,
        /// Too many links were asked for. The argument is the wait in seconds.
        pub(crate) links_throttled: Counted,
        /// The user name can't be one.
        pub(crate) unusable_name: &'static str,
        /// Another user has it.
        pub(crate) name_taken: &'static str,
        /// The two fields differ.
        pub(crate) passwords_differ: &'static str,
        /// Why a password is not accepted, and what to do.
        pub(crate) password_problem: fn(PasswordProblem) -> String,
        /// A link was asked for in another browser. The argument is that browser, if it is known.
        pub(crate) asked_elsewhere: fn(Option<&str>) -> String,
        /// Label of the checkbox under it.
        pub(crate) i_asked: &'static str,
        /// The box was not ticked.
        pub(crate) say_that_you_asked: &'static str,
        /// Above the factors that an account has after its password was replaced.
        pub(crate) these_stay: &'static str,
        /// Under them.
        pub(crate) remove_what_is_not_yours: &'static str,
    }
}

/// Every text in English.
pub(super) const ENGLISH: AccountTexts = AccountTexts {
    forgot_password_link: "Forgot password?",
    create_account_link: "Create an account",
    forgot_password: "Forgot your password?",
    forgot_password_lead: "We send you a link by e-mail with which you set a new one.",
    name_or_address: "User name or e-mail address",
    email: "E-mail address",
    send_link: "Send the link",
    back_to_sign_in: "Back to sign-in",
    check_your_mail: "Check your mail",
    reset_link_sent: "If there is an account with this name or address, we have sent a link to the \
        address of the account. It works once, and only for some minutes.",
    register_link_sent: "We have sent a mail to this address. Open the link in it to go on. It \
        works once, and only for a short time.",
    no_mail_hint: "No mail after some minutes? Look among the unwanted messages, and check how you \
        wrote the name or address.",
    set_new_password: "Set a new password",
    new_password: "New password",
    repeat_password: "Repeat the password",
    password_hint: Phrase(
        "At least {least} characters. A few words that do not belong together are good.",
    ),
    save_password: "Save the password",
    password_was_set: (
        "Your password is changed",
        "You are signed out everywhere. Sign in with the new password.",
    ),
    link_is_used: (
        "This link does not work any more",
        "It was used, or it is too old. Ask for another one; only the latest mail counts.",
    ),
    ask_for_new_link: "Ask for another link",
    invitation_is_used: "It was used, or it is too old. Ask whoever invited you for another one.",
    create_account: "Create an account",
    create_account_lead: "We send you a link by e-mail to show that the address is yours.",
    have_an_account: "You have an account?",
    finish_account: "Almost done",
    address_is_confirmed: Phrase("{email} is confirmed. Choose how you will sign in."),
    you_are_invited: "You are invited",
    invited_as: Phrase("Your account will have the address {email}."),
    full_name: "Full name",
    optional: "optional",
    confirm_address: "Confirm your e-mail address",
    confirm_address_of: Phrase("Shall {email} be the address of your account {username}?"),
    confirm: "Confirm",
    sign_in_to_confirm: Phrase(
        "Sign in as {username} first, and then open the link in the mail again.",
    ),
    address_was_confirmed: (
        "Your address is confirmed",
        "From now on, mail about your account goes to it.",
    ),
    enter_name_or_address: "Enter your user name or your e-mail address.",
    not_an_address: "This is not an e-mail address. It looks like name@example.com.",
    foreign_domain: "Addresses of this domain can't register here. Use the address of your \
        organisation.",
    links_throttled: Counted {
        one: "Too many links were asked for from here. Try again in 1 second.",
        other: Phrase("Too many links were asked for from here. Try again in {seconds} seconds."),
    },
    unusable_name: "Choose a user name of at most 255 letters, digits and signs, without @.",
    name_taken: "Somebody else has this user name. Choose another one.",
    passwords_differ: "The two passwords are not the same. Type them once more.",
    password_problem: english_problem,
    asked_elsewhere: |browser| {
        let browser = browser.map(|browser| format!(" ({browser})")).unwrap_or_default();
        format!(
            "This link was asked for in another browser{browser}. If that was not you, close this \
             page: somebody else may want to get at your account."
        )
    },
    i_asked: "I asked for this link",
    say_that_you_asked: "Tick the box if you asked for this link. If not, close this page.",
    these_stay: "These sign in, too:",
    remove_what_is_not_yours: "If one of them is not yours, sign in and remove it on the page of \
        your account.",
};

fn english_problem(problem: PasswordProblem) -> String {
    let weakness = match problem {
        PasswordProblem::TooShort(least) => {
            return format!("This password is too short. Use at least {least} characters.");
        }
        PasswordProblem::TooLong => return "This password is too long.".to_owned(),
        PasswordProblem::Breached => {
            return "This password was published after a break-in elsewhere. Choose another one, \
                    and change it wherever you use it."
                .to_owned();
        }
        PasswordProblem::Guessable(weakness) => weakness,
    };
    let reason = match weakness {
        Weakness::Personal => "It contains your name or your address.",
        Weakness::Common => "It is much like a password that many people use.",
        Weakness::Keys => "Rows of neighbouring keys are tried first.",
        Weakness::Repeated => "To repeat something hardly helps.",
        Weakness::Sequence => "Sequences such as abc or 6543 are tried first.",
        Weakness::Date => "Dates and years are tried first.",
        Weakness::Word => "Names and single words are tried first.",
        Weakness::Other => "It is made of parts that are tried first.",
    };
    format!(
        "This password is easy to guess. {reason} Add one or two words that do not belong together."
    )
}

/// Every text in German.
pub(super) const GERMAN: AccountTexts = AccountTexts {
    forgot_password_link: "Passwort vergessen?",
    create_account_link: "Konto anlegen",
    forgot_password: "Passwort vergessen?",
    forgot_password_lead: "Wir schicken Ihnen einen Link per E-Mail, mit dem Sie ein neues setzen.",
    name_or_address: "Benutzername oder E-Mail-Adresse",
    email: "E-Mail-Adresse",
    send_link: "Link schicken",
    back_to_sign_in: "Zurück zur Anmeldung",
    check_your_mail: "Sehen Sie in Ihre E-Mails",
    reset_link_sent: "Wenn es ein Konto mit diesem Namen oder dieser Adresse gibt, haben wir einen \
        Link an die Adresse des Kontos geschickt. Er gilt einmal und nur einige Minuten.",
    register_link_sent: "Wir haben eine E-Mail an diese Adresse geschickt. Öffnen Sie den Link \
        darin, um fortzufahren. Er gilt einmal und nur kurze Zeit.",
    no_mail_hint: "Nach einigen Minuten keine E-Mail? Sehen Sie bei den unerwünschten Nachrichten \
        nach, und prüfen Sie, wie Sie Namen oder Adresse geschrieben haben.",
    set_new_password: "Neues Passwort setzen",
    new_password: "Neues Passwort",
    repeat_password: "Passwort wiederholen",
    password_hint: Phrase(
        "Mindestens {least} Zeichen. Gut sind einige Wörter, die nichts miteinander zu tun \
             haben.",
    ),
    save_password: "Passwort speichern",
    password_was_set: (
        "Ihr Passwort ist geändert",
        "Sie sind überall abgemeldet. Melden Sie sich mit dem neuen Passwort an.",
    ),
    link_is_used: (
        "Dieser Link gilt nicht mehr",
        "Er wurde benutzt oder ist zu alt. Fordern Sie einen neuen an; nur die letzte E-Mail gilt.",
    ),
    ask_for_new_link: "Neuen Link anfordern",
    invitation_is_used: "Sie wurde benutzt oder ist zu alt. Bitten Sie um eine neue Einladung.",
    create_account: "Konto anlegen",
    create_account_lead: "Wir schicken Ihnen einen Link per E-Mail, um zu sehen, dass die Adresse \
        Ihnen gehört.",
    have_an_account: "Sie haben ein Konto?",
    finish_account: "Fast fertig",
    address_is_confirmed: Phrase(
        "{email} ist bestätigt. Wählen Sie, wie Sie sich anmelden werden.",
    ),
    you_are_invited: "Sie sind eingeladen",
    invited_as: Phrase("Ihr Konto wird die Adresse {email} haben."),
    full_name: "Vor- und Nachname",
    optional: "freiwillig",
    confirm_address: "E-Mail-Adresse bestätigen",
    confirm_address_of: Phrase("Soll {email} die Adresse Ihres Kontos {username} sein?"),
    confirm: "Bestätigen",
    sign_in_to_confirm: Phrase(
        "Melden Sie sich zuerst als {username} an, und öffnen Sie dann den Link in der E-Mail \
             noch einmal.",
    ),
    address_was_confirmed: (
        "Ihre Adresse ist bestätigt",
        "Von jetzt an gehen E-Mails zu Ihrem Konto dorthin.",
    ),
    enter_name_or_address: "Geben Sie Ihren Benutzernamen oder Ihre E-Mail-Adresse ein.",
    not_an_address: "Das ist keine E-Mail-Adresse. Sie sieht aus wie name@example.com.",
    foreign_domain: "Mit Adressen dieser Domain kann man sich hier nicht registrieren. Nehmen Sie \
        die Adresse Ihrer Organisation.",
    links_throttled: Counted {
        one: "Von hier aus wurden zu viele Links angefordert. Versuchen Sie es in 1 Sekunde noch \
            einmal.",
        other: Phrase(
            "Von hier aus wurden zu viele Links angefordert. Versuchen Sie es in {seconds} \
             Sekunden noch einmal.",
        ),
    },
    unusable_name: "Wählen Sie einen Benutzernamen aus höchstens 255 Buchstaben, Ziffern und \
        Zeichen, ohne @.",
    name_taken: "Diesen Benutzernamen hat schon jemand. Wählen Sie einen anderen.",
    passwords_differ: "Die beiden Passwörter sind nicht gleich. Geben Sie sie noch einmal ein.",
    password_problem: german_problem,
    asked_elsewhere: |browser| {
        let browser = browser.map(|browser| format!(" ({browser})")).unwrap_or_default();
        format!(
            "Dieser Link wurde in einem anderen Browser angefordert{browser}. Waren Sie das nicht, \
             schließen Sie diese Seite: Jemand anders will vielleicht an Ihr Konto."
        )
    },
    i_asked: "Ich habe diesen Link angefordert",
    say_that_you_asked: "Kreuzen Sie das Kästchen an, wenn Sie diesen Link angefordert haben. Wenn \
        nicht, schließen Sie diese Seite.",
    these_stay: "Auch damit kann man sich anmelden:",
    remove_what_is_not_yours: "Ist etwas davon nicht von Ihnen, melden Sie sich an und entfernen \
        Sie es auf der Seite Ihres Kontos.",
};

fn german_problem(problem: PasswordProblem) -> String {
    let weakness = match problem {
        PasswordProblem::TooShort(least) => {
            return format!("Dieses Passwort ist zu kurz. Nehmen Sie mindestens {least} Zeichen.");
        }
        PasswordProblem::TooLong => return "Dieses Passwort ist zu lang.".to_owned(),
        PasswordProblem::Breached => {
            return "Dieses Passwort wurde nach einem Einbruch anderswo veröffentlicht. Wählen Sie \
                    ein anderes, und ändern Sie es überall, wo Sie es benutzen."
                .to_owned();
        }
        PasswordProblem::Guessable(weakness) => weakness,
    };
    let reason = match weakness {
        Weakness::Personal => "Es enthält Ihren Namen oder Ihre Adresse.",
        Weakness::Common => "Es gleicht einem Passwort, das viele benutzen.",
        Weakness::Keys => "Reihen benachbarter Tasten werden zuerst versucht.",
        Weakness::Repeated => "Etwas zu wiederholen hilft kaum.",
        Weakness::Sequence => "Folgen wie abc oder 6543 werden zuerst versucht.",
        Weakness::Date => "Daten und Jahre werden zuerst versucht.",
        Weakness::Word => "Namen und einzelne Wörter werden zuerst versucht.",
        Weakness::Other => "Es besteht aus Teilen, die zuerst versucht werden.",
    };
    format!(
        "Dieses Passwort ist leicht zu erraten. {reason} Fügen Sie ein oder zwei Wörter hinzu, die \
         nichts damit zu tun haben."
    )
}
