//! What the settings of identity providers are called.

use doorward_admin::types::identity_provider_settings::Section;

use super::{Choice, Entry, NONE, Words, of};
use crate::texts::Texts;

/// The words.
pub static PROVIDER: Words = Words { settings: SETTINGS, choices: CHOICES };

const SETTINGS: &[Entry] = &[
    (
        "enabled",
        ["Users may sign in by it", "Benutzer dürfen sich darüber anmelden"],
        [
            "Without it no page shows its button, and links of users with it stay.",
            "Ohne das zeigt keine Seite seine Schaltfläche, und Verknüpfungen bleiben.",
        ],
    ),
    ("preset", ["Kind of provider", "Art des Anbieters"], NONE),
    (
        "title",
        ["Name, as users see it", "Name, wie Benutzer ihn sehen"],
        ["Empty: the name of the kind, such as Google.", "Leer: der Name der Art, etwa Google."],
    ),
    ("mark", ["Mark on its button", "Zeichen auf seiner Schaltfläche"], NONE),
    (
        "issuer",
        ["Issuer", "Aussteller (Issuer)"],
        [
            "As its discovery document writes it, beginning with https. Google, Apple, GitHub and \
             GitLab need none; GitHub and GitLab take that of an instance of your own.",
            "Wie sein Discovery-Dokument ihn schreibt, beginnend mit https. Google, Apple, GitHub \
             und GitLab brauchen keinen; GitHub und GitLab nehmen den einer eigenen Instanz.",
        ],
    ),
    (
        "tenants",
        ["Directories (tenants)", "Verzeichnisse (Mandanten)"],
        [
            "The directory (tenant) IDs whose users may come: 36 characters each.",
            "Die IDs der Mandanten, deren Benutzer kommen dürfen: je 36 Zeichen.",
        ],
    ),
    (
        "metadata_url",
        ["Address of its metadata", "Adresse seiner Metadaten"],
        [
            "Only if they are not at the usual place below the issuer.",
            "Nur wenn sie nicht am üblichen Ort unter dem Aussteller liegen.",
        ],
    ),
    (
        "client_id",
        ["Identifier there (client_id)", "Kennung dort (client_id)"],
        [
            "What this server is called there, as its registration says.",
            "So heißt dieser Server dort, wie seine Registrierung sagt.",
        ],
    ),
    ("client_authentication", ["How the secret is sent", "Wie das Geheimnis gesendet wird"], NONE),
    (
        "client_key_id",
        ["Name of the key (kid)", "Name des Schlüssels (kid)"],
        ["Apple needs it.", "Apple braucht ihn."],
    ),
    ("client_key_alg", ["Algorithm of the key", "Algorithmus des Schlüssels"], NONE),
    (
        "id_token_signing_alg",
        ["Signature of its ID tokens", "Signatur seiner ID-Token"],
        [
            "If the registration there names one. What another one signed is then refused.",
            "Wenn die Registrierung dort eine nennt. Was anders signiert ist, wird dann abgelehnt.",
        ],
    ),
    ("team_id", ["Team ID at Apple", "Team-ID bei Apple"], NONE),
    (
        "scopes",
        ["Scopes", "Scopes"],
        [
            "Separated by spaces. Empty: those that are usual for the kind.",
            "Durch Leerzeichen getrennt. Leer: die üblichen für die Art.",
        ],
    ),
    (
        "extra_parameters",
        ["Further parameters of requests", "Weitere Parameter von Anfragen"],
        [
            "An object in JSON: {\"domain_hint\": \"example.com\"}.",
            "Ein Objekt in JSON: {\"domain_hint\": \"example.com\"}.",
        ],
    ),
    (
        "load_user_info",
        ["Ask userinfo for claims, too", "Auch userinfo nach Claims fragen"],
        [
            "For providers whose ID tokens lack names or addresses. Not for Entra ID.",
            "Für Anbieter, in deren ID-Token Namen oder Adressen fehlen. Nicht für Entra ID.",
        ],
    ),
    (
        "subject_claim",
        ["Claim by which users are known", "Claim, an dem Benutzer erkannt werden"],
        [
            "Empty: sub. Another one changes all identities: decide before the first sign-in.",
            "Leer: sub. Ein anderer ändert alle Identitäten: Entscheiden Sie vor der ersten \
             Anmeldung.",
        ],
    ),
    (
        "first_sign_in",
        ["First sign-in of somebody unknown", "Erste Anmeldung von Unbekannten"],
        NONE,
    ),
    (
        "trusted_email_domains",
        ["Trusted e-mail domains", "Vertraute E-Mail-Domains"],
        [
            "Accounts with a verified address of these are linked without a question. Whoever \
             controls the provider can sign in to each of them.",
            "Konten mit bestätigter Adresse dieser Domains werden ohne Frage verknüpft. Wer den \
             Anbieter kontrolliert, kann sich bei jedem davon anmelden.",
        ],
    ),
    (
        "email_domains",
        ["E-mail domains that lead there", "E-Mail-Domains, die dorthin führen"],
        [
            "Who types such an address on the login page goes straight there.",
            "Wer auf der Anmeldeseite so eine Adresse eingibt, kommt gleich dorthin.",
        ],
    ),
    (
        "link_scim_client",
        ["Link users of this SCIM client", "Benutzer dieses SCIM-Clients verknüpfen"],
        [
            "The client that has added them. Together with the claim below.",
            "Der Client, der sie angelegt hat. Zusammen mit dem Claim darunter.",
        ],
    ),
    ("link_scim_by", ["Claim that is their externalId", "Claim, der ihre externalId ist"], NONE),
    (
        "claims",
        ["Claims, roles and groups by rules", "Claims, Rollen und Gruppen nach Regeln"],
        [
            "A list in JSON: [{\"claim\": \"department\", \"from\": \"/department\"}]. Without a \
             rule nothing is taken over.",
            "Eine Liste in JSON: [{\"claim\": \"department\", \"from\": \"/department\"}]. Ohne \
             Regel wird nichts übernommen.",
        ],
    ),
    (
        "trusted_mfa",
        ["Several factors there count here", "Mehrere Faktoren dort zählen hier"],
        ["If it says mfa in amr.", "Wenn er mfa in amr nennt."],
    ),
    (
        "mfa_acr",
        ["Values of acr that mean several factors", "Werte von acr für mehrere Faktoren"],
        NONE,
    ),
    (
        "sign_out_upstream",
        ["Sign-out here signs out there, too", "Abmeldung hier meldet auch dort ab"],
        NONE,
    ),
];

