//! What the API's own names are called in German: events, outcomes, actors, mails and steps of
//! checks. In English they stay as they are, since they are English words, and what is searched
//! for.

use crate::texts::Texts;

/// Names and what they are called.
type Table = &'static [(&'static str, &'static str)];

const EVENTS: Table = &[
    // What users and clients do.
    ("signed_in", "Angemeldet"),
    ("signed_in_from_new_device", "Angemeldet auf einem neuen Gerät"),
    ("sign_in_refused", "Anmeldung abgewiesen"),
    ("sign_in_cancelled", "Anmeldung abgebrochen"),
    ("signed_out", "Abgemeldet"),
    ("session_ended", "Sitzung beendet"),
    ("password_reset_asked_for", "Link zum Zurücksetzen des Passworts angefordert"),
    ("password_reset", "Passwort zurückgesetzt"),
    ("password_set_by_administrator", "Passwort von der Verwaltung gesetzt"),
    ("email_set_by_administrator", "Adresse von der Verwaltung geändert"),
    ("registration_asked_for", "Registrierung angefragt"),
    ("registered", "Registriert"),
    ("invitation_accepted", "Einladung angenommen"),
    ("email_confirmed", "E-Mail-Adresse bestätigt"),
    ("email_changed", "E-Mail-Adresse geändert"),
    ("second_step_refused", "Zweiter Faktor abgewiesen"),
    ("recovery_code_used", "Wiederherstellungscode verwendet"),
    ("password_guessed", "Passwort zu oft falsch"),
    ("identity_linked", "Konto bei anderem Anbieter verknüpft"),
    ("identity_unlinked", "Verknüpfung mit anderem Anbieter entfernt"),
    ("totp_added", "Authenticator-App eingerichtet"),
    ("totp_removed", "Authenticator-App entfernt"),
    ("recovery_codes_made", "Wiederherstellungscodes erstellt"),
    ("passkey_added", "Passkey hinzugefügt"),
    ("passkey_removed", "Passkey entfernt"),
    ("passkey_counter_went_back", "Passkey womöglich kopiert"),
    ("factor_added", "Faktor hinzugefügt"),
    ("factor_removed", "Faktor entfernt"),
    ("factors_reset", "Faktoren zurückgesetzt"),
    ("consent_given", "Zugestimmt"),
    ("consent_denied", "Zustimmung verweigert"),
    ("device_allowed", "Gerät zugelassen"),
    ("device_denied", "Gerät abgelehnt"),
    ("access_revoked", "Zugriff widerrufen"),
    ("tokens_issued", "Token ausgestellt"),
    ("token_refused", "Token verweigert"),
    ("client_registered", "Client hat sich registriert"),
    ("client_registration_refused", "Registrierung eines Clients abgewiesen"),
    ("registered_client_changed", "Registrierter Client geändert"),
    ("registered_client_removed", "Registrierter Client entfernt"),
    ("token_revoked", "Token widerrufen"),
    ("revocation_refused", "Widerruf abgewiesen"),
    ("code_replayed", "Code zweimal eingelöst"),
    ("refresh_token_repeated", "Refresh-Token wiederholt"),
    ("refresh_token_replayed", "Refresh-Token missbraucht"),
    ("logout_token_delivered", "Abmeldung zugestellt"),
    ("logout_token_dropped", "Abmeldung nicht zugestellt"),
    ("profile_changed", "Profil geändert"),
    ("password_changed", "Passwort geändert"),
    ("directory_password_changed", "Passwort im Verzeichnis geändert"),
    ("password_removed", "Passwort entfernt"),
    ("data_downloaded", "Daten heruntergeladen"),
    ("account_deleted", "Konto gelöscht"),
    ("mail_refused", "E-Mail abgelehnt"),
    ("refusals_left_out", "Abweisungen ausgelassen"),
    ("signing_key_announced", "Signaturschlüssel angekündigt"),
    ("signing_key_retired", "Signaturschlüssel entfernt"),
    // What operators change.
    ("user_added", "Benutzer angelegt"),
    ("user_changed", "Benutzer geändert"),
    ("user_enabled", "Benutzer zugelassen"),
    ("user_disabled", "Benutzer gesperrt"),
    ("user_password_changed", "Passwort eines Benutzers gesetzt"),
    ("user_roles_changed", "Rollen eines Benutzers geändert"),
    ("user_removed", "Benutzer entfernt"),
    ("users_imported", "Benutzer importiert"),
    ("admin_role_changed", "Rolle in der Verwaltung geändert"),
    ("password_link_sent", "Link zum Setzen des Passworts gesendet"),
    ("user_factors_reset", "Faktoren eines Benutzers zurückgesetzt"),
    ("user_passkey_removed", "Passkey eines Benutzers entfernt"),
    ("user_linked", "Benutzer mit anderem Anbieter verknüpft"),
    ("user_unlinked", "Verknüpfung eines Benutzers entfernt"),
    ("sessions_ended", "Sitzungen beendet"),
    ("user_invited", "Jemanden eingeladen"),
    ("user_uninvited", "Einladung zurückgezogen"),
    ("group_added", "Gruppe angelegt"),
    ("group_changed", "Gruppe geändert"),
    ("group_removed", "Gruppe entfernt"),
    ("group_member_added", "Mitglied einer Gruppe hinzugefügt"),
    ("group_member_removed", "Mitglied einer Gruppe entfernt"),
    ("directory_user_added", "Benutzer eines Verzeichnisses angelegt"),
    ("directory_user_changed", "Benutzer eines Verzeichnisses geändert"),
    ("directory_password_set", "Passwort im Verzeichnis gesetzt"),
    ("directory_member_added", "Mitglied im Verzeichnis hinzugefügt"),
    ("directory_member_removed", "Mitglied im Verzeichnis entfernt"),
    ("client_added", "Client angelegt"),
    ("client_changed", "Client geändert"),
    ("client_removed", "Client entfernt"),
    ("client_secret_added", "Geheimnis eines Clients angelegt"),
    ("client_secret_removed", "Geheimnis eines Clients entfernt"),
    ("registration_token_added", "Registrierungstoken angelegt"),
    ("registration_token_removed", "Registrierungstoken entfernt"),
    ("identity_provider_added", "Anderer Anbieter angelegt"),
    ("identity_provider_changed", "Anderer Anbieter geändert"),
    ("identity_provider_removed", "Anderer Anbieter entfernt"),
    ("keys_rotated", "Neue Signaturschlüssel angelegt"),
    ("key_retired", "Signaturschlüssel entfernt"),
    ("keys_resealed", "Schlüssel neu verschlüsselt"),
    ("mail_retried", "E-Mail noch einmal versucht"),
    ("database_restored", "Datenbank wiederhergestellt"),
];

