//! The texts about second factors.

use super::{
    phrase::{Counted, Phrase},
    replaced::replaceable,
};

replaceable! {
    /// Every text about second factors in one language.
    #[derive(Debug)]
    pub(crate) struct FactorTexts {
        /// Title of `/account/second-step`.
        pub(crate) second_step: &'static str,
        /// Under the title. The argument is the user's name.
        pub(crate) signing_in_as: Phrase,
        /// After it.
        pub(crate) enter_code_of_app: &'static str,
        /// After it, where a recovery code was the first step.
        pub(crate) enter_code_of_app_too: &'static str,
        /// After it.
        pub(crate) enter_recovery_code: &'static str,
        /// Label.
        pub(crate) code_of_app: &'static str,
        /// Label.
        pub(crate) recovery_code: &'static str,
        /// Label. The argument is the number of days.
        pub(crate) remember_browser: Counted,
        /// Button.
        pub(crate) confirm: &'static str,
        /// Link.
        pub(crate) use_recovery_code: &'static str,
        /// Link.
        pub(crate) use_app: &'static str,
        /// Link to the login page.
        pub(crate) begin_again: &'static str,
        /// The code of the app is wrong.
        pub(crate) wrong_code: &'static str,
        /// The code of the app is wrong, where a recovery code was the first step.
        pub(crate) wrong_code_after_code: &'static str,
        /// The recovery code is wrong.
        pub(crate) wrong_recovery_code: &'static str,
        /// The code of an app that is being set up is wrong.
        pub(crate) wrong_code_set_up: &'static str,
        /// Too many codes were wrong. The argument is the wait in seconds.
        pub(crate) codes_throttled: Counted,
        /// Far too many codes were wrong.
        pub(crate) codes_locked: &'static str,
        /// Title of `/account/authenticator`.
        pub(crate) authenticator_app: &'static str,
        /// Under the title.
        pub(crate) app_is_for: &'static str,
        /// Before a timestamp.
        pub(crate) app_in_use_since: &'static str,
        /// Button and title.
        pub(crate) set_up_app: &'static str,
        /// Button.
        pub(crate) use_another_app: &'static str,
        /// Button.
        pub(crate) remove_app: &'static str,
        /// Under the title.
        pub(crate) set_up_lead: &'static str,
        /// Under the title, where a second factor is required.
        pub(crate) must_set_up: &'static str,
        /// The same, where a passkey does as well.
        pub(crate) must_set_up_either: &'static str,
        /// Before the QR code.
        pub(crate) scan_this: &'static str,
        /// Label of the QR code.
        pub(crate) qr_code: &'static str,
        /// Opens the secret as text.
        pub(crate) or_type_secret: &'static str,
        /// Title of `/account/recovery-codes`, and links to it.
        pub(crate) recovery_codes: &'static str,
        /// Under the title.
        pub(crate) recovery_codes_are_for: &'static str,
        /// How many are left.
        pub(crate) recovery_codes_left: fn(u32) -> String,
        /// Button.
        pub(crate) make_new_codes: &'static str,
        /// Under the button.
        pub(crate) old_codes_end: &'static str,
        /// Title of the page that shows new codes.
        pub(crate) keep_these_codes: &'static str,
        /// Above the codes.
        pub(crate) shown_once: &'static str,
        /// One of them, before its name.
        pub(crate) passkey: &'static str,
        /// Title of `/account/passkeys`, and links to it.
        pub(crate) passkeys: &'static str,
        /// Under the title.
        pub(crate) passkeys_are_for: &'static str,
        /// When there are none.
        pub(crate) no_passkeys: &'static str,
        /// Label.
        pub(crate) passkey_name: &'static str,
        /// Button.
        pub(crate) add_passkey: &'static str,
        /// Button.
        pub(crate) remove: &'static str,
        /// Beside a passkey.
        pub(crate) copied_between_devices: &'static str,
        /// Beside a passkey.
        pub(crate) on_one_device: &'static str,
        /// After a timestamp.
        pub(crate) never_used: &'static str,
        /// Where scripts are off.
        pub(crate) passkeys_need_script: &'static str,
        /// The dialog of the browser was closed.
        pub(crate) passkey_cancelled: &'static str,
        /// Anything else.
        pub(crate) passkey_failed: &'static str,
        /// A passkey that is there already.
        pub(crate) passkey_is_known: &'static str,
        /// The user has as many as may be.
        pub(crate) too_many_passkeys: &'static str,
        /// Button of the login page.
        pub(crate) sign_in_by_passkey: &'static str,
        /// After a sign-in by a passkey that no user has.
        pub(crate) unknown_passkey: &'static str,
        /// After a sign-in that took too long.
        pub(crate) passkey_expired: &'static str,
        /// Label of the button for screen readers. The argument is the name of the passkey.
        pub(crate) remove_passkey: Phrase,
        /// Opens the field for another name of a passkey.
        pub(crate) rename: &'static str,
        /// Button beside it.
        pub(crate) save_name: &'static str,
        /// A passkey that must stay.
        pub(crate) last_way_in: &'static str,
        /// Button of the second step.
        pub(crate) use_passkey: &'static str,
        /// Under the title of the second step, where there is no app.
        pub(crate) use_passkey_or_code: &'static str,
        /// A passkey of somebody else at the second step.
        pub(crate) passkey_of_another: &'static str,
        /// A client takes passkeys only.
        pub(crate) passkey_only: &'static str,
        /// At a sign-in that needs two factors, which a recovery code in place of the password does
        /// not have.
        pub(crate) recovery_code_is_one_factor: &'static str,
        /// The same where scripts are off.
        pub(crate) sign_in_needs_script: &'static str,
        /// What the first factor does.
        pub(crate) first_factor_effect: &'static str,
    }
}