const CHOICES: &[Choice] = &[
    ("preset", "generic", ["Another OpenID provider", "Anderer OpenID-Anbieter"]),
    ("preset", "google", ["Google", "Google"]),
    ("preset", "entra", ["Microsoft Entra ID", "Microsoft Entra ID"]),
    ("preset", "apple", ["Apple", "Apple"]),
    ("preset", "github", ["GitHub", "GitHub"]),
    ("preset", "gitlab", ["GitLab", "GitLab"]),
    ("preset", "keycloak", ["Keycloak", "Keycloak"]),
    ("preset", "doorward", ["Another Doorward", "Ein anderer Doorward"]),
    ("mark", "generic", ["None of these", "Keines davon"]),
    ("mark", "google", ["Google", "Google"]),
    ("mark", "microsoft", ["Microsoft", "Microsoft"]),
    ("mark", "apple", ["Apple", "Apple"]),
    ("mark", "github", ["GitHub", "GitHub"]),
    ("mark", "gitlab", ["GitLab", "GitLab"]),
    ("mark", "keycloak", ["Keycloak", "Keycloak"]),
    ("mark", "doorward", ["Doorward", "Doorward"]),
    (
        "client_authentication",
        "client_secret_basic",
        ["In a header (client_secret_basic)", "In einem Header (client_secret_basic)"],
    ),
    (
        "client_authentication",
        "client_secret_post",
        ["In the form (client_secret_post)", "Im Formular (client_secret_post)"],
    ),
    ("first_sign_in", "create", ["An account is made", "Ein Konto wird angelegt"]),
    (
        "first_sign_in",
        "ask",
        [
            "A page asks: a new account, or link one",
            "Eine Seite fragt: neues Konto, oder eines verknüpfen",
        ],
    ),
    (
        "first_sign_in",
        "invitation",
        ["Only an invitation makes an account", "Nur eine Einladung macht ein Konto"],
    ),
    (
        "first_sign_in",
        "refuse",
        ["No account: users link it themselves", "Kein Konto: Benutzer verknüpfen selbst"],
    ),
];

/// What a section is called.
pub fn section_name(t: &Texts, section: Section) -> &'static str {
    let words = match section {
        Section::General => ["The provider", "Der Anbieter"],
        Section::Client => ["This server there", "Dieser Server dort"],
        Section::Accounts => ["Accounts", "Konten"],
        Section::SignIn => ["Sign-in and sign-out", "Anmeldung und Abmeldung"],
        Section::Claims => ["Claims", "Claims"],
        Section::Advanced => ["More", "Weiteres"],
    };
    of(t, words)
}

#[cfg(test)]
mod tests {
    use doorward_admin::types::identity_provider_settings::Preset;

    use super::*;
    use crate::{setting_texts::assert_whole, texts};

    #[test]
    fn every_setting_has_words_in_each_language() {
        assert_whole(&PROVIDER, Section::ALL.into_iter().flat_map(Section::settings));
        let german = texts::of("de");
        assert_eq!(PROVIDER.label(german, "preset"), "Art des Anbieters");
        for preset in Preset::ALL {
            let name = PROVIDER.choice_name(german, "preset", preset.name());
            assert!(name.is_some(), "{preset:?}");
        }
    }
}
