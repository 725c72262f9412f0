//! The texts about sign-ins by a directory.

use doorward_provider::model::directory::AccountProblem;

use super::{phrase::Phrase, replaced::replaceable};

replaceable! {
    /// The texts about sign-ins by a directory in one language.
    #[derive(Debug)]
    pub(crate) struct DirectoryTexts {
        /// The account is disabled there.
        pub(crate) disabled: &'static str,
        /// The account was for a time that is over.
        pub(crate) expired: &'static str,
        /// The password is too old.
        pub(crate) password_expired: &'static str,
        /// The password must be changed first.
        pub(crate) must_change_password: &'static str,
        /// The user may not sign in at this time, or from here.
        pub(crate) not_now: &'static str,
        /// The directory does not answer.
        pub(crate) unavailable: &'static str,
        /// On the page of the password. The argument is the directory's title.
        pub(crate) password_is_there: Phrase,
        /// The directory does not take the new password.
        pub(crate) password_refused: &'static str,
        /// The title of the form for a password that must be changed before the sign-in.
        pub(crate) change_first: &'static str,
        /// What stands above that form.
        pub(crate) change_first_text: &'static str,
        /// The present password can be used: nothing was changed.
        pub(crate) no_change_needed: &'static str,
        /// The password is changed: title and text.
        pub(crate) password_changed: (&'static str, &'static str),
    }
}

impl DirectoryTexts {
    /// Why an account can't be used, whose password is right.
    pub(crate) fn account(&self, problem: AccountProblem) -> &'static str {
        match problem {
            AccountProblem::Disabled => self.disabled,
            AccountProblem::Expired => self.expired,
            AccountProblem::PasswordExpired => self.password_expired,
            AccountProblem::MustChangePassword => self.must_change_password,
            AccountProblem::NotNow => self.not_now,
        }
    }
}

pub(super) static ENGLISH: DirectoryTexts = DirectoryTexts {
    disabled: "Your account is disabled in your organisation's directory. Ask its administrators.",
    expired: "Your account in your organisation's directory has expired. Ask its administrators.",
    password_expired: "Your password has expired. Change it where your organisation lets you, then \
        sign in here again.",
    must_change_password: "You have to change your password first. Change it where your \
        organisation lets you, then sign in here again.",
    not_now: "Your organisation's directory does not let you sign in now, or from here. Ask its \
        administrators.",
    unavailable: "The directory that knows your password does not answer at the moment. Nothing is \
        wrong with your password: try again in a few minutes.",
    password_is_there: Phrase(
        "Your password is that of {title}. It can't be changed here: change it there.",
    ),
    password_refused: "The directory does not take this password. It may be too short or too \
        simple for its rules, one that you had before, or changed too soon after the last time.",
    change_first: "Change your password",
    change_first_text: "Your organisation's directory lets you in as soon as you have another \
        password. It is changed there, and so wherever you sign in with it.",
    no_change_needed: "Your password did not have to be changed, and is as before. Sign in with \
        it.",
    password_changed: (
        "Your password is changed",
        "It is changed in the directory, and so wherever you sign in with it. You are signed out \
         here. Sign in again with the new password.",
    ),
};

pub(super) static GERMAN: DirectoryTexts = DirectoryTexts {
    disabled: "Ihr Konto ist im Verzeichnis Ihrer Organisation gesperrt. Wenden Sie sich an deren \
        Administration.",
    expired: "Ihr Konto im Verzeichnis Ihrer Organisation ist abgelaufen. Wenden Sie sich an deren \
        Administration.",
    password_expired: "Ihr Passwort ist abgelaufen. Ändern Sie es dort, wo Ihre Organisation das \
        vorsieht, und melden Sie sich dann hier wieder an.",
    must_change_password: "Sie müssen zuerst Ihr Passwort ändern. Ändern Sie es dort, wo Ihre \
        Organisation das vorsieht, und melden Sie sich dann hier wieder an.",
    not_now: "Das Verzeichnis Ihrer Organisation lässt jetzt oder von hier keine Anmeldung zu. \
        Wenden Sie sich an deren Administration.",
    unavailable: "Das Verzeichnis, das Ihr Passwort kennt, antwortet im Augenblick nicht. Ihr \
        Passwort ist nicht das Problem: Versuchen Sie es in ein paar Minuten noch einmal.",
    password_is_there: Phrase(
        "Ihr Passwort ist das von {title}. Es lässt sich hier nicht ändern: Ändern Sie es dort.",
    ),
    password_refused: "Das Verzeichnis nimmt dieses Passwort nicht an. Es kann für dessen Regeln \
        zu kurz oder zu einfach sein, schon einmal Ihres gewesen sein, oder Sie haben es vor zu \
        kurzer Zeit geändert.",
    change_first: "Passwort ändern",
    change_first_text: "Das Verzeichnis Ihrer Organisation lässt Sie ein, sobald Sie ein anderes \
        Passwort haben. Es wird dort geändert, und damit überall, wo Sie sich damit anmelden.",
    no_change_needed: "Ihr Passwort musste nicht geändert werden und ist wie zuvor. Melden Sie \
        sich damit an.",
    password_changed: (
        "Ihr Passwort ist geändert",
        "Es ist im Verzeichnis geändert, und damit überall, wo Sie sich damit anmelden. Hier sind \
         Sie abgemeldet. Melden Sie sich mit dem neuen Passwort wieder an.",
    ),
};