/// In English.
pub(super) static ENGLISH: FactorTexts = FactorTexts {
    second_step: "One more step",
    signing_in_as: Phrase("You are signing in as {name}."),
    enter_code_of_app: "Enter the code that your authenticator app shows now.",
    enter_code_of_app_too: "The recovery code was right and is used up. Now enter the code that \
        your authenticator app shows.",
    enter_recovery_code: "Enter one of the recovery codes that you have kept. Each counts once.",
    code_of_app: "Code of the app",
    recovery_code: "Recovery code",
    remember_browser: Counted {
        one: "Don't ask again in this browser for a day",
        other: Phrase("Don't ask again in this browser for {days} days"),
    },
    confirm: "Confirm",
    use_recovery_code: "Use a recovery code",
    use_app: "Use the authenticator app",
    begin_again: "Sign in as somebody else",
    wrong_code: "This code is wrong, or was used already. Wait until your app shows another one. \
        If none is right, check that the time of your phone is set automatically.",
    wrong_code_after_code: "This code is wrong, or was used already. A second recovery code does \
        not help here. If you don't have the app any more, set a new password by “Forgot \
        password?” on the sign-in page. Then a recovery code takes the place of the app.",
    wrong_recovery_code: "This is not a recovery code of yours, or it was used already. Check it, \
        or use another one.",
    wrong_code_set_up: "This code is wrong. Check that the app has scanned the picture below, and \
        that the time of your phone is set automatically. Then enter the code that it shows now.",
    codes_throttled: Counted {
        one: "Too many codes were wrong. Wait 1 second, then try again.",
        other: Phrase("Too many codes were wrong. Wait {seconds} seconds, then try again."),
    },
    codes_locked: "Too many codes in a row were wrong. Use a recovery code. If you have none, ask \
        the operators of this site.",
    authenticator_app: "Authenticator app",
    app_is_for: "An app on your phone shows a new code every 30 seconds. With it, somebody who \
        knows your password still can't sign in.",
    app_in_use_since: "You use an authenticator app since",
    set_up_app: "Set up an authenticator app",
    use_another_app: "Use another app or phone",
    remove_app: "Remove the app",
    set_up_lead: "The app is in use when you have entered a code of it.",
    must_set_up: "Your account needs a second step to sign in. Install an authenticator app on \
        your phone if you have none.",
    must_set_up_either: "Your account needs a second step to sign in. Add a passkey, or set up an \
        authenticator app on your phone.",
    scan_this: "Scan this picture with the app:",
    qr_code: "QR code for the authenticator app",
    or_type_secret: "Or type this key into the app",
    recovery_codes: "Recovery codes",
    recovery_codes_are_for: "A recovery code signs you in when you don't have your phone. Keep \
        them where you keep other important papers, or in a password manager.",
    recovery_codes_left: |left| match left {
        0 => "You have no recovery codes left: make new ones.".to_owned(),
        1 => "You have 1 recovery code left: make new ones.".to_owned(),
        left @ 2..=3 => format!("You have {left} recovery codes left: make new ones."),
        left => format!("You have {left} recovery codes left."),
    },
    make_new_codes: "Make new recovery codes",
    old_codes_end: "The codes that you have now count no more then.",
    keep_these_codes: "Keep these recovery codes",
    shown_once: "They are shown only once. Each of them signs you in once.",
    passkey: "Passkey",
    passkeys: "Passkeys",
    passkeys_are_for: "With a passkey, you sign in by your fingerprint, your face or the PIN of \
        your device. Nobody can trick you out of it.",
    no_passkeys: "You have no passkeys yet.",
    passkey_name: "Name of the passkey",
    add_passkey: "Add a passkey",
    remove: "Remove",
    copied_between_devices: "It may be copied to your other devices.",
    on_one_device: "It stays on one device.",
    never_used: "never used",
    passkeys_need_script: "To add a passkey, switch scripts on for this site.",
    passkey_cancelled: "The passkey was not used: the dialog was closed, or took too long. Try \
        again.",
    passkey_failed: "The passkey did not work. Load this page again, then try once more.",
    passkey_is_known: "This device has a passkey of this account already.",
    too_many_passkeys: "You have as many passkeys as may be. Remove one that you don't use.",
    sign_in_by_passkey: "Sign in with a passkey",
    unknown_passkey: "This passkey is not known here, or not any more. Remove it from your device, \
        and sign in with your password.",
    passkey_expired: "That took too long. Try again.",
    remove_passkey: Phrase("Remove the passkey {name}"),
    rename: "Rename",
    save_name: "Save",
    last_way_in: "This is your only way to sign in. Set a password or add another passkey first.",
    use_passkey: "Use a passkey",
    use_passkey_or_code: "Use your passkey, or enter one of the recovery codes that you have kept.",
    passkey_of_another: "This passkey belongs to another account. Use one of the account that you \
        are signing in to.",
    passkey_only: "This application takes no passwords. Sign in with a passkey.",
    recovery_code_is_one_factor: "The user name or the password is wrong. A recovery code in place \
                                  of the password is not enough here, because this application \
                                  asks for two factors. Sign in with a passkey.",
    sign_in_needs_script: "To use a passkey, switch scripts on for this site.",
    first_factor_effect: "With your first passkey or app, you are signed out everywhere else.",
};