const OUTCOMES: Table = &[
    ("succeeded", "erfolgt"),
    ("denied", "vom Benutzer abgelehnt"),
    ("refused", "abgewiesen"),
    ("replayed", "wiederholt"),
    ("failed", "gescheitert"),
];

const ACTORS: Table = &[
    ("user", "Benutzer"),
    ("client", "Client"),
    ("operator", "Betreiber"),
    ("system", "System"),
    ("anonymous", "Anonym"),
];

const MAILS: Table = &[
    ("verify_email", "Adresse bestätigen"),
    ("change_email", "Adresse ändern"),
    ("email_changed", "Adresse geändert"),
    ("reset_password", "Passwort zurücksetzen"),
    ("password_changed", "Passwort geändert"),
    ("password_removed", "Passwort entfernt"),
    ("profile_changed", "Profil geändert"),
    ("password_guessed", "Passwort zu oft falsch"),
    ("invitation", "Einladung"),
    ("account_exists", "Konto ist schon da"),
    ("new_device", "Neues Gerät"),
    ("factor_added", "Faktor hinzugefügt"),
    ("factor_removed", "Faktor entfernt"),
    ("factors_reset", "Faktoren zurückgesetzt"),
    ("recovery_code_used", "Wiederherstellungscode verwendet"),
    ("recovery_codes_made", "Wiederherstellungscodes erstellt"),
    ("account_deleted", "Konto gelöscht"),
];

/// The steps of a check of an identity provider.
const CHECKS: Table = &[
    ("settings", "Einstellungen"),
    ("requests", "Anfragen"),
    ("discovery", "Discovery"),
    ("keys", "Schlüssel"),
    ("authorization request", "Autorisierungsanfrage"),
];

/// What an event is called.
pub fn event(t: &Texts, name: &str) -> String {
    called(t, EVENTS, name)
}

/// What an outcome is called.
pub fn outcome(t: &Texts, name: &str) -> String {
    called(t, OUTCOMES, name)
}

/// What a kind of actor is called.
pub fn actor_kind(t: &Texts, name: &str) -> String {
    called(t, ACTORS, name)
}

/// What a kind of mail is called.
pub fn mail(t: &Texts, name: &str) -> String {
    called(t, MAILS, name)
}

/// What a step of a check is called.
pub fn check(t: &Texts, name: &str) -> String {
    called(t, CHECKS, name)
}

fn called(t: &Texts, table: Table, name: &str) -> String {
    let own = found(table, name).filter(|_| t.language == "de");
    own.unwrap_or(name).to_owned()
}

fn found(table: Table, name: &str) -> Option<&'static str> {
    table.iter().find(|(own, _)| *own == name).map(|(_, called)| *called)
}

#[cfg(all(test, not(target_arch = "wasm32")))]
mod tests {
    use std::collections::BTreeSet;

    use doorward_admin::ChangeEvent;
    use doorward_provider::{
        audit::{ActorKind, Event, Outcome},
        model::{account_event::AccountEventKind, outbox::MailKind},
    };

    use super::*;

    fn names(table: Table) -> BTreeSet<&'static str> {
        let names: BTreeSet<_> = table.iter().map(|(name, _)| *name).collect();
        assert_eq!(names.len(), table.len(), "a name is there twice");
        names
    }

    #[test]
    fn each_name_of_the_api_is_called_something_in_german() {
        let changes = ChangeEvent::ALL.iter().map(|event| event.name());
        let of_accounts = AccountEventKind::ALL.into_iter().map(AccountEventKind::as_str);
        let events = Event::NAMES.iter().copied().chain(changes).chain(of_accounts);
        assert_eq!(names(EVENTS), events.collect());
        assert_eq!(names(OUTCOMES), Outcome::ALL.into_iter().map(Outcome::as_str).collect());
        assert_eq!(names(ACTORS), ActorKind::ALL.into_iter().map(ActorKind::as_str).collect());
        assert_eq!(names(MAILS), MailKind::ALL.into_iter().map(MailKind::as_str).collect());
        let german = crate::texts::of("de");
        assert_eq!(event(german, "keys_rotated"), "Neue Signaturschlüssel angelegt");
        assert_eq!(event(german, "of_another_version"), "of_another_version");
        assert_eq!(event(crate::texts::of("en"), "keys_rotated"), "keys_rotated");
    }
}
