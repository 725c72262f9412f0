//! What is wrong with users, groups, invitations, keys and mails.

use super::Text;

/// Users and what they have.
pub const USERS: &[Text] = &[
    ("There is no user with this sub.", "Es gibt keinen Benutzer mit diesem sub."),
    (
        "Too many passwords are being hashed. Try again shortly.",
        "Es werden gerade zu viele Passwörter berechnet. Versuchen Sie es gleich noch einmal.",
    ),
    (
        "give the role by PUT /users/{}/admin-role",
        "Geben Sie die Rolle durch PUT /users/{}/admin-role",
    ),
    (
        "SCIM notes here whose the user is: it can be taken away (null), not set",
        "SCIM merkt sich hier, wessen der Benutzer ist: Es kann weggenommen werden (null), nicht \
         gesetzt",
    ),
    (
        "all claims together have at most {} bytes as JSON",
        "Alle Claims zusammen haben höchstens {} Bytes als JSON",
    ),
    (
        "a name has 1 to 255 bytes without control characters",
        "Ein Name hat 1 bis 255 Bytes ohne Steuerzeichen",
    ),
    ("this is not an e-mail address", "Das ist keine E-Mail-Adresse"),
    ("give true or false", "Geben Sie true oder false an"),
    ("a text has no character NUL", "Ein Text hat kein Zeichen NUL"),
    ("the provider sets this claim itself", "Diesen Claim setzt der Anbieter selbst"),
    ("write a date as a text, in quotes", "Schreiben Sie ein Datum als Text, in Anführungszeichen"),
    ("there is a user with the sub {} already", "Es gibt schon einen Benutzer mit dem sub {}"),
    (
        "a removed user had the sub {}: applications would take the new user for that one",
        "Ein entfernter Benutzer hatte den sub {}: Anwendungen würden den neuen für ihn halten",
    ),
    (
        "the username {} of the user {} belongs to another user",
        "Der Benutzername {} des Benutzers {} gehört einem anderen Benutzer",
    ),
    (
        "the verified e-mail address of the user {} belongs to another user: give one of them \
         another address, or take email_verified away",
        "Die bestätigte E-Mail-Adresse des Benutzers {} gehört einem anderen Benutzer: Geben Sie \
         einem von ihnen eine andere, oder nehmen Sie email_verified weg",
    ),
    (
        "this is the last owner: nobody else has the admin_role owner and may sign in. Make \
         another user an owner first",
        "Das ist der letzte Eigentümer: Niemand sonst hat die Rolle owner und darf sich anmelden. \
         Machen Sie zuerst einen anderen Benutzer dazu",
    ),
    ("The user has no session with this sid.", "Der Benutzer hat keine Sitzung mit dieser sid."),
    (
        "This client has no access to the data of this user.",
        "Dieser Client hat keinen Zugriff auf die Daten dieses Benutzers.",
    ),
    (
        "Mail can't be sent: set [mail] up first.",
        "Es können keine E-Mails gesendet werden: Richten Sie zuerst [mail] ein.",
    ),
    (
        "You have sent many links. Wait a while.",
        "Sie haben viele Links gesendet. Warten Sie eine Weile.",
    ),
    (
        "Links are on their way to the user. Wait until they work no longer.",
        "Zum Benutzer sind Links unterwegs. Warten Sie, bis sie nicht mehr gelten.",
    ),
    (
        "The user has no e-mail address that is known to be theirs, or may not sign in.",
        "Der Benutzer hat keine bestätigte E-Mail-Adresse, oder darf sich nicht anmelden.",
    ),
    (
        "The user's password is in a directory. It has to be changed there.",
        "Das Passwort des Benutzers ist in einem Verzeichnis. Es muss dort geändert werden.",
    ),
    ("The user has no such passkey.", "Der Benutzer hat diesen Passkey nicht."),
    (
        "Without this passkey the user could not sign in any more: let them set a password first.",
        "Ohne diesen Passkey könnte sich der Benutzer nicht mehr anmelden: Lassen Sie ihn zuerst \
         ein Passwort setzen.",
    ),
];