/// In German.
pub(super) static GERMAN: FactorTexts = FactorTexts {
    second_step: "Noch ein Schritt",
    signing_in_as: Phrase("Sie melden sich an als {name}."),
    enter_code_of_app: "Geben Sie den Code ein, den Ihre Authenticator-App gerade zeigt.",
    enter_code_of_app_too: "Der Wiederherstellungscode war richtig und ist verbraucht. Geben Sie \
        jetzt den Code ein, den Ihre Authenticator-App zeigt.",
    enter_recovery_code: "Geben Sie einen der Wiederherstellungscodes ein, die Sie aufbewahrt \
        haben. Jeder gilt einmal.",
    code_of_app: "Code der App",
    recovery_code: "Wiederherstellungscode",
    remember_browser: Counted {
        one: "In diesem Browser einen Tag lang nicht mehr fragen",
        other: Phrase("In diesem Browser {days} Tage lang nicht mehr fragen"),
    },
    confirm: "Bestätigen",
    use_recovery_code: "Einen Wiederherstellungscode verwenden",
    use_app: "Die Authenticator-App verwenden",
    begin_again: "Als jemand anderes anmelden",
    wrong_code: "Dieser Code ist falsch oder wurde schon verwendet. Warten Sie, bis Ihre App einen \
        anderen zeigt. Wenn keiner stimmt, prüfen Sie, ob die Uhr Ihres Telefons automatisch \
        gestellt wird.",
    wrong_code_after_code: "Dieser Code ist falsch oder wurde schon verwendet. Ein zweiter \
        Wiederherstellungscode hilft hier nicht. Wenn Sie die App nicht mehr haben, setzen Sie auf \
        der Anmeldeseite mit „Passwort vergessen?“ ein neues Passwort. Dann ersetzt ein \
        Wiederherstellungscode die App.",
    wrong_recovery_code: "Das ist keiner Ihrer Wiederherstellungscodes, oder er wurde schon \
        verwendet. Prüfen Sie ihn, oder verwenden Sie einen anderen.",
    wrong_code_set_up: "Dieser Code ist falsch. Prüfen Sie, ob die App das Bild unten gescannt hat \
        und ob die Uhr Ihres Telefons automatisch gestellt wird. Geben Sie dann den Code ein, den \
        sie gerade zeigt.",
    codes_throttled: Counted {
        one: "Zu viele Codes waren falsch. Warten Sie 1 Sekunde und versuchen Sie es noch einmal.",
        other: Phrase(
            "Zu viele Codes waren falsch. Warten Sie {seconds} Sekunden und versuchen Sie es noch \
             einmal.",
        ),
    },
    codes_locked: "Zu viele Codes nacheinander waren falsch. Verwenden Sie einen \
        Wiederherstellungscode. Wenn Sie keinen haben, wenden Sie sich an die Betreiber.",
    authenticator_app: "Authenticator-App",
    app_is_for: "Eine App auf Ihrem Telefon zeigt alle 30 Sekunden einen neuen Code. Damit kann \
        sich niemand anmelden, der nur Ihr Passwort kennt.",
    app_in_use_since: "Sie verwenden eine Authenticator-App seit",
    set_up_app: "Eine Authenticator-App einrichten",
    use_another_app: "Eine andere App oder ein anderes Telefon verwenden",
    remove_app: "Die App entfernen",
    set_up_lead: "Die App gilt, sobald Sie einen Code von ihr eingegeben haben.",
    must_set_up: "Ihr Konto verlangt einen zweiten Schritt bei der Anmeldung. Installieren Sie \
        eine Authenticator-App auf Ihrem Telefon, wenn Sie noch keine haben.",
    must_set_up_either: "Ihr Konto verlangt einen zweiten Schritt bei der Anmeldung. Legen Sie \
        einen Passkey an, oder richten Sie eine Authenticator-App auf Ihrem Telefon ein.",
    scan_this: "Scannen Sie dieses Bild mit der App:",
    qr_code: "QR-Code für die Authenticator-App",
    or_type_secret: "Oder tippen Sie diesen Schlüssel in die App",
    recovery_codes: "Wiederherstellungs\u{ad}codes",
    recovery_codes_are_for: "Mit einem Wiederherstellungscode melden Sie sich an, wenn Sie Ihr \
        Telefon nicht haben. Bewahren Sie die Codes bei anderen wichtigen Papieren auf oder in \
        einem Passwortmanager.",
    recovery_codes_left: |left| match left {
        0 => "Sie haben keine Wiederherstellungscodes mehr: Erstellen Sie neue.".to_owned(),
        1 => "Sie haben noch 1 Wiederherstellungscode: Erstellen Sie neue.".to_owned(),
        left @ 2..=3 => {
            format!("Sie haben noch {left} Wiederherstellungscodes: Erstellen Sie neue.")
        }
        left => format!("Sie haben noch {left} Wiederherstellungscodes."),
    },
    make_new_codes: "Neue Wiederherstellungs\u{ad}codes erstellen",
    old_codes_end: "Die Codes, die Sie jetzt haben, gelten dann nicht mehr.",
    keep_these_codes: "Bewahren Sie diese Wiederherstellungs\u{ad}codes auf",
    shown_once: "Sie werden nur einmal angezeigt. Mit jedem melden Sie sich einmal an.",
    passkey: "Passkey",
    passkeys: "Passkeys",
    passkeys_are_for: "Mit einem Passkey melden Sie sich mit dem Fingerabdruck, dem Gesicht oder \
        der PIN Ihres Geräts an. Niemand kann ihn Ihnen ablisten.",
    no_passkeys: "Sie haben noch keine Passkeys.",
    passkey_name: "Name des Passkeys",
    add_passkey: "Einen Passkey hinzufügen",
    remove: "Entfernen",
    copied_between_devices: "Er kann auf Ihre anderen Geräte kopiert werden.",
    on_one_device: "Er bleibt auf einem Gerät.",
    never_used: "nie verwendet",
    passkeys_need_script: "Um einen Passkey hinzuzufügen, schalten Sie Skripte für diese Seite \
        ein.",
    passkey_cancelled: "Der Passkey wurde nicht verwendet: Der Dialog wurde geschlossen oder \
        dauerte zu lange. Versuchen Sie es noch einmal.",
    passkey_failed: "Der Passkey hat nicht funktioniert. Laden Sie diese Seite neu und versuchen \
        Sie es noch einmal.",
    passkey_is_known: "Dieses Gerät hat schon einen Passkey dieses Kontos.",
    too_many_passkeys: "Sie haben so viele Passkeys, wie möglich sind. Entfernen Sie einen, den \
        Sie nicht verwenden.",
    sign_in_by_passkey: "Mit einem Passkey anmelden",
    unknown_passkey: "Dieser Passkey ist hier nicht oder nicht mehr bekannt. Entfernen Sie ihn von \
        Ihrem Gerät und melden Sie sich mit Ihrem Passwort an.",
    passkey_expired: "Das hat zu lange gedauert. Versuchen Sie es noch einmal.",
    remove_passkey: Phrase("Den Passkey {name} entfernen"),
    rename: "Umbenennen",
    save_name: "Speichern",
    last_way_in: "Anders können Sie sich nicht anmelden. Legen Sie zuerst ein Passwort oder einen \
        weiteren Passkey an.",
    use_passkey: "Einen Passkey verwenden",
    use_passkey_or_code: "Verwenden Sie Ihren Passkey, oder geben Sie einen der \
        Wiederherstellungscodes ein, die Sie aufbewahrt haben.",
    passkey_of_another: "Dieser Passkey gehört zu einem anderen Konto. Verwenden Sie einen des \
        Kontos, an dem Sie sich anmelden.",
    recovery_code_is_one_factor: "Der Benutzername oder das Passwort ist falsch. Ein \
                                  Wiederherstellungscode anstelle des Passworts genügt hier nicht, \
                                  weil diese Anwendung zwei Faktoren verlangt. Melden Sie sich mit \
                                  einem Passkey an.",
    passkey_only: "Diese Anwendung nimmt keine Passwörter an. Melden Sie sich mit einem \
        Passkey an.",
    sign_in_needs_script: "Um einen Passkey zu verwenden, schalten Sie für diese Seite Skripte \
        ein.",
    first_factor_effect: "Mit dem ersten Passkey oder der ersten App werden Sie überall sonst \
        abgemeldet.",
};
