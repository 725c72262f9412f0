//! What the settings of clients are called.

use doorward_admin::types::client_settings::Section;

use super::{Choice, Entry, NONE, Words, of};
use crate::texts::Texts;

/// The words.
pub static CLIENT: Words = Words { settings: SETTINGS, choices: CHOICES };

const SETTINGS: &[Entry] = &[
    ("enabled", ["May be used", "Darf verwendet werden"], NONE),
    ("client_name", ["Name, as users see it", "Name, wie Benutzer ihn sehen"], NONE),
    ("description", ["Description, as users see it", "Beschreibung, wie Benutzer sie sehen"], NONE),
    ("client_uri", ["Home page", "Startseite"], NONE),
    (
        "logo_uri",
        ["Picture for the consent page", "Bild für die Einwilligungsseite"],
        ["The browser fetches it from there.", "Der Browser holt es von dort."],
    ),
    ("policy_uri", ["Privacy policy", "Datenschutzerklärung"], NONE),
    ("tos_uri", ["Terms of service", "Nutzungsbedingungen"], NONE),
    (
        "branding",
        ["Look of its sign-in pages", "Aussehen seiner Anmeldeseiten"],
        [
            "What is empty is as the configuration says for all.",
            "Was leer ist, ist so wie in der Konfiguration für alle.",
        ],
    ),
    (
        "redirect_uris",
        ["Redirect URIs", "Redirect-URIs"],
        [
            "Where answers go. They are compared exactly; http is for this machine only.",
            "Dorthin gehen Antworten. Sie werden genau verglichen; http nur für diesen Rechner.",
        ],
    ),
    (
        "post_logout_redirect_uris",
        ["Redirect URIs after sign-out", "Redirect-URIs nach der Abmeldung"],
        NONE,
    ),
    (
        "allowed_cors_origins",
        ["Origins of its scripts", "Origins seiner Skripte"],
        [
            "Pages there may call the provider, as https://app.example.com.",
            "Seiten dort dürfen den Provider aufrufen, etwa https://app.example.com.",
        ],
    ),
    (
        "allow_any_localhost_port",
        ["Any port of http://localhost", "Jeder Port von http://localhost"],
        ["For command-line tools.", "Für Kommandozeilenprogramme."],
    ),
    (
        "allow_private_use_schemes",
        ["Schemes without a dot, as cursor://", "Schemata ohne Punkt wie cursor://"],
        [
            "Another app can take such a scheme and get the answer.",
            "Eine andere App kann so ein Schema übernehmen und die Antwort erhalten.",
        ],
    ),
    (
        "allow_http_redirect_uris",
        ["http on other machines", "http auf anderen Rechnern"],
        [
            "Only in a network that you trust: whoever reads it can read the answer.",
            "Nur in einem Netz, dem Sie vertrauen: Wer mitliest, kann die Antwort lesen.",
        ],
    ),
    ("allowed_grant_types", ["Grant types", "Grant-Typen"], NONE),
    (
        "allow_offline_access",
        ["May have refresh tokens", "Darf Refresh-Token erhalten"],
        ["By the scope offline_access.", "Mit dem Scope offline_access."],
    ),
    ("allowed_scopes", ["Allowed scopes", "Erlaubte Scopes"], NONE),
    ("access_token_lifetime", ["Access tokens", "Access-Token"], NONE),
    ("identity_token_lifetime", ["ID tokens", "ID-Token"], NONE),
    ("authorization_code_lifetime", ["Authorization codes", "Autorisierungscodes"], NONE),
    ("device_code_lifetime", ["Device codes", "Gerätecodes"], NONE),
    ("refresh_token_usage", ["Use of refresh tokens", "Verwendung von Refresh-Token"], NONE),
    ("refresh_token_expiration", ["End of refresh tokens", "Ende von Refresh-Token"], NONE),
    (
        "absolute_refresh_token_lifetime",
        ["Refresh tokens, from the sign-in on", "Refresh-Token ab der Anmeldung"],
        [
            "With an end that moves, 0 means no limit.",
            "Bei einem Ende, das sich verschiebt, heißt 0 ohne Grenze.",
        ],
    ),
    (
        "sliding_refresh_token_lifetime",
        ["Unused refresh tokens", "Ungenutzte Refresh-Token"],
        ["Where the end moves.", "Falls sich das Ende verschiebt."],
    ),
    ("require_consent", ["Ask users for consent", "Benutzer um Einwilligung bitten"], NONE),
    (
        "allow_remember_consent",
        ["Consent may be remembered", "Einwilligung darf gemerkt werden"],
        NONE,
    ),
    (
        "consent_lifetime",
        ["Consent is remembered for", "Einwilligung wird gemerkt für"],
        ["Empty: without end.", "Leer: ohne Ende."],
    ),
    (
        "user_sso_lifetime",
        ["Longest age of a sign-in", "Höchstes Alter einer Anmeldung"],
        ["Empty: as long as the session.", "Leer: so lange wie die Sitzung."],
    ),
    ("require_acr", ["Required strength of the sign-in", "Verlangte Stärke der Anmeldung"], NONE),
    (
        "default_max_age",
        ["max_age of requests without one", "max_age von Anfragen ohne Angabe"],
        NONE,
    ),
    (
        "default_acr_values",
        ["acr_values of requests without any", "acr_values von Anfragen ohne Angabe"],
        NONE,
    ),
    (
        "enable_local_login",
        ["Sign-in by password", "Anmeldung mit Passwort"],
        [
            "Without it users need a passkey or another provider.",
            "Ohne sie brauchen Benutzer einen Passkey oder einen anderen Anbieter.",
        ],
    ),
    (
        "identity_providers",
        ["Other providers to sign in with", "Andere Anbieter zur Anmeldung"],
        [
            "Their names, as in addresses. None listed: all of them.",
            "Ihre Namen, wie in Adressen. Keiner genannt: alle.",
        ],
    ),
    (
        "initiate_login_uri",
        ["Address to begin a sign-in", "Adresse, um eine Anmeldung zu beginnen"],
        [
            "Users see it as “Open” beside applications with access.",
            "Benutzer sehen sie als „Öffnen“ neben Anwendungen mit Zugriff.",
        ],
    ),
    (
        "front_channel_logout_uri",
        ["Page for a hidden frame", "Seite für einen verborgenen Frame"],
        [
            "The browser opens it when a session ends.",
            "Der Browser öffnet sie, wenn eine Sitzung endet.",
        ],
    ),
    (
        "front_channel_logout_session_required",
        ["The frame is told which session ended", "Der Frame erfährt, welche Sitzung endete"],
        NONE,
    ),
    (
        "back_channel_logout_uri",
        ["Address for logout tokens", "Adresse für Logout-Token"],
        [
            "The provider posts one there when a session ends.",
            "Der Provider sendet eines dorthin, wenn eine Sitzung endet.",
        ],
    ),
    (
        "back_channel_logout_session_required",
        ["The token says which session ended", "Das Token sagt, welche Sitzung endete"],
        NONE,
    ),
    (
        "require_client_secret",
        ["Must authenticate", "Muss sich ausweisen"],
        [
            "By a secret or by its keys. Pages and apps can't keep a secret.",
            "Mit einem Geheimnis oder seinen Schlüsseln. Seiten und Apps bewahren kein Geheimnis.",
        ],
    ),
    (
        "jwks_uri",
        ["Address of its keys", "Adresse seiner Schlüssel"],
        [
            "In place of secrets, and of keys given here.",
            "Statt Geheimnissen und hier eingetragenen Schlüsseln.",
        ],
    ),
    (
        "jwks",
        ["Public keys", "Öffentliche Schlüssel"],
        [
            "A JSON Web Key Set: {\"keys\": [ … ]}, without private parts.",
            "Ein JSON Web Key Set: {\"keys\": [ … ]}, ohne private Teile.",
        ],
    ),
    (
        "request_object_signing_alg",
        ["Signature of request objects", "Signatur von Request-Objekten"],
        NONE,
    ),
    (
        "require_signed_request_object",
        ["Requests must be signed", "Anfragen müssen signiert sein"],
        NONE,
    ),
    ("request_uris", ["Addresses of request objects", "Adressen von Request-Objekten"], NONE),
    ("access_token_type", ["Kind of access tokens", "Art der Access-Token"], NONE),
    ("id_token_signing_alg", ["Signature of ID tokens", "Signatur von ID-Token"], NONE),
    (
        "always_include_user_claims_in_id_token",
        ["All claims of the user in ID tokens", "Alle Claims des Benutzers in ID-Token"],
        ["For clients that don't ask userinfo.", "Für Clients, die userinfo nicht fragen."],
    ),
    (
        "update_access_token_claims_on_refresh",
        ["A refresh reads the user's claims again", "Ein Refresh liest die Claims neu"],
        NONE,
    ),
    ("claims", ["Claims of the client itself", "Claims des Clients selbst"], NONE),
    ("client_claims_prefix", ["Beginning of their names", "Anfang ihrer Namen"], NONE),
    (
        "always_send_client_claims",
        ["Also in tokens about users", "Auch in Token über Benutzer"],
        NONE,
    ),
    (
        "pair_wise_subject_salt",
        ["Identifiers of users for this client alone", "Kennungen nur für diesen Client"],
        [
            "Other clients can't recognise its users. Each user gets another identifier by this.",
            "Andere Clients erkennen seine Benutzer nicht. Jeder Benutzer erhält dadurch eine \
             andere Kennung.",
        ],
    ),
    (
        "sector_identifier_uri",
        ["Address whose host they are made for", "Adresse, für deren Host sie gelten"],
        ["Where redirect URIs have several hosts.", "Falls Redirect-URIs mehrere Hosts haben."],
    ),
    (
        "require_pkce",
        ["PKCE is required", "PKCE ist nötig"],
        [
            "Turn it off only for clients that authenticate and can't do it.",
            "Nur für Clients abschalten, die sich ausweisen und es nicht können.",
        ],
    ),
    (
        "require_par",
        ["Requests must be pushed (PAR)", "Anfragen müssen vorab gesendet werden (PAR)"],
        NONE,
    ),
    (
        "require_dpop",
        ["Tokens are bound to a key (DPoP)", "Token an Schlüssel gebunden (DPoP)"],
        NONE,
    ),
    (
        "require_dpop_nonce",
        ["Proofs need a nonce of the provider", "Nachweise brauchen eine Nonce des Providers"],
        NONE,
    ),
    (
        "fapi2",
        ["FAPI 2.0 Security Profile", "FAPI 2.0 Security Profile"],
        [
            "For clients with keys. It turns on PKCE, PAR and DPoP.",
            "Für Clients mit Schlüsseln. Es schaltet PKCE, PAR und DPoP ein.",
        ],
    ),
    ("fapi2_message_signing", ["FAPI 2.0 Message Signing", "FAPI 2.0 Message Signing"], NONE),
    (
        "require_signed_response",
        ["Answers must be signed (JARM)", "Antworten müssen signiert sein (JARM)"],
        NONE,
    ),
    (
        "authorization_signed_response_alg",
        ["Signature of signed answers", "Signatur signierter Antworten"],
        NONE,
    ),
    ("userinfo_signed_response_alg", ["Signature of userinfo", "Signatur von userinfo"], NONE),
    (
        "require_signed_introspection",
        ["Introspection is always signed", "Introspection ist immer signiert"],
        NONE,
    ),
    (
        "introspection_signed_response_alg",
        ["Signature of introspection", "Signatur von Introspection"],
        NONE,
    ),
];

