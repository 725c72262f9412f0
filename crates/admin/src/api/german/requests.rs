//! What is wrong with requests, callers and objects.

use super::Text;

/// The kinds of problems.
pub const TITLES: &[Text] = &[
    ("A value is not valid", "Ein Wert ist nicht gültig"),
    ("The request can't be read", "Die Anfrage ist nicht lesbar"),
    ("The query can't be read", "Die Suche ist nicht lesbar"),
    ("Not JSON", "Kein JSON"),
    ("The body is too large", "Die Anfrage ist zu groß"),
    ("Not there", "Das gibt es nicht oder nicht mehr"),
    ("Another method", "Das geht hier nicht"),
    ("This contradicts what is there", "Das widerspricht dem, was da ist"),
    ("Defined in the configuration", "In der Konfiguration definiert"),
    ("The caller may not do this", "Das dürfen Sie nicht"),
    ("If-Match is missing", "If-Match fehlt"),
    ("The object has changed", "Inzwischen wurde es geändert"),
    ("The key belongs to another request", "Der Schlüssel gehört zu einer anderen Anfrage"),
    ("The first request runs", "Die erste Anfrage läuft noch"),
    ("Too many requests", "Zu viele Anfragen"),
    ("Not available now", "Gerade nicht verfügbar"),
    ("A mistake of the server", "Ein Fehler des Servers"),
    ("Another access token is needed", "Es braucht ein anderes Zugriffstoken"),
];

/// What concerns every operation.
pub const REQUESTS: &[Text] = &[
    (
        "Send the body as JSON, with the header Content-Type: application/json.",
        "Senden Sie den Inhalt als JSON, mit dem Header Content-Type: application/json.",
    ),
    ("A body has at most {} bytes.", "Eine Anfrage hat höchstens {} Bytes."),
    ("This resource does not take this method.", "Diese Methode geht bei dieser Ressource nicht."),
    (
        "Read the object first, and send its ETag in the header If-Match, so that nobody's change \
         is lost.",
        "Lesen Sie das Objekt zuerst und senden Sie sein ETag im Header If-Match, damit keine \
         Änderung verloren geht.",
    ),
    ("is missing", "fehlt"),
    (
        "The object is not as the header If-Match says. Read it again.",
        "Das Objekt ist nicht so, wie der Header If-Match sagt. Lesen Sie es noch einmal.",
    ),
    (
        "Somebody has changed {} meanwhile. Read it again.",
        "Jemand hat inzwischen {} geändert. Lesen Sie es noch einmal.",
    ),
    (
        "This Idempotency-Key was sent with another request. Take a new one.",
        "Dieser Idempotency-Key kam schon mit einer anderen Anfrage. Nehmen Sie einen neuen.",
    ),
    (
        "The first request with this Idempotency-Key is not answered yet.",
        "Die erste Anfrage mit diesem Idempotency-Key ist noch nicht beantwortet.",
    ),
    (
        "The request was answered before, but the answer can't be read any more.",
        "Die Anfrage wurde schon beantwortet, aber die Antwort ist nicht mehr lesbar.",
    ),
    (
        "A caller may have {} idempotency keys in a day.",
        "Am Tag sind {} Idempotency-Keys je Aufrufer erlaubt.",
    ),
    (
        "send one, of 1 to 255 visible ASCII characters",
        "Senden Sie einen mit 1 bis 255 sichtbaren ASCII-Zeichen",
    ),
    (
        "A caller may send {} requests in a minute.",
        "In der Minute sind {} Anfragen je Aufrufer erlaubt.",
    ),
    (
        "The server made a mistake; it is logged.",
        "Der Server hat einen Fehler gemacht. Er steht im \
     Protokoll.",
    ),
    (
        "The database can't be used now. Try again shortly.",
        "Die Datenbank ist gerade nicht verfügbar. Versuchen Sie es gleich noch einmal.",
    ),
    (
        "The server's clock differs from the database's.",
        "Die Uhr des Servers geht anders als die der Datenbank.",
    ),
    ("There is no such resource in this API.", "Diese Ressource gibt es in der API nicht."),
    ("There is nothing of this name.", "Es gibt nichts mit diesem Namen."),
    ("The body did not arrive whole.", "Der Inhalt der Anfrage kam nicht ganz an."),
    ("The body is not JSON: {}.", "Der Inhalt der Anfrage ist kein JSON: {}."),
    ("limit is 1 to {}", "limit ist 1 bis {}"),
    ("prefix has at most {} bytes", "prefix hat höchstens {} Bytes"),
    (
        "prefix has at most 255 bytes and no control characters",
        "prefix hat höchstens 255 Bytes und keine Steuerzeichen",
    ),
    (
        "cursor is not one that this list has given",
        "cursor ist keiner, den diese Liste gegeben hat",
    ),
    (
        "{} has at most 512 bytes and no control characters",
        "{} hat höchstens 512 Bytes und keine Steuerzeichen",
    ),
    ("outcome is one of {}", "outcome ist eines von {}"),
    ("actor_kind is one of {}", "actor_kind ist eines von {}"),
    (
        "a list begins with the latest: order is for exports",
        "Eine Liste beginnt mit dem Neuesten: order ist für Exporte",
    ),
    (
        "an export has no pages: leave limit and cursor out",
        "Ein Export hat keine Seiten: Lassen Sie limit und cursor weg",
    ),
    (
        "with this filter, users are sorted by username only",
        "Mit diesem Filter werden Benutzer nur nach username sortiert",
    ),
    ("Failed to deserialize query string: {}", "Die Suche ist nicht lesbar: {}"),
];

