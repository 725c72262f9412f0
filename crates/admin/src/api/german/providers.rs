//! What is wrong with identity providers.

use super::Text;

/// Identity providers, and their settings.
pub const PROVIDERS: &[Text] = &[
    ("There is no identity provider of this name.", "Es gibt keinen Anbieter dieses Namens."),
    (
        "There is an identity provider of this name already.",
        "Es gibt schon einen Anbieter dieses Namens.",
    ),
    (
        "There are as many identity providers as there may be: remove one.",
        "Es gibt so viele Anbieter, wie es geben darf: Entfernen Sie einen.",
    ),
    (
        "Identity providers were changed at the same time. Try again.",
        "Anbieter wurden zur selben Zeit geändert. Versuchen Sie es noch einmal.",
    ),
    (
        "The master key was changed: restart this server first.",
        "Der Hauptschlüssel wurde geändert: Starten Sie zuerst diesen Server neu.",
    ),
    (
        "This identity provider is defined in the configuration ({}): change it there.",
        "Dieser Anbieter ist in der Konfiguration festgelegt ({}): Ändern Sie ihn dort.",
    ),
    (
        "no identity provider and no directory has this name",
        "Kein Anbieter und kein Verzeichnis hat diesen Namen",
    ),
    (
        "the name of an identity provider has 1 to 32 characters: a to z, 0 to 9, and hyphens",
        "Der Name eines Anbieters hat 1 bis 32 Zeichen: a bis z, 0 bis 9 und Bindestriche",
    ),
    (
        "a directory has this name: give another one",
        "Ein Verzeichnis hat diesen Namen: Geben Sie einen anderen an",
    ),
    ("this identity provider is defined twice", "Dieser Anbieter ist zweimal festgelegt"),
    (
        "another identity provider has this issuer, and each would vouch for the users of the \
         other: keep one of them",
        "Ein anderer Anbieter hat diesen Aussteller, und jeder würde für die Benutzer des anderen \
         bürgen: Behalten Sie einen davon",
    ),
    (
        "the provider {}, which is not used now, has this issuer: remove it first",
        "Der Anbieter {}, der jetzt nicht benutzt wird, hat diesen Aussteller: Entfernen Sie \
         zuerst ihn",
    ),
    (
        "this is not one of the settings here: a secret or a key is given beside them, is never \
         read from a file, and the name never changes",
        "Das ist hier keine Einstellung: Ein Geheimnis oder ein Schlüssel wird daneben angegeben, \
         wird nie aus einer Datei gelesen, und der Name ändert sich nie",
    ),
];

/// Secrets and keys of this server at an identity provider.
pub const CREDENTIALS: &[Text] = &[
    (
        "give a secret, or a private key as client_key",
        "Geben Sie ein Geheimnis an, oder einen privaten Schlüssel als client_key",
    ),
    (
        "there is a client_secret, too: give one of the two",
        "Es gibt auch client_secret: Geben Sie eines von beiden an",
    ),
    (
        "the client has a secret, too: give one of the two",
        "Der Client hat auch ein Geheimnis: Geben Sie eines von beiden an",
    ),
    (
        "the one that there is can't be decrypted: give it again",
        "Was da ist, lässt sich nicht entschlüsseln: Geben Sie es noch einmal an",
    ),
    (
        "with these settings it would serve at another address: give it again",
        "Mit diesen Einstellungen würde es an einer anderen Adresse dienen: Geben Sie es noch \
         einmal an",
    ),
    (
        "it can't be decrypted: it belongs to another master key, or it is damaged. Set it again, \
         or restart the server if its master key was changed",
        "Es lässt sich nicht entschlüsseln: Es gehört zu einem anderen Hauptschlüssel oder ist \
         beschädigt. Setzen Sie es neu, oder starten Sie den Server neu, falls sein Hauptschlüssel \
         geändert wurde",
    ),
    (
        "{}; give a private key in PEM (PKCS 8) for {}",
        "{}; geben Sie einen privaten Schlüssel in PEM (PKCS 8) für {} an",
    ),
    ("it has no effect without {}", "Es hat keine Wirkung ohne {}"),
    (
        "Apple needs team_id and client_key_id beside the key",
        "Apple braucht team_id und client_key_id neben dem Schlüssel",
    ),
];