/// Accounts elsewhere.
pub const LINKS: &[Text] = &[
    ("The user has no such link.", "Der Benutzer hat diese Verknüpfung nicht."),
    (
        "Without this link the user could not sign in any more: let them set a password first.",
        "Ohne diese Verknüpfung könnte sich der Benutzer nicht mehr anmelden: Lassen Sie ihn \
         zuerst ein Passwort setzen.",
    ),
    ("It is not linked: {}.", "Es wird nicht verknüpft: {}."),
    (
        "no provider in [[identity_providers]] and no directory has this name",
        "Kein Anbieter in [[identity_providers]] und kein Verzeichnis heißt so",
    ),
    (
        "the provider has an issuer for each tenant: name the one of the account",
        "Der Anbieter hat für jeden Mandanten einen Aussteller: Nennen Sie den des Kontos",
    ),
    ("the provider does not have this issuer", "Der Anbieter hat diesen Aussteller nicht"),
    (
        "a subject has 1 to 255 ASCII characters without control characters",
        "Ein Subject hat 1 bis 255 ASCII-Zeichen ohne Steuerzeichen",
    ),
    ("the user has this link already", "der Benutzer hat diese Verknüpfung schon"),
    ("another user has this link", "ein anderer Benutzer hat diese Verknüpfung"),
    (
        "the user has {} links, and may have no more",
        "der Benutzer hat {} Verknüpfungen, und mehr darf er nicht haben",
    ),
    (
        "the user is disabled, or is not there any more",
        "der Benutzer ist gesperrt, oder nicht mehr da",
    ),
];

/// New passwords.
pub const PASSWORDS: &[Text] = &[
    (
        "the password is too short: give at least {} characters",
        "Das Passwort ist zu kurz: mindestens {} Zeichen",
    ),
    (
        "the password is too long: give at most {} bytes",
        "Das Passwort ist zu lang: höchstens {} Bytes",
    ),
    ("the password is easy to guess: {}", "Das Passwort ist leicht zu erraten: {}"),
    (
        "the password was published in a data breach: choose another one",
        "Das Passwort wurde bei einem Datenleck veröffentlicht: Wählen Sie ein anderes",
    ),
    ("it contains your name or your address", "Es enthält den Namen oder die Adresse"),
    (
        "it is much like a password that many people use",
        "Es ähnelt sehr einem Passwort, das viele verwenden",
    ),
    (
        "rows of neighbouring keys are easy to guess",
        "Reihen von Tasten nebeneinander sind leicht zu erraten",
    ),
    (
        "repeating something makes it hardly harder to guess",
        "Wiederholungen machen es kaum schwerer",
    ),
    (
        "sequences such as abc or 6543 are easy to guess",
        "Folgen wie abc oder 6543 sind leicht zu erraten",
    ),
    ("dates and years are easy to guess", "Daten und Jahre sind leicht zu erraten"),
    (
        "names and single words are easy to guess",
        "Namen und einzelne Wörter sind leicht zu erraten",
    ),
    (
        "add one or two words that do not belong together",
        "Nehmen Sie ein oder zwei Wörter dazu, die nicht zusammengehören",
    ),
];

/// Groups.
pub const GROUPS: &[Text] = &[
    ("There is no group of this name.", "Es gibt keine Gruppe mit diesem Namen."),
    ("There is a group of this name already.", "Es gibt schon eine Gruppe mit diesem Namen."),
    (
        "The user is in {} groups, and can't be in more.",
        "Der Benutzer ist in {} Gruppen und kann nicht in noch mehr sein.",
    ),
    ("The user is not a member of this group.", "Der Benutzer ist kein Mitglied dieser Gruppe."),
    (
        "People call another group so. Give this one another display_name: their case alone does \
         not tell two names apart.",
        "Eine andere Gruppe wird so genannt. Geben Sie dieser einen anderen display_name: Groß- \
         und Kleinschreibung allein unterscheidet zwei Namen nicht.",
    ),
    (
        "give 1 to 200 characters, without control characters",
        "1 bis 200 Zeichen, ohne Steuerzeichen",
    ),
    (
        "give at most 200 characters, without control characters",
        "höchstens 200 Zeichen, ohne Steuerzeichen",
    ),
    (
        "give at most 100, each of 1 to 100 characters without spaces",
        "höchstens 100, jede mit 1 bis 100 Zeichen ohne Leerzeichen",
    ),
    (
        "give at most 100, and no more than 4096 bytes as JSON",
        "höchstens 100, und nicht mehr als 4096 Bytes als JSON",
    ),
    (
        "a name has 1 to 100 characters without control characters, and no text a NUL",
        "Ein Name hat 1 bis 100 Zeichen ohne Steuerzeichen, und kein Text ein NUL",
    ),
    (
        "{} is written by the provider itself, or is a field of its own",
        "{} schreibt der Anbieter selbst, oder es ist ein eigenes Feld",
    ),
];

