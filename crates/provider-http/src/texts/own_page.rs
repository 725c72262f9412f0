//! The texts of `/account` and its sections.

use doorward_provider::model::account_event::AccountEventKind;

use super::{phrase::Phrase, replaced::replaceable};

replaceable! {
    /// The texts of the user's own page in one language.
    #[derive(Debug)]
    pub(crate) struct OwnPageTexts {
        /// Title of the index, and the link to it.
        pub(crate) title: &'static str,
        /// Before the user's name.
        pub(crate) account_of: &'static str,
        /// Back to the index.
        pub(crate) back: &'static str,
        /// Button.
        pub(crate) save: &'static str,
        /// After a change.
        pub(crate) saved: &'static str,
        /// Title of the section, and what it is about.
        pub(crate) profile: (&'static str, &'static str),
        /// The same.
        pub(crate) email: (&'static str, &'static str),
        /// The same.
        pub(crate) confirm_email: (&'static str, &'static str),
        /// The same.
        pub(crate) password: (&'static str, &'static str),
        /// The same.
        pub(crate) passkeys: (&'static str, &'static str),
        /// The same.
        pub(crate) authenticator: (&'static str, &'static str),
        /// The same.
        pub(crate) recovery_codes: (&'static str, &'static str),
        /// The same.
        pub(crate) sessions: (&'static str, &'static str),
        /// The same.
        pub(crate) applications: (&'static str, &'static str),
        /// The same.
        pub(crate) activity: (&'static str, &'static str),
        /// The same.
        pub(crate) data: (&'static str, &'static str),
        /// The same.
        pub(crate) delete: (&'static str, &'static str),
        /// Label of a claim that can be edited, by its name.
        pub(crate) claim: fn(&str) -> &'static str,
        /// How a claim is written, if that is not plain, by its name.
        pub(crate) claim_hint: fn(&str) -> Option<&'static str>,
        /// What is not accepted for a claim. The argument is its label.
        pub(crate) claim_refused: Phrase,
        /// Where nothing can be edited.
        pub(crate) nothing_to_edit: &'static str,
        /// Someone else has changed the user at the same time.
        pub(crate) changed_meanwhile: &'static str,
        /// Before the address.
        pub(crate) present_email: &'static str,
        /// When there is none.
        pub(crate) no_email: &'static str,
        /// Beside an address.
        pub(crate) confirmed: &'static str,
        /// Beside an address.
        pub(crate) not_confirmed: &'static str,
        /// Label.
        pub(crate) new_email: &'static str,
        /// Button.
        pub(crate) send_link: &'static str,
        /// After a link was asked for. The argument is the address.
        pub(crate) link_sent: Phrase,
        /// What comes of the confirmation.
        pub(crate) confirmation_effect: &'static str,
        /// After the link for it was asked for. The argument is the address.
        pub(crate) confirmation_sent: Phrase,
        /// Link to the page for forgotten passwords, for users who have none.
        pub(crate) password_by_mail: &'static str,
        /// Label.
        pub(crate) present_password: &'static str,
        /// What happens.
        pub(crate) password_effect: &'static str,
        /// Button.
        pub(crate) change_password: &'static str,
        /// The present password is wrong.
        pub(crate) present_password_wrong: &'static str,
        /// After the change.
        pub(crate) password_changed: &'static str,
        /// Button.
        pub(crate) remove_password: &'static str,
        /// Above it.
        pub(crate) remove_password_effect: &'static str,
        /// Without it, the user could not sign in.
        pub(crate) password_is_needed: &'static str,
        /// Title and text after the removal.
        pub(crate) password_removed: (&'static str, &'static str),
        /// Button.
        pub(crate) end_all_others: &'static str,
        /// Where there is only this session.
        pub(crate) no_other_session: &'static str,
        /// What happened to the account.
        pub(crate) event: fn(AccountEventKind) -> &'static str,
        /// When there are no events.
        pub(crate) nothing_happened: &'static str,
        /// Link to the next page.
        pub(crate) older: &'static str,
        /// What to do if something was not oneself.
        pub(crate) not_you: &'static str,
        /// What the file has.
        pub(crate) data_explanation: &'static str,
        /// Button.
        pub(crate) download: &'static str,
        /// What deletion means.
        pub(crate) delete_explanation: &'static str,
        /// Label of a checkbox.
        pub(crate) delete_sure: &'static str,
        /// Button.
        pub(crate) delete_account: &'static str,
        /// The box was not ticked.
        pub(crate) tick_the_box: &'static str,
        /// The user is the last owner of the administration.
        pub(crate) last_owner: &'static str,
        /// Title and text after the deletion.
        pub(crate) deleted: (&'static str, &'static str),
    }
}