/// What JSON does not have the form that is asked for.
pub const FORMS: &[Text] = &[
    ("unknown field `{}`, expected one of {}", "unbekanntes Feld {}, möglich sind {}"),
    ("unknown field `{}`, expected {}", "unbekanntes Feld {}, möglich ist {}"),
    ("unknown field `{}`, there are no fields", "unbekanntes Feld {}, es gibt keine"),
    ("missing field `{}`", "Das Feld {} fehlt"),
    ("duplicate field `{}`", "Das Feld {} ist zweimal da"),
    ("unknown variant `{}`, expected one of {}", "{} gibt es nicht, möglich sind {}"),
    ("unknown variant `{}`, expected {}", "{} gibt es nicht, möglich ist {}"),
    ("invalid type: {}, expected {}", "falscher Typ: {}; erwartet wird {}"),
    ("invalid value: {}, expected {}", "falscher Wert: {}; erwartet wird {}"),
    ("invalid length {}, expected {}", "falsche Länge {}; erwartet wird {}"),
    ("expected value", "Es fehlt ein Wert"),
    ("a member is there twice", "Ein Eintrag ist zweimal da"),
    ("number out of range", "Die Zahl ist zu groß"),
    ("invalid digit found in string", "Das ist keine Zahl"),
    (
        "a username has 1 to 255 bytes without control characters",
        "Ein Benutzername hat 1 bis 255 Bytes ohne Steuerzeichen",
    ),
    (
        "the name of a group has 1 to 64 letters (a to z), digits, and . _ - : / between them; it \
         begins and ends with a letter or a digit",
        "Der Name einer Gruppe hat 1 bis 64 Buchstaben (a bis z), Ziffern, und dazwischen . _ - : \
         /; am Anfang und am Ende steht ein Buchstabe oder eine Ziffer",
    ),
    (
        "a sub has 1 to 255 printable ASCII characters without spaces (OIDC Core section 2)",
        "Ein sub hat 1 bis 255 druckbare ASCII-Zeichen ohne Leerzeichen (OIDC Core, Abschnitt 2)",
    ),
    (
        "1 to 255 printable ASCII characters without spaces (OIDC Core section 2)",
        "1 bis 255 druckbare ASCII-Zeichen ohne Leerzeichen (OIDC Core, Abschnitt 2)",
    ),
    (
        "a client_id has 1 to 255 printable ASCII characters",
        "Eine client_id hat 1 bis 255 druckbare ASCII-Zeichen",
    ),
    (
        "a scope is a list of tokens of printable ASCII characters without quotes and backslashes, \
         separated by single spaces",
        "Ein Scope ist eine Liste von druckbaren ASCII-Zeichen ohne Anführungszeichen und \
         Backslash, mit je einem Leerzeichen dazwischen",
    ),
    (
        "not a supported signature algorithm; use RS256 or PS256 (or their 384 and 512 forms), \
         ES256, ES384 or EdDSA",
        "Dieses Signaturverfahren geht nicht; nehmen Sie RS256 oder PS256 (oder mit 384 und 512), \
         ES256, ES384 oder EdDSA",
    ),
    ("not a JSON Web Key", "Das ist kein JSON Web Key"),
    ("not a set of JSON Web Keys", "Das ist keine Menge von JSON Web Keys"),
];