/// Invitations, mails and signing keys.
pub const OTHERS: &[Text] = &[
    (
        "Invitations are not taken: set accounts.registration = \"invitation\" first.",
        "Einladungen werden nicht angenommen: Setzen Sie zuerst accounts.registration = \
         \"invitation\".",
    ),
    (
        "Mail can't be sent: set [mail] up, or ask for the link by show_link and pass it on.",
        "Es können keine E-Mails gesendet werden: Richten Sie [mail] ein, oder lassen Sie sich den \
         Link zeigen (show_link) und geben Sie ihn weiter.",
    ),
    ("give 1 to {}", "1 bis {}"),
    ("give at most {}", "höchstens {}"),
    ("give at most {} bytes", "höchstens {} Bytes"),
    ("give at most {} bytes without control characters", "höchstens {} Bytes ohne Steuerzeichen"),
    (
        "an invitation with a role in the administration expires within 7 days",
        "Eine Einladung mit einer Rolle in der Verwaltung gilt höchstens 7 Tage",
    ),
    ("give 1 to 255 bytes without control characters", "1 bis 255 Bytes ohne Steuerzeichen"),
    ("{}, and at most {}", "{}, und höchstens {}"),
    (
        "There is no such invitation, or it was followed.",
        "Diese Einladung gibt es nicht, oder sie wurde angenommen.",
    ),
    ("The role of this invitation is not known.", "Die Rolle dieser Einladung ist nicht bekannt."),
    ("there is no group {}: add it first", "Es gibt keine Gruppe {}: Legen Sie sie zuerst an"),
    ("a user is in at most {} groups", "Ein Benutzer ist in höchstens {} Gruppen"),
    ("a user has this address already", "Ein Benutzer hat diese Adresse schon"),
    (
        "{} invitations of this address wait already: wait until they expire",
        "Für diese Adresse gibt es schon {} offene Einladungen: Warten Sie, bis sie ablaufen",
    ),
    ("a mail can't be encrypted", "Eine E-Mail kann nicht verschlüsselt werden"),
    ("This mail does not wait any more.", "Diese E-Mail wartet nicht mehr."),
    (
        "There are {} keys, and every verifier reads them all: retire old ones first.",
        "Es gibt {} Schlüssel, und jeder Prüfer liest sie alle: Entfernen Sie zuerst alte.",
    ),
    ("There is no key with this kid.", "Es gibt keinen Schlüssel mit dieser kid."),
    (
        "This key signs: rotate the keys and retire it when the new one signs, or give \
         replace=true.",
        "Dieser Schlüssel signiert: Legen Sie neue an und entfernen Sie ihn, wenn der neue \
         signiert, oder geben Sie replace=true.",
    ),
];