pub(super) const ENGLISH: OwnPageTexts = OwnPageTexts {
    title: "Your account",
    account_of: "You are signed in as",
    back: "Back to your account",
    save: "Save",
    saved: "Your changes are saved.",
    profile: ("Profile", "Your name and what else applications may learn about you"),
    email: ("E-mail address", "Where mail about your account goes"),
    confirm_email: ("Confirm your address", "Then you can set a password by mail"),
    password: ("Password", "Set another password"),
    passkeys: ("Passkeys", "Sign in by fingerprint, face or a key, without a password"),
    authenticator: ("Authenticator app", "Codes as a second step after the password"),
    recovery_codes: ("Recovery codes", "For the day on which the app is lost"),
    sessions: ("Sessions", "The browsers in which you are signed in"),
    applications: ("Applications", "Who has access to your data"),
    activity: ("Activity", "What happened to your account lately"),
    data: ("Your data", "Download what is stored about you"),
    delete: ("Delete account", "Remove your account and everything about you"),
    claim: |name| match name {
        "name" => "Full name",
        "given_name" => "First name",
        "family_name" => "Last name",
        "middle_name" => "Middle name",
        "nickname" => "Nickname",
        "profile" => "Profile page",
        "picture" => "Picture",
        "website" => "Website",
        "gender" => "Gender",
        "birthdate" => "Date of birth",
        "zoneinfo" => "Time zone",
        "locale" => "Language",
        _ => "Other",
    },
    claim_hint: |name| match name {
        "profile" | "picture" | "website" => Some("An address that begins with https://"),
        "birthdate" => Some("As 1990-12-31"),
        "zoneinfo" => Some("As Europe/Berlin"),
        "locale" => Some("As en or de-AT"),
        _ => None,
    },
    claim_refused: Phrase("{label}: this can't be read. Look at the example below it."),
    nothing_to_edit: "Nothing here can be changed by yourself. Ask the people who run this \
        service.",
    changed_meanwhile: "Your account was changed at the same time. Look at it and try again.",
    present_email: "Your address",
    no_email: "Your account has no e-mail address.",
    confirmed: "confirmed",
    not_confirmed: "not confirmed",
    new_email: "New e-mail address",
    send_link: "Send the link",
    link_sent: Phrase(
        "A message with a link is on its way to {address}. Open the link to confirm the \
             address. Until then the old one stays.",
    ),
    confirmation_effect: "We send a link to your address. Open it in this browser. From then on, \
        you get a link to set a password by “Forgot password?”. Whoever has signed in with a \
        password can change everything about the account.",
    confirmation_sent: Phrase(
        "A message with a link is on its way to {address}. Open the link in this browser.",
    ),
    password_by_mail: "Set a password by mail",
    present_password: "Present password",
    password_effect: "You are signed out everywhere else, and applications lose their access until \
        you sign in there again.",
    change_password: "Change the password",
    present_password_wrong: "The present password is wrong.",
    password_changed: "Your password is changed. You are signed out everywhere else.",
    remove_password: "Remove the password",
    remove_password_effect: "You have other ways to sign in, so you can do without a password. All \
        sessions end, and you sign in with your passkey.",
    password_is_needed: "The password is needed. Add another passkey, or make recovery codes, \
        first.",
    password_removed: (
        "The password is removed",
        "You are signed out everywhere. Sign in with your passkey.",
    ),
    end_all_others: "Sign out everywhere else",
    no_other_session: "You are signed in here only.",
    event: |kind| match kind {
        AccountEventKind::Registered => "You registered",
        AccountEventKind::SignedIn => "Sign-in",
        AccountEventKind::SignedInFromNewDevice => "Sign-in with a new browser",
        AccountEventKind::SessionEnded => "Session ended",
        AccountEventKind::PasswordChanged => "Password changed",
        AccountEventKind::PasswordSetByAdministrator => "Password set by an administrator",
        AccountEventKind::PasswordRemoved => "Password removed",
        AccountEventKind::PasswordReset => "Forgotten password replaced",
        AccountEventKind::EmailChanged => "E-mail address changed",
        AccountEventKind::EmailSetByAdministrator => "E-mail address set by an administrator",
        AccountEventKind::ProfileChanged => "Profile changed",
        AccountEventKind::AccessRevoked => "Access taken back",
        AccountEventKind::FactorAdded => "Way to sign in added",
        AccountEventKind::FactorRemoved => "Way to sign in removed",
        AccountEventKind::FactorsReset => "Second factors removed by an administrator",
        AccountEventKind::IdentityLinked => "Account at another service linked",
        AccountEventKind::IdentityUnlinked => "Account at another service removed",
        AccountEventKind::RecoveryCodesMade => "New recovery codes made",
        AccountEventKind::RecoveryCodeUsed => "Recovery code used",
        AccountEventKind::PasswordGuessed => "Many wrong passwords",
        AccountEventKind::DataDownloaded => "Data downloaded",
    },
    nothing_happened: "Nothing has happened lately.",
    older: "Older",
    not_you: "If something here was not you, change your password.",
    data_explanation: "The file has your profile, your ways to sign in, your sessions, the \
        applications with access and what happened to your account. Passwords and keys are not in \
        it.",
    download: "Download as JSON",
    delete_explanation: "Your account is removed with your profile, your sessions and the access \
        of all applications. This can't be undone. What applications have stored themselves is \
        theirs to delete.",
    delete_sure: "Yes, delete my account for good",
    delete_account: "Delete the account",
    tick_the_box: "Tick the box if you are sure.",
    last_owner: "You are the last owner of this service. Make somebody else an owner first.",
    deleted: ("Your account is deleted", "Nothing about you is stored here any more."),
};