/// What callers may not do.
pub const RIGHTS: &[Text] = &[
    (
        "This user has the role {} in the administration, which may do what you may not.",
        "Dieser Benutzer hat in der Verwaltung die Rolle {}, die mehr darf als Sie.",
    ),
    (
        "A user here has this name or address: it takes the scope {}.",
        "Ein Benutzer hier hat diesen Namen oder diese Adresse: Dafür braucht es den Scope {}.",
    ),
    (
        "To make somebody a member of a group takes {}.",
        "Um jemanden zum Mitglied einer Gruppe zu machen, braucht es {}.",
    ),
    ("The role {} may do what you may not.", "Die Rolle {} darf mehr als Sie."),
    ("To give or take a role takes {}.", "Um eine Rolle zu geben oder zu nehmen, braucht es {}."),
    (
        "Users sign in at this client to administer, with the rights of each of them: only an \
         owner may do this.",
        "An diesem Client melden sich Benutzer an, um zu verwalten, mit den Rechten von jedem von \
         ihnen: Das darf nur ein Eigentümer.",
    ),
    (
        "This client may do what the scope {} gives, and you may not.",
        "Dieser Client darf, was der Scope {} gibt, und Sie nicht.",
    ),
    ("You may not call this.", "Das dürfen Sie nicht aufrufen."),
    ("You may not call this: it {}.", "Das dürfen Sie nicht aufrufen. Verlangt wird: {}."),
    ("Sign in again to call this.", "Melden Sie sich dafür noch einmal an."),
    (
        "Sign in again to call this: it {}.",
        "Melden Sie sich dafür noch einmal an. Verlangt wird: {}.",
    ),
    (
        "Sign in first: this call needs an access token in the Authorization header.",
        "Melden Sie sich zuerst an: Diese Anfrage braucht ein Zugriffstoken im Header \
         Authorization.",
    ),
    (
        "Send one Authorization header of the form: Bearer TOKEN, or DPoP TOKEN.",
        "Senden Sie einen Header Authorization der Form: Bearer TOKEN, oder DPoP TOKEN.",
    ),
    (
        "The sign-in service cannot be reached to check the access token. Try again shortly.",
        "Das Zugriffstoken kann gerade nicht geprüft werden. Versuchen Sie es gleich noch einmal.",
    ),
    (
        "The DPoP proof cannot be checked now. Try again shortly with a new one.",
        "Der DPoP-Nachweis kann gerade nicht geprüft werden. Versuchen Sie es gleich mit einem \
         neuen.",
    ),
    (
        "The DPoP proof must carry the nonce of the DPoP-Nonce header.",
        "Der DPoP-Nachweis muss den Wert aus dem Header DPoP-Nonce haben.",
    ),
    ("The DPoP proof is not accepted: {}.", "Der DPoP-Nachweis wird nicht angenommen: {}."),
    ("needs {}, and it needs {}", "{} und {}"),
    ("needs {}", "{}"),
    ("a client that still is allowed the scope", "ein Client, der den Scope noch haben darf"),
];

/// What is wrong with access tokens.
pub const TOKENS: &[Text] = &[
    ("The access token is too long.", "Das Zugriffstoken ist zu lang."),
    (
        "The access token is not a signed JSON Web Token.",
        "Das Zugriffstoken ist kein signiertes JSON Web Token.",
    ),
    (
        "The access token demands an extension that this API does not support.",
        "Das Zugriffstoken verlangt eine Erweiterung, die diese API nicht kennt.",
    ),
    (
        "The token is not an access token of a type that this API accepts.",
        "Das ist kein Zugriffstoken der Art, die diese API annimmt.",
    ),
    (
        "The access token is not signed with an algorithm that this API accepts.",
        "Das Zugriffstoken ist nicht mit einem Verfahren signiert, das diese API annimmt.",
    ),
    (
        "The access token is signed with a key that its issuer does not publish.",
        "Das Zugriffstoken ist mit einem Schlüssel signiert, den sein Aussteller nicht \
         veröffentlicht.",
    ),
    (
        "The access token is signed with a key of a kind that this API does not accept.",
        "Das Zugriffstoken ist mit einem Schlüssel einer Art signiert, die diese API nicht \
         annimmt.",
    ),
    (
        "The access token's algorithm is not that of the key that it names.",
        "Das Verfahren des Zugriffstokens ist nicht das seines Schlüssels.",
    ),
    (
        "The access token's signature is not valid.",
        "Die Signatur des Zugriffstokens ist nicht gültig.",
    ),
    (
        "The access token's claims are not a JSON object.",
        "Der Inhalt des Zugriffstokens ist kein JSON-Objekt.",
    ),
    (
        "The access token lacks a claim that it must have, or it has another type: {}.",
        "Im Zugriffstoken fehlt ein Claim, oder er hat einen anderen Typ: {}.",
    ),
    (
        "The access token is not known to its issuer, expired or was revoked.",
        "Der Aussteller kennt das Zugriffstoken nicht, oder es ist abgelaufen oder widerrufen.",
    ),
    (
        "The access token comes from another issuer.",
        "Das Zugriffstoken kommt von einem anderen Aussteller.",
    ),
    ("The access token is for another API.", "Das Zugriffstoken ist für eine andere API."),
    (
        "The access token is bound to its client's key and can't be sent as a bearer token.",
        "Das Zugriffstoken ist an den Schlüssel seines Clients gebunden und geht nicht als Bearer.",
    ),
    (
        "The access token is bound to something that this API can't check.",
        "Das Zugriffstoken ist an etwas gebunden, das diese API nicht prüfen kann.",
    ),
    (
        "The access token is not bound to a key and must be sent as a bearer token.",
        "Das Zugriffstoken ist an keinen Schlüssel gebunden und muss als Bearer gesendet werden.",
    ),
    (
        "The access token is bound to another key than the one in the proof.",
        "Das Zugriffstoken ist an einen anderen Schlüssel gebunden als den im Nachweis.",
    ),
    ("The access token expired.", "Das Zugriffstoken ist abgelaufen."),
    ("The access token is not valid yet.", "Das Zugriffstoken gilt noch nicht."),
    (
        "The access token says that it was issued in the future.",
        "Das Zugriffstoken sagt, es sei in der Zukunft ausgestellt.",
    ),
];
