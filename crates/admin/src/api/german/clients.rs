//! What is wrong with clients and their settings.

use super::Text;

/// Clients, those that registered themselves, and resources.
pub const CLIENTS: &[Text] = &[
    ("this is not a client identifier", "Das ist keine Kennung eines Clients"),
    (
        "Clients were changed at the same time. Try again.",
        "Gleichzeitig wurden Clients geändert. Versuchen Sie es noch einmal.",
    ),
    ("Clients were changed meanwhile.", "Inzwischen wurden Clients geändert."),
    ("There is no client with this client_id.", "Es gibt keinen Client mit dieser client_id."),
    ("There is a client of this name already.", "Es gibt schon einen Client mit diesem Namen."),
    ("the identifier is not one of the settings", "Die Kennung ist keine der Einstellungen"),
    (
        "make secrets by POST /clients/{}/secrets",
        "Geheimnisse machen Sie durch POST /clients/{}/secrets",
    ),
    (
        "all settings together have at most {} bytes",
        "Alle Einstellungen zusammen haben höchstens {} Bytes",
    ),
    ("A client has at most {} secrets.", "Ein Client hat höchstens {} Geheimnisse."),
    ("The client has no secret of this name.", "Der Client hat kein Geheimnis mit diesem Namen."),
    (
        "this is the client's last secret: add another one first, or disable the client",
        "Das ist das letzte Geheimnis des Clients: Machen Sie zuerst ein neues, oder sperren Sie \
         den Client",
    ),
    (
        "This client is defined in the configuration ({}): change it there.",
        "Dieser Client ist in der Konfiguration definiert ({}): Ändern Sie ihn dort.",
    ),
    (
        "Resources are defined in the configuration ({}): change them there.",
        "Ressourcen sind in der Konfiguration definiert ({}): Ändern Sie sie dort.",
    ),
    (
        "There is no registered client with this client_id.",
        "Es gibt keinen registrierten Client mit dieser client_id.",
    ),
    (
        "Clients can't register: set client_registration.mode = \"token\" first.",
        "Clients können sich nicht registrieren: Setzen Sie zuerst client_registration.mode = \
         \"token\".",
    ),
    (
        "There is a token of this name: try again.",
        "Es gibt ein Token mit diesem Namen: Versuchen Sie es noch einmal.",
    ),
    ("There is no such registration token.", "Dieses Token zur Registrierung gibt es nicht."),
];