/// Directories.
pub const DIRECTORIES: &[Text] = &[
    (
        "There is no directory of this name that is managed.",
        "Es gibt kein Verzeichnis mit diesem Namen, das verwaltet wird.",
    ),
    (
        "There is no user with this identifier in the directory.",
        "Im Verzeichnis gibt es keinen Benutzer mit dieser Kennung.",
    ),
    (
        "There is no group with this identifier in the directory.",
        "Im Verzeichnis gibt es keine Gruppe mit dieser Kennung.",
    ),
    (
        "there is none in the part of the directory that is managed here",
        "Im Teil des Verzeichnisses, der hier verwaltet wird, gibt es das nicht",
    ),
    (
        "{} is not in the part of the directory that is managed here",
        "{} ist nicht im Teil des Verzeichnisses, der hier verwaltet wird",
    ),
    (
        "the directory has an entry of this name already",
        "Das Verzeichnis hat schon einen Eintrag mit diesem Namen",
    ),
    (
        "several entries have this name: name it by its identifier",
        "Mehrere Einträge haben diesen Namen: Nennen Sie die Kennung",
    ),
    (
        "somebody has changed the entry meanwhile: read it again",
        "Jemand hat den Eintrag inzwischen geändert: Lesen Sie ihn noch einmal",
    ),
    (
        "groups are not managed in this directory: its table management has no group_base",
        "In diesem Verzeichnis werden keine Gruppen verwaltet: In seiner Tabelle management fehlt \
         group_base",
    ),
    ("the directory refuses it: {}", "Das Verzeichnis lehnt es ab: {}"),
    ("the directory does not answer: {}", "Das Verzeichnis antwortet nicht: {}"),
    (
        "the directory's answer can't be used: {}",
        "Die Antwort des Verzeichnisses ist nicht brauchbar: {}",
    ),
    (
        "The directory does not answer. A change may have been made: look at the entry before you \
         try again.",
        "Das Verzeichnis antwortet nicht. Vielleicht wurde etwas geändert: Sehen Sie sich den \
         Eintrag an, bevor Sie es noch einmal versuchen.",
    ),
    (
        "a user name has 1 to 255 bytes, no control characters, and no space around it",
        "Ein Benutzername hat 1 bis 255 Bytes, keine Steuerzeichen und außen keine Leerzeichen",
    ),
    (
        "it may not be edited here; there are: {}",
        "Das darf hier nicht bearbeitet werden; möglich sind: {}",
    ),
    ("an attribute has at most {} values", "Ein Attribut hat höchstens {} Werte"),
    (
        "a value has 1 to {} bytes, no control characters, and not space alone",
        "Ein Wert hat 1 bis {} Bytes, keine Steuerzeichen, und nicht nur Leerzeichen",
    ),
    (
        "this is not a distinguished name, such as ou=sales,dc=example,dc=com",
        "Das ist kein Distinguished Name wie ou=sales,dc=example,dc=com",
    ),
    (
        "Active Directory enables no account without a password: give one, or add the account \
         disabled",
        "Active Directory gibt kein Konto ohne Passwort frei: Geben Sie eines an, oder legen Sie \
         das Konto gesperrt an",
    ),
    (
        "an empty password is a sign-in by nobody: give another one",
        "Mit einem leeren Passwort meldet sich niemand an: Geben Sie ein anderes an",
    ),
    (
        "there is no password that has to be changed: give one",
        "Es gibt kein Passwort, das geändert werden muss: Geben Sie eines an",
    ),
    (
        "there is no entry {} to add one below",
        "Es gibt keinen Eintrag {}, unter dem einer angelegt werden kann",
    ),
    ("the entry {} is not named by {}", "Der Eintrag {} heißt nicht nach {}"),
    ("it is given twice", "Es ist zweimal angegeben"),
    (
        "the password is set, but not that it must be changed or that the account is disabled: {}",
        "Das Passwort ist gesetzt, aber nicht, dass es geändert werden muss oder dass das Konto \
         gesperrt ist: {}",
    ),
    ("not all answers within {} seconds", "nicht alle Antworten in {} Sekunden"),
    ("{}; the entry {} stays, without a password", "{}; der Eintrag {} bleibt, ohne Passwort"),
    (
        "the account of the table management has no right to do it ({})",
        "das Konto der Tabelle management hat kein Recht dazu ({})",
    ),
    (
        "the entry gets another name by it: change the user name by itself",
        "Der Eintrag heißt danach anders: Ändern Sie den Benutzernamen für sich allein",
    ),
];