pub(super) const GERMAN: OwnPageTexts = OwnPageTexts {
    title: "Ihr Konto",
    account_of: "Sie sind angemeldet als",
    back: "Zurück zu Ihrem Konto",
    save: "Speichern",
    saved: "Ihre Änderungen sind gespeichert.",
    profile: ("Profil", "Ihr Name und was Anwendungen sonst über Sie erfahren dürfen"),
    email: ("E-Mail-Adresse", "Wohin E-Mails zu Ihrem Konto gehen"),
    confirm_email: ("Adresse bestätigen", "Dann können Sie per E-Mail ein Passwort setzen"),
    password: ("Passwort", "Ein anderes Passwort setzen"),
    passkeys: ("Passkeys", "Mit Fingerabdruck, Gesicht oder Schlüssel anmelden, ohne Passwort"),
    authenticator: ("Authenticator-App", "Codes als zweiter Schritt nach dem Passwort"),
    recovery_codes: ("Wiederherstellungscodes", "Für den Tag, an dem die App verloren ist"),
    sessions: ("Sitzungen", "Die Browser, in denen Sie angemeldet sind"),
    applications: ("Anwendungen", "Wer Zugriff auf Ihre Daten hat"),
    activity: ("Aktivität", "Was mit Ihrem Konto zuletzt geschehen ist"),
    data: ("Ihre Daten", "Herunterladen, was über Sie gespeichert ist"),
    delete: ("Konto löschen", "Ihr Konto und alles über Sie entfernen"),
    claim: |name| match name {
        "name" => "Voller Name",
        "given_name" => "Vorname",
        "family_name" => "Nachname",
        "middle_name" => "Zweiter Vorname",
        "nickname" => "Spitzname",
        "profile" => "Profilseite",
        "picture" => "Bild",
        "website" => "Webseite",
        "gender" => "Geschlecht",
        "birthdate" => "Geburtsdatum",
        "zoneinfo" => "Zeitzone",
        "locale" => "Sprache",
        _ => "Sonstiges",
    },
    claim_hint: |name| match name {
        "profile" | "picture" | "website" => Some("Eine Adresse, die mit https:// beginnt"),
        "birthdate" => Some("Wie 1990-12-31"),
        "zoneinfo" => Some("Wie Europe/Berlin"),
        "locale" => Some("Wie de oder en-GB"),
        _ => None,
    },
    claim_refused: Phrase(
        "{label}: Das ist nicht lesbar. Das Beispiel darunter zeigt, wie es geht.",
    ),
    nothing_to_edit: "Hier können Sie selbst nichts ändern. Wenden Sie sich an die Betreiber \
        dieses Dienstes.",
    changed_meanwhile: "Ihr Konto wurde gleichzeitig geändert. Sehen Sie es an und versuchen Sie \
        es noch einmal.",
    present_email: "Ihre Adresse",
    no_email: "Ihr Konto hat keine E-Mail-Adresse.",
    confirmed: "bestätigt",
    not_confirmed: "nicht bestätigt",
    new_email: "Neue E-Mail-Adresse",
    send_link: "Link senden",
    link_sent: Phrase(
        "Eine E-Mail mit einem Link ist unterwegs zu {address}. Öffnen Sie den Link, um die \
             Adresse zu bestätigen. Bis dahin bleibt die alte.",
    ),
    confirmation_effect: "Wir schicken einen Link an Ihre Adresse. Öffnen Sie ihn in diesem \
        Browser. Von da an bekommen Sie über „Passwort vergessen?“ einen Link, um ein Passwort zu \
        setzen. Wer sich mit einem Passwort angemeldet hat, kann alles am Konto ändern.",
    confirmation_sent: Phrase(
        "Eine E-Mail mit einem Link ist unterwegs zu {address}. Öffnen Sie den Link in diesem \
             Browser.",
    ),
    password_by_mail: "Passwort per E-Mail setzen",
    present_password: "Jetziges Passwort",
    password_effect: "Sie werden überall sonst abgemeldet, und Anwendungen verlieren ihren \
        Zugriff, bis Sie sich dort wieder anmelden.",
    change_password: "Passwort ändern",
    present_password_wrong: "Das jetzige Passwort ist falsch.",
    password_changed: "Ihr Passwort ist geändert. Sie sind überall sonst abgemeldet.",
    remove_password: "Das Passwort entfernen",
    remove_password_effect: "Sie können sich auch anders anmelden und kommen ohne Passwort aus. \
        Alle Sitzungen enden, und Sie melden sich mit Ihrem Passkey an.",
    password_is_needed: "Das Passwort wird gebraucht: Legen Sie zuerst einen weiteren Passkey oder \
        Wiederherstellungscodes an.",
    password_removed: (
        "Das Passwort ist entfernt",
        "Sie sind überall abgemeldet. Melden Sie sich mit Ihrem Passkey an.",
    ),
    end_all_others: "Überall sonst abmelden",
    no_other_session: "Sie sind nur hier angemeldet.",
    event: |kind| match kind {
        AccountEventKind::Registered => "Registrierung",
        AccountEventKind::SignedIn => "Anmeldung",
        AccountEventKind::SignedInFromNewDevice => "Anmeldung mit einem neuen Browser",
        AccountEventKind::SessionEnded => "Sitzung beendet",
        AccountEventKind::PasswordChanged => "Passwort geändert",
        AccountEventKind::PasswordSetByAdministrator => "Passwort von der Verwaltung gesetzt",
        AccountEventKind::PasswordRemoved => "Passwort entfernt",
        AccountEventKind::PasswordReset => "Vergessenes Passwort ersetzt",
        AccountEventKind::EmailChanged => "E-Mail-Adresse geändert",
        AccountEventKind::EmailSetByAdministrator => "E-Mail-Adresse von der Verwaltung gesetzt",
        AccountEventKind::ProfileChanged => "Profil geändert",
        AccountEventKind::AccessRevoked => "Zugriff zurückgenommen",
        AccountEventKind::FactorAdded => "Anmeldemöglichkeit hinzugefügt",
        AccountEventKind::FactorRemoved => "Anmeldemöglichkeit entfernt",
        AccountEventKind::FactorsReset => "Zweite Faktoren von der Verwaltung entfernt",
        AccountEventKind::IdentityLinked => "Konto bei einem anderen Dienst verknüpft",
        AccountEventKind::IdentityUnlinked => "Konto bei einem anderen Dienst entfernt",
        AccountEventKind::RecoveryCodesMade => "Neue Wiederherstellungscodes erzeugt",
        AccountEventKind::RecoveryCodeUsed => "Wiederherstellungscode benutzt",
        AccountEventKind::PasswordGuessed => "Viele falsche Passwörter",
        AccountEventKind::DataDownloaded => "Daten heruntergeladen",
    },
    nothing_happened: "Zuletzt ist nichts geschehen.",
    older: "Ältere",
    not_you: "Wenn etwas davon nicht von Ihnen war, ändern Sie Ihr Passwort.",
    data_explanation: "Die Datei enthält Ihr Profil, Ihre Anmeldemöglichkeiten, Ihre Sitzungen, \
        die Anwendungen mit Zugriff und was mit Ihrem Konto geschehen ist. Passwörter und \
        Schlüssel sind nicht darin.",
    download: "Als JSON herunterladen",
    delete_explanation: "Ihr Konto wird mit Profil, Sitzungen und dem Zugriff aller Anwendungen \
        entfernt. Das lässt sich nicht rückgängig machen. Was Anwendungen selbst gespeichert \
        haben, müssen sie selbst löschen.",
    delete_sure: "Ja, mein Konto endgültig löschen",
    delete_account: "Konto löschen",
    tick_the_box: "Setzen Sie das Häkchen, wenn Sie sicher sind.",
    last_owner: "Sie sind der letzte Inhaber dieses Dienstes. Machen Sie erst jemand anderen dazu.",
    deleted: ("Ihr Konto ist gelöscht", "Hier ist nichts mehr über Sie gespeichert."),
};