/// Settings of clients.
pub const SETTINGS: &[Text] = &[
    ("these settings do not hold", "Diese Einstellungen gehen nicht"),
    ("its settings can't be written as JSON", "Die Einstellungen gehen nicht als JSON"),
    (
        "list this algorithm under provider.signing_algorithms, too",
        "Nennen Sie dieses Verfahren auch unter provider.signing_algorithms",
    ),
    ("no resource defines this scope", "Keine Ressource definiert diesen Scope"),
    (
        "an API whose access tokens have the type JWT has this name; ID tokens of this client \
         would pass there",
        "Eine API, deren Zugriffstoken den Typ JWT haben, heißt so; ID-Token dieses Clients würden \
         dort angenommen",
    ),
    (
        "an API with secrets has this name; at the introspection endpoint one could not be told \
         from the other",
        "Eine API mit Geheimnissen heißt so; bei der Auskunft über Token wäre der eine nicht vom \
         anderen zu unterscheiden",
    ),
    ("use 1 to 255 printable ASCII characters", "1 bis 255 druckbare ASCII-Zeichen"),
    (
        "allow at least one of authorization_code, client_credentials, password, device_code",
        "Erlauben Sie mindestens eines von authorization_code, client_credentials, password, \
         device_code",
    ),
    (
        "authorization_code needs at least one redirect URI",
        "authorization_code braucht mindestens eine Redirect-URI",
    ),
    (
        "client_credentials is for clients that authenticate (RFC 6749 section 4.4)",
        "client_credentials ist für Clients, die sich ausweisen (RFC 6749, Abschnitt 4.4)",
    ),
    (
        "a client without a secret needs PKCE (RFC 9700 section 2.1.1)",
        "Ein Client ohne Geheimnis braucht PKCE (RFC 9700, Abschnitt 2.1.1)",
    ),
    ("only S256 is served (RFC 9700 section 2.1.1)", "Nur S256 geht (RFC 9700, Abschnitt 2.1.1)"),
    (
        "access tokens always have a jti (RFC 9068 section 2.2)",
        "Zugriffstoken haben immer eine jti (RFC 9068, Abschnitt 2.2)",
    ),
    (
        "the grant type password is a sign-in by password, which is level 1",
        "Der Grant-Typ password ist eine Anmeldung mit Passwort, und das ist Stufe 1",
    ),
    (
        "the page for the grant type device_code can't ask for level 2",
        "Die Seite für den Grant-Typ device_code kann keine Stufe 2 verlangen",
    ),
    (
        "the grant type password is a sign-in by password",
        "Der Grant-Typ password ist eine Anmeldung mit Passwort",
    ),
    (
        "the page for the grant type device_code learns of the client after the sign-in only, and \
         so it can't ask for one without a password",
        "Die Seite für den Grant-Typ device_code erfährt vom Client erst nach der Anmeldung und \
         kann deshalb keine ohne Passwort verlangen",
    ),
    (
        "the protocol sets this claim itself; use another name or prefix",
        "Diesen Claim setzt das Protokoll selbst; nehmen Sie einen anderen Namen oder Präfix",
    ),
    (
        "require_client_secret needs at least one secret, jwks or jwks_uri",
        "require_client_secret braucht mindestens ein Geheimnis, jwks oder jwks_uri",
    ),
    (
        "jwks is for clients with require_client_secret, in place of client_secrets: one method a \
         client. Beside them it is for request objects: set request_object_signing_alg, too",
        "jwks ist für Clients mit require_client_secret, anstelle von client_secrets: ein \
         Verfahren je Client. Daneben ist es für Request-Objekte: Setzen Sie auch \
         request_object_signing_alg",
    ),
    (
        "jwks_uri is for clients with require_client_secret, in place of client_secrets and jwks. \
         Beside client_secrets it is for request objects: set request_object_signing_alg, too",
        "jwks_uri ist für Clients mit require_client_secret, anstelle von client_secrets und jwks. \
         Neben client_secrets ist es für Request-Objekte: Setzen Sie auch \
         request_object_signing_alg",
    ),
    ("not a scope (RFC 6749 section 3.3)", "Das ist kein Scope (RFC 6749, Abschnitt 3.3)"),
    ("this scope is listed twice", "Dieser Scope steht zweimal da"),
    (
        "set allow_offline_access = true instead",
        "Setzen Sie stattdessen allow_offline_access = true",
    ),
    (
        "a lifetime is a whole number of seconds, 1 to 4294967295",
        "Eine Lebensdauer ist eine ganze Zahl von Sekunden, 1 bis 4294967295",
    ),
    (
        "a JWT ends before the key that signs it is removed: give at most 1209600 (14 days), or \
         for access tokens set access_token_type to \"reference\"",
        "Ein JWT endet, bevor sein Schlüssel entfernt wird: höchstens 1209600 (14 Tage), oder \
         setzen Sie für Zugriffstoken access_token_type auf \"reference\"",
    ),
    ("it extends fapi2: set fapi2 = true", "Es erweitert fapi2: Setzen Sie fapi2 = true"),
    (
        "the profile is for clients with require_client_secret and jwks or jwks_uri",
        "Das Profil ist für Clients mit require_client_secret und jwks oder jwks_uri",
    ),
    ("fapi2 rules this grant type out", "fapi2 schließt diesen Grant-Typ aus"),
    ("with fapi2 give PS256, ES256 or EdDSA", "Mit fapi2 geht PS256, ES256 oder EdDSA"),
    (
        "with fapi2 a code lives for 60 seconds at most",
        "Mit fapi2 gilt ein Code höchstens 60 Sekunden",
    ),
    (
        "give a JSON Web Key Set: { keys = [{ kty = \"EC\", … }] }",
        "Geben Sie ein JSON Web Key Set an: { keys = [{ kty = \"EC\", … }] }",
    ),
    (
        "a key is private or symmetric: give the public part only, and make a new key",
        "Ein Schlüssel ist privat oder symmetrisch: Geben Sie nur den öffentlichen Teil an, und \
         machen Sie einen neuen Schlüssel",
    ),
    (
        "a key is malformed, or for none of PS256, ES256, EdDSA, RS256",
        "Ein Schlüssel hat eine falsche Form, oder ist für keines von PS256, ES256, EdDSA, RS256",
    ),
    (
        "give PS256, ES256, EdDSA, RS256 or none",
        "Möglich sind PS256, ES256, EdDSA, RS256 oder none",
    ),
    (
        "a client that signs needs jwks or jwks_uri",
        "Ein Client, der signiert, braucht jwks oder jwks_uri",
    ),
    (
        "with require_signed_request_object or fapi2 objects are signed",
        "Mit require_signed_request_object oder fapi2 sind Objekte signiert",
    ),
    (
        "a client that signs its requests needs jwks or jwks_uri",
        "Ein Client, der seine Anfragen signiert, braucht jwks oder jwks_uri",
    ),
    (
        "give a random text of at least 16 characters",
        "Geben Sie einen zufälligen Text mit mindestens 16 Zeichen an",
    ),
    ("sha256 is the base64url of 32 bytes", "sha256 ist base64url von 32 Bytes"),
    (
        "a plain secret is for demo mode only; write sha256, the base64url of its SHA-256",
        "Ein Geheimnis im Klartext ist nur für den Demo-Modus; schreiben Sie sha256, base64url \
         seines SHA-256",
    ),
    (
        "give each secret as either sha256 or plain",
        "Geben Sie jedes Geheimnis als sha256 oder als plain an",
    ),
    (
        "there are two levels: 1 is a password, 2 is two factors or a passkey",
        "Es gibt zwei Stufen: 1 ist ein Passwort, 2 sind zwei Faktoren oder ein Passkey",
    ),
    (
        "there is no such picture in the folder branding.logos",
        "Dieses Bild gibt es im Ordner branding.logos nicht",
    ),
    (
        "there is no such folder in the folder branding.texts",
        "Diesen Ordner gibt es im Ordner branding.texts nicht",
    ),
    (
        "give the name of a file in the folder branding.logos, without a folder: letters, digits, \
         dots, hyphens and underscores, at most 64",
        "Nennen Sie eine Datei im Ordner branding.logos, ohne Ordner: Buchstaben, Ziffern, Punkte, \
         Bindestriche und Unterstriche, höchstens 64",
    ),
    (
        "an SVG is a document that can run scripts and load other files, so it is not served as a \
         logo: export it as PNG or WebP",
        "Ein SVG ist ein Dokument, das Programme ausführen und andere Dateien laden kann, und wird \
         deshalb nicht als Logo gezeigt: Exportieren Sie es als PNG oder WebP",
    ),
    (
        "give a file that ends in .png, .jpg, .jpeg or .webp",
        "Nennen Sie eine Datei mit der Endung .png, .jpg, .jpeg oder .webp",
    ),
    (
        "give the name of a folder in the folder branding.texts: letters, digits, hyphens and \
         underscores, at most 64",
        "Nennen Sie einen Ordner im Ordner branding.texts: Buchstaben, Ziffern, Bindestriche und \
         Unterstriche, höchstens 64",
    ),
    (
        "give an https URL, or a path on this origin that begins with one slash",
        "Geben Sie eine URL mit https an, oder einen Pfad hier, der mit einem Schrägstrich beginnt",
    ),
    (
        "give a name of 1 to 60 characters on one line, without control characters",
        "Geben Sie einen Namen mit 1 bis 60 Zeichen in einer Zeile an, ohne Steuerzeichen",
    ),
    (
        "give a colour as # and six hexadecimal digits, like #175c4a",
        "Geben Sie eine Farbe als # und sechs hexadezimale Ziffern an, wie #175c4a",
    ),
    (
        "its contrast with {} ({}) is {}:1, and text needs 4.5:1 (WCAG AA): take a {} colour, for \
         example {}",
        "Der Kontrast mit {} ({}) ist {}:1, und Text braucht 4.5:1 (WCAG AA): Nehmen Sie eine \
         Farbe, die {} ist, zum Beispiel {}",
    ),
    ("the page's background", "dem Hintergrund der Seite"),
    ("the background of cards", "dem Hintergrund der Karten"),
    ("the background of code", "dem Hintergrund von Code"),
    (
        "the background of notes, which is mixed from it",
        "dem Hintergrund der Hinweise, der daraus gemischt wird",
    ),
    (
        "the glow at the top of the page, which is mixed from it",
        "dem Schein oben auf der Seite, der daraus gemischt wird",
    ),
    ("lighter", "heller"),
    ("darker", "dunkler"),
];