/// The settings of an identity provider.
pub const SETTINGS: &[Text] = &[
    ("GitHub sends no ID token: leave it out", "GitHub sendet kein ID-Token: Lassen Sie es weg"),
    (
        "another tenant may have the same value: list one tenant",
        "Ein anderer Mandant kann denselben Wert haben: Nennen Sie einen Mandanten",
    ),
    (
        "give the directory (tenant) ID, 36 characters in lower case",
        "Geben Sie die ID des Mandanten an, 36 Zeichen in Kleinbuchstaben",
    ),
    (
        "give the provider's issuer identifier, as its discovery document has it",
        "Geben Sie den Aussteller des Anbieters so an, wie sein Discovery-Dokument ihn nennt",
    ),
    (
        "leave it out: the preset entra makes it of tenants",
        "Lassen Sie es weg: Das Preset entra bildet es aus tenants",
    ),
    (
        "list the directory (tenant) IDs whose users may sign in",
        "Nennen Sie die IDs der Mandanten, deren Benutzer sich anmelden dürfen",
    ),
    (
        "only the preset entra has tenants: give the issuer",
        "Nur das Preset entra hat Mandanten: Geben Sie den Aussteller an",
    ),
    (
        "name the claim that is the externalId, by link_scim_by",
        "Nennen Sie den Claim, der die externalId ist, durch link_scim_by",
    ),
    (
        "name the client that adds the users, by link_scim_client",
        "Nennen Sie den Client, der die Benutzer hinzufügt, durch link_scim_client",
    ),
    (
        "openid must be one of them: without it the provider does not say who signed in",
        "openid muss dabei sein: Ohne das sagt der Anbieter nicht, wer sich angemeldet hat",
    ),
    (
        "or have the operator set admin.allow_private_addresses",
        "oder lassen Sie den Betreiber admin.allow_private_addresses setzen",
    ),
    ("the preset entra takes \"sub\" or \"oid\"", "Das Preset entra nimmt \"sub\" oder \"oid\""),
    (
        "this claim is no lasting identifier: it changes, or becomes somebody else's. Name one \
         that never does",
        "Dieser Claim ist kein bleibender Name: Er ändert sich oder geht an jemand anderen über. \
         Nennen Sie einen, der das nie tut",
    ),
    (
        "this parameter is made for each sign-in: leave it out",
        "Dieser Parameter entsteht bei jeder Anmeldung neu: Lassen Sie ihn weg",
    ),
    ("{}: give another one, {}", "{}: Geben Sie einen anderen an, {}"),
    ("write a domain as example.com", "Schreiben Sie eine Domain wie example.com"),
    (
        "write a domain as example.com, in ASCII, or * for every domain",
        "Schreiben Sie eine Domain wie example.com, in ASCII, oder * für jede Domain",
    ),
    (
        "write the issuer as the provider's discovery document does, in ASCII",
        "Schreiben Sie den Aussteller wie das Discovery-Dokument des Anbieters, in ASCII",
    ),
    (
        "no sign-in is so recent, so that users would be asked for ever: give at least 1, or let \
         requests ask for a new sign-in by prompt=login",
        "So frisch ist keine Anmeldung, also würden Benutzer ohne Ende gefragt: Geben Sie \
         mindestens 1 an, oder lassen Sie Anfragen durch prompt=login eine neue Anmeldung \
         verlangen",
    ),
];

/// The rules by which claims come over.
pub const CLAIM_RULES: &[Text] = &[
    (
        "a condition has a pointer, and either equals or contains",
        "Eine Bedingung hat einen pointer, und entweder equals oder contains",
    ),
    (
        "a value is a text of at most 255 bytes, a number, true or false, or a list of them; a \
         role has no spaces",
        "Ein Wert ist ein Text von höchstens 255 Bytes, eine Zahl, true oder false, oder eine \
         Liste davon; eine Rolle hat keine Leerzeichen",
    ),
    (
        "give either a value, or by from where the values are",
        "Geben Sie entweder einen Wert an, oder durch from, wo die Werte sind",
    ),
    (
        "only and prefix are for values that come by from",
        "only und prefix sind für Werte, die durch from kommen",
    ),
    (
        "say by only which roles or groups may come over, or give a prefix; only = [\"*\"] takes \
         whatever the provider sends",
        "Sagen Sie durch only, welche Rollen oder Gruppen herüberkommen dürfen, oder geben Sie \
         einen prefix an; only = [\"*\"] nimmt alles, was der Anbieter sendet",
    ),
    ("the name of a claim has 1 to 100 characters", "Der Name eines Claims hat 1 bis 100 Zeichen"),
    (
        "this claim is set here, and never by another provider",
        "Dieser Claim wird hier gesetzt, und nie von einem anderen Anbieter",
    ),
    (
        "write where the value is as a JSON pointer, as /groups or /address/country, with ~1 for \
         a slash in a name and ~0 for ~",
        "Schreiben Sie als JSON-Pointer, wo der Wert ist, wie /groups oder /address/country, mit \
         ~1 für einen Schrägstrich in einem Namen und ~0 für ~",
    ),
];