const CHOICES: &[Choice] = &[
    (
        "allowed_grant_types",
        "authorization_code",
        [
            "Sign-in in the browser (authorization_code)",
            "Anmeldung im Browser (authorization_code)",
        ],
    ),
    (
        "allowed_grant_types",
        "client_credentials",
        [
            "The client for itself (client_credentials)",
            "Client für sich selbst (client_credentials)",
        ],
    ),
    (
        "allowed_grant_types",
        "device_code",
        ["Sign-in on another device (device_code)", "Anmeldung auf anderem Gerät (device_code)"],
    ),
    (
        "allowed_grant_types",
        "password",
        ["Password by the client, not advised (password)", "Passwort, nicht empfohlen (password)"],
    ),
    ("refresh_token_usage", "one_time_only", ["Replaced at each use", "Bei jeder Nutzung ersetzt"]),
    ("refresh_token_usage", "reuse", ["Stays the same", "Bleibt gleich"]),
    ("refresh_token_expiration", "absolute", ["After a fixed time", "Nach fester Zeit"]),
    (
        "refresh_token_expiration",
        "sliding",
        ["Moves with each use", "Verschiebt sich bei jeder Nutzung"],
    ),
    ("require_acr", "1", ["Password (level 1)", "Passwort (Stufe 1)"]),
    (
        "require_acr",
        "2",
        ["Two factors or a passkey (level 2)", "Zwei Faktoren oder Passkey (Stufe 2)"],
    ),
    ("access_token_type", "jwt", ["Signed (JWT)", "Signiert (JWT)"]),
    (
        "access_token_type",
        "reference",
        ["Opaque: APIs ask the provider", "Undurchsichtig: APIs fragen den Provider"],
    ),
    ("request_object_signing_alg", "none", ["Not signed", "Nicht signiert"]),
    ("fapi2_message_signing", "signed_requests", ["Signed requests", "Signierte Anfragen"]),
    ("fapi2_message_signing", "signed_responses", ["Signed answers", "Signierte Antworten"]),
    (
        "fapi2_message_signing",
        "signed_introspection",
        ["Signed introspection", "Signierte Introspection"],
    ),
];

/// What a section is called.
pub fn section_name(t: &Texts, section: Section) -> &'static str {
    let words = match section {
        Section::General => ["General", "Allgemeines"],
        Section::Redirects => ["Addresses", "Adressen"],
        Section::Access => ["Grants and scopes", "Grants und Scopes"],
        Section::Lifetimes => ["Lifetimes", "Lebensdauern"],
        Section::SignIn => ["Sign-in and consent", "Anmeldung und Einwilligung"],
        Section::Logout => ["Sign-out", "Abmeldung"],
        Section::Keys => ["Authentication and keys", "Ausweis und Schlüssel"],
        Section::Tokens => ["Tokens and claims", "Token und Claims"],
        Section::Advanced => ["Advanced security", "Weitere Sicherheit"],
    };
    of(t, words)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{setting_texts::assert_whole, texts};

    #[test]
    fn every_setting_has_words_in_each_language() {
        assert_whole(&CLIENT, Section::ALL.into_iter().flat_map(Section::settings));
        assert_eq!(CLIENT.label(texts::of("de"), "redirect_uris"), "Redirect-URIs");
    }
}