/// Addresses in the settings of clients.
pub const ADDRESSES: &[Text] = &[
    ("use https, or http on localhost", "Nehmen Sie https, oder http auf localhost"),
    ("not an https or http URL", "Das ist keine URL mit https oder http"),
    ("not an https URL", "Das ist keine URL mit https"),
    ("not an absolute URL", "Das ist keine absolute URL"),
    (
        "an origin is scheme, host and port, like https://app.example.com or \
         capacitor://localhost: no path, no slash at its end",
        "Ein Origin ist Schema, Host und Port, wie https://app.example.com oder \
         capacitor://localhost: kein Pfad, kein Schrägstrich am Ende",
    ),
    ("a redirect URI must not have a fragment", "Eine Redirect-URI darf kein Fragment haben"),
    (
        "a redirect URI is compared exactly: write each one without wildcards",
        "Eine Redirect-URI wird genau verglichen: Schreiben Sie jede ohne Platzhalter",
    ),
    (
        "use at most 400 printable ASCII characters; percent-encode the others",
        "höchstens 400 druckbare ASCII-Zeichen; schreiben Sie andere mit Prozentzeichen",
    ),
    (
        "http is accepted for localhost only; use https (RFC 9700 section 2.6), or \
         allow_http_redirect_uris in a network that you trust",
        "http geht nur für localhost; nehmen Sie https (RFC 9700, Abschnitt 2.6), oder \
         allow_http_redirect_uris in einem Netz, dem Sie trauen",
    ),
    ("this scheme belongs to no application", "Dieses Schema gehört keiner Anwendung"),
    (
        "use https, http on localhost, or a reversed domain name as scheme (RFC 8252 section 7.1), \
         or allow_private_use_schemes",
        "Nehmen Sie https, http auf localhost, oder als Schema einen umgekehrten Domänennamen (RFC \
         8252, Abschnitt 7.1), oder allow_private_use_schemes",
    ),
    (
        "a fragment is the base64url of the SHA-256 of what is there",
        "Ein Fragment ist base64url des SHA-256 von dem, was dort ist",
    ),
    (
        "all redirect_uris must have one host, or a sector_identifier_uri lists them: its host is \
         the sector that subjects are made for (OIDC Core section 8.1)",
        "Alle redirect_uris müssen einen Host haben, oder eine sector_identifier_uri nennt sie: \
         Ihr Host ist der Sektor, für den Subjects gemacht werden (OIDC Core, Abschnitt 8.1)",
    ),
];
