//! All words of the pages, in each language. A word that lacks a language does not compile.

/// The words in one language.
pub struct Texts {
    /// The language (BCP 47).
    pub language: &'static str,
    words: &'static Words,
}

/// The words in the reader's language: German, or else English.
pub fn of(language: &str) -> &'static Texts {
    static ENGLISH: Texts = Texts { language: "en", words: &Words::EN };
    static GERMAN: Texts = Texts { language: "de", words: &Words::DE };
    if language.to_ascii_lowercase().starts_with("de") { &GERMAN } else { &ENGLISH }
}

impl std::ops::Deref for Texts {
    type Target = Words;

    fn deref(&self) -> &Words {
        self.words
    }
}

impl Texts {
    /// What a role in the administration is called.
    pub fn role_name(&self, role: &str) -> String {
        match role {
            "owner" => self.role_owner.to_owned(),
            "admin" => self.role_admin.to_owned(),
            "helpdesk" => self.role_helpdesk.to_owned(),
            "auditor" => self.role_auditor.to_owned(),
            other => other.to_owned(),
        }
    }
}

macro_rules! words {
    (
        $($name:ident: $english:literal, $german:literal;)*
        @ $($table:ident: [$($first:literal),*], [$($second:literal),*];)*
    ) => {
        /// Words, sentences, and headings of tables.
        pub struct Words {
            $(pub $name: &'static str,)*
            $(pub $table: &'static [&'static str],)*
        }

        impl Words {
            const EN: Self = Self { $($name: $english,)* $($table: &[$($first),*],)* };
            const DE: Self = Self { $($name: $german,)* $($table: &[$($second),*],)* };
        }
    };
}

words! {
    // Around the pages.
    administration: "Administration", "Verwaltung";
    skip: "Skip to the content", "Zum Inhalt springen";
    one_moment: "One moment …", "Einen Moment …";
    loading: "Loading …", "Wird geladen …";
    close: "Close", "Schließen";
    cancel: "Cancel", "Abbrechen";
    save: "Save", "Speichern";
    saved: "Saved.", "Gespeichert.";
    edit: "Edit", "Bearbeiten";
    remove: "Remove", "Entfernen";
    add: "Add", "Hinzufügen";
    send: "Send", "Senden";
    copy: "Copy", "Kopieren";
    copied: "Copied.", "Kopiert.";
    not_copied:
        "The browser does not allow it: select the text and copy it.",
        "Der Browser erlaubt es nicht: Wählen Sie den Text aus und kopieren Sie ihn.";
    yes: "Yes", "Ja";
    no: "No", "Nein";
    never: "Never", "Nie";
    any: "Any", "Alle";
    more: "Show more", "Mehr anzeigen";
    search: "Search", "Suchen";
    try_again: "Try again", "Noch einmal versuchen";
    required: "Fill this in.", "Füllen Sie dieses Feld aus.";
    number_rule: "Give a number.", "Geben Sie eine Zahl an.";
    by_default: "As usual", "Wie üblich";
    unit: "Unit", "Einheit";
    unit_seconds: "seconds", "Sekunden";
    unit_minutes: "minutes", "Minuten";
    unit_hours: "hours", "Stunden";
    unit_days: "days", "Tage";
    sign_in: "Sign in", "Anmelden";
    sign_out: "Sign out", "Abmelden";
    signed_out_text:
        "Sign in with an account that has a role in the administration.",
        "Melden Sie sich mit einem Konto an, das eine Rolle in der Verwaltung hat.";
    signed_out_expired:
        "Your session has ended. Sign in again to go on.",
        "Ihre Sitzung ist beendet. Melden Sie sich wieder an, um fortzufahren.";
    confirm_sign_in: "Confirm that it is you", "Bestätigen Sie, dass Sie es sind";
    step_up_text:
        "This needs a sign-in with two factors in the last minutes. Sign in again, and go on \
         where you were.",
        "Dafür müssen Sie sich in den letzten Minuten mit zwei Faktoren angemeldet haben. Melden \
         Sie sich noch einmal an, danach geht es hier weiter.";
    step_up_refused:
        "Your sign-in has become too old for this. Nothing was changed. Sign in again with two \
         factors, then repeat it.",
        "Ihre Anmeldung ist dafür zu alt geworden. Es wurde nichts geändert. Melden Sie sich \
         noch einmal mit zwei Faktoren an und wiederholen Sie es dann.";
    sign_in_again: "Sign in again", "Noch einmal anmelden";
    no_role: "No role in the administration", "Keine Rolle in der Verwaltung";
    no_role_text:
        "Your account has no role here, or your sign-in was ended. If that is wrong, ask an \
         owner for a role, or sign out and sign in again.",
        "Ihr Konto hat hier keine Rolle, oder Ihre Anmeldung wurde beendet. Wenn das nicht \
         stimmt, bitten Sie einen Inhaber um eine Rolle, oder melden Sie sich ab und wieder an.";
    no_answer: "The server does not answer", "Der Server antwortet nicht";
    offline:
        "You are offline. Connect to the network, then try again.",
        "Sie sind offline. Verbinden Sie sich mit dem Netz und versuchen Sie es noch einmal.";
    not_reached:
        "{} does not answer. Check your connection, then try again.",
        "{} antwortet nicht. Prüfen Sie Ihre Verbindung und versuchen Sie es noch einmal.";
    trouble:
        "The server has trouble at the moment. Try again in a minute.",
        "Der Server hat gerade Schwierigkeiten. Versuchen Sie es in einer Minute noch einmal.";
    other_tab:
        "Another tab of this application is busy. Close it or reload it, then try again.",
        "Ein anderer Tab dieser Anwendung ist beschäftigt. Schließen Sie ihn oder laden Sie ihn \
         neu, und versuchen Sie es noch einmal.";
    clock_differs:
        "The clock of this device is wrong. Set it, then try again.",
        "Die Uhr dieses Geräts geht falsch. Stellen Sie sie und versuchen Sie es noch einmal.";
    unusable_answer:
        "The server's answer can't be used ({}). Try again, or tell whoever runs the server.",
        "Mit der Antwort des Servers lässt sich nichts anfangen ({}). Versuchen Sie es noch \
         einmal, oder sagen Sie es denen, die den Server betreiben.";
    sign_in_ended:
        "Your sign-in has ended or took too long. Sign in again.",
        "Ihre Anmeldung ist beendet oder hat zu lange gedauert. Melden Sie sich noch einmal an.";
    sign_in_refused:
        "The sign-in was cancelled or refused. You can sign in again.",
        "Die Anmeldung wurde abgebrochen oder abgelehnt. Sie können sich noch einmal anmelden.";
    browser_refuses:
        "Your browser does not let these pages work ({}). Allow them to store data, or try \
         another browser.",
        "Ihr Browser lässt diese Seiten nicht arbeiten ({}). Erlauben Sie ihnen, Daten zu \
         speichern, oder versuchen Sie es mit einem anderen Browser.";
    sign_in_not_set_up:
        "Sign-in is not set up correctly ({}). Tell whoever runs the server.",
        "Die Anmeldung ist nicht richtig eingerichtet ({}). Sagen Sie es denen, die den Server \
         betreiben.";
    no_config: "The pages can't start", "Die Seiten können nicht starten";
    other_origin: "Open these pages elsewhere", "Öffnen Sie diese Seiten woanders";
    other_origin_text:
        "You can sign in at {}/admin only. The setting admin.url says so.",
        "Anmelden können Sie sich nur unter {}/admin. Das sagt die Einstellung admin.url.";
    no_page: "There is no such page", "Diese Seite gibt es nicht";
    no_page_text: "Choose one in the navigation.", "Wählen Sie eine in der Navigation.";
    not_yours: "Not for your role", "Nicht für Ihre Rolle";
    not_yours_text:
        "Your role in the administration does not show this page.",
        "Ihre Rolle in der Verwaltung zeigt diese Seite nicht.";
    role_owner: "Owner", "Inhaber";
    role_admin: "Administrator", "Administrator";
    role_helpdesk: "Helpdesk", "Helpdesk";
    role_auditor: "Auditor", "Prüfer";
    // Shared.
    username: "User name", "Benutzername";
    username_rule:
        "Give 1 to 255 bytes without control characters.",
        "Geben Sie 1 bis 255 Bytes ohne Steuerzeichen an.";
    full_name: "Full name", "Vollständiger Name";
    email: "E-mail address", "E-Mail-Adresse";
    email_rule: "This is not an e-mail address.", "Das ist keine E-Mail-Adresse.";
    email_is_verified:
        "The address is known to be the user's",
        "Die Adresse gehört nachweislich dem Benutzer";
    state: "State", "Zustand";
    disabled: "Disabled", "Gesperrt";
    admin_role: "Role in the administration", "Rolle in der Verwaltung";
    no_admin_role: "None", "Keine";
    app_roles: "Roles in applications", "Rollen in Anwendungen";
    one_a_line: "One in each line.", "In jeder Zeile eine.";
    description: "Description", "Beschreibung";
    days: "Days", "Tage";
    other_claims: "Further claims", "Weitere Claims";
    claim: "Claim", "Claim";
    claim_name: "Name of claim", "Name des Claims";
    claim_kind: "Type of claim", "Typ des Claims";
    claim_value: "Value of claim", "Wert des Claims";
    claim_text: "Text", "Text";
    claim_number: "Number", "Zahl";
    claim_switch: "Yes or no", "Ja oder nein";
    claim_list: "List", "Liste";
    claim_name_rule: "Give the claim a name.", "Geben Sie dem Claim einen Namen.";
    claim_twice: "There is a claim of this name already.", "Diesen Claim gibt es schon.";
    add_claim: "Add a claim", "Claim hinzufügen";
    history: "History", "Verlauf";
    no_history: "There is nothing in it.", "Darin steht nichts.";
    all_events: "All of it", "Alles zeigen";
    end_of_entry: "End of the entry", "Ende des Eintrags";
    on_user: "User", "Benutzer";
    on_object: "Object", "Objekt";
    client: "Client", "Client";
    address: "Address", "Adresse";
    browser: "Browser", "Browser";
    request: "Request", "Anfrage";
    overtaken: "Somebody has changed {} meanwhile", "Inzwischen hat jemand geändert: {}";
    overtaken_text:
        "Nothing of yours was saved yet. This is what is different now:",
        "Von Ihnen wurde noch nichts gespeichert. Das ist jetzt anders:";
    overtaken_reload:
        "Somebody has changed {} meanwhile. Nothing of yours was saved yet. Save again to put \
         your changes on top, or cancel to see theirs.",
        "Inzwischen hat jemand geändert: {}. Von Ihnen wurde noch nichts gespeichert. Speichern \
         Sie noch einmal, um Ihre Änderungen darauf anzuwenden, oder brechen Sie ab.";
    overtaken_question:
        "Somebody has changed {} meanwhile, and nothing of yours was done. This is the present \
         state: look at it before you try again.",
        "Inzwischen hat jemand geändert: {}. Von Ihnen wurde nichts ausgeführt. Das ist der \
         jetzige Stand: Sehen Sie ihn an, bevor Sie es noch einmal versuchen.";
    the_object: "what you see here", "was Sie hier sehen";
    keep_mine: "Apply mine on top", "Meine darauf anwenden";
    take_theirs: "Take theirs", "Deren übernehmen";
    // Overview.
    overview: "Overview", "Übersicht";
    users: "Users", "Benutzer";
    open_sessions: "Open sessions", "Offene Sitzungen";
    waiting_mails: "Waiting mails", "Wartende E-Mails";
    key_age: "Age of the signing key in days", "Alter des Signaturschlüssels in Tagen";
    of_them_disabled: "{} of them disabled", "davon {} gesperrt";
    not_expired: "that have not expired", "die nicht abgelaufen sind";
    since: "since {}", "seit {}";
    server: "Server", "Server";
    healthy: "Ready", "Bereit";
    not_healthy: "Not ready", "Nicht bereit";
    mail_works: "Mail goes out", "E-Mail wird versandt";
    mail_fails: "Mail can't be sent", "E-Mail kann nicht versandt werden";
    directory_is_down:
        "One does not answer: its users can't sign in",
        "Eines antwortet nicht: Seine Benutzer können sich nicht anmelden";
    audit_chain_is_broken:
        "Altered from outside: run doorward audit verify",
        "Von außen verändert: Führen Sie doorward audit verify aus";
    issuer: "Issuer", "Aussteller (Issuer)";
    version: "Version", "Version";
    sign_ins: "Sign-ins of the last 24 hours", "Anmeldungen der letzten 24 Stunden";
    sign_ins_of_day: "Succeeded: {}", "Gelungen: {}";
    refused_of_day: "Refused: {}", "Abgelehnt: {}";
    // Users.
    add_user: "Add a user", "Benutzer anlegen";
    search_users:
        "Beginning of the user name, address or name",
        "Anfang von Benutzername, Adresse oder Name";
    sorted_by: "Sorted and searched by", "Sortiert und gesucht nach";
    shown_are: "Shown are", "Angezeigt werden";
    all_users: "All users", "Alle Benutzer";
    enabled_users: "Users who may sign in", "Benutzer, die sich anmelden dürfen";
    disabled_users: "Disabled users", "Gesperrte Benutzer";
    administrators: "Administrators", "Verwalter";
    no_users: "No user is found.", "Es wurde kein Benutzer gefunden.";
    user_added: "The user was added.", "Der Benutzer wurde angelegt.";
    password: "Password", "Passwort";
    password_hint:
        "Without one, send a link to set it: the address must be known to be the user's.",
        "Ohne Passwort senden Sie einen Link, um es zu setzen: Dafür muss die Adresse \
         nachweislich dem Benutzer gehören.";
    sub: "Identifier (sub)", "Kennung (sub)";
    sub_hint:
        "What applications see. Without one a random one is drawn. It can't be changed.",
        "Das sehen Anwendungen. Ohne Angabe wird eine zufällige gewählt. Sie lässt sich nicht \
         ändern.";
    account: "Account", "Konto";
    may_sign_in: "May sign in", "Darf sich anmelden";
    has_password: "Has a password", "Hat ein Passwort";
    groups: "Groups", "Gruppen";
    activity: "Activity", "Aktivität";
    change_role: "Change role", "Rolle ändern";
    change_role_text:
        "The role says what the user may do in these pages. It is another one than the roles in \
         your applications.",
        "Die Rolle sagt, was der Benutzer auf diesen Seiten darf. Rollen in Ihren Anwendungen \
         sind etwas anderes.";
    role_changed: "The role was changed.", "Die Rolle wurde geändert.";
    disable: "Disable", "Sperren";
    disable_title: "Disable {}?", "{} sperren?";
    disable_text:
        "The user can't sign in any more, and all sessions end. Nothing is lost: you can enable \
         the user again.",
        "Der Benutzer kann sich nicht mehr anmelden, und alle Sitzungen enden. Es geht nichts \
         verloren: Sie können ihn wieder freigeben.";
    user_disabled: "The user was disabled.", "Der Benutzer wurde gesperrt.";
    enable: "Enable", "Freigeben";
    enable_title: "Enable {}?", "{} freigeben?";
    enable_text: "The user can sign in again.", "Der Benutzer kann sich wieder anmelden.";
    user_enabled: "The user was enabled.", "Der Benutzer wurde freigegeben.";
    remove_user_title: "Remove {}?", "{} entfernen?";
    remove_user_text:
        "The account is removed with all sessions, grants, factors and memberships. This can't \
         be undone, and nobody can have the identifier again.",
        "Das Konto wird mit allen Sitzungen, Zugriffen, Faktoren und Mitgliedschaften entfernt. \
         Das lässt sich nicht rückgängig machen, und niemand kann die Kennung wieder erhalten.";
    user_removed: "The user was removed.", "Der Benutzer wurde entfernt.";
    sessions: "Sessions", "Sitzungen";
    no_sessions: "The user is signed in nowhere.", "Der Benutzer ist nirgends angemeldet.";
    end: "End", "Beenden";
    end_all: "End all", "Alle beenden";
    end_session_title: "End this session?", "Diese Sitzung beenden?";
    end_session_text:
        "The user is signed out there, and the applications that were reached from it lose their \
         access.",
        "Der Benutzer wird dort abgemeldet, und die von dort erreichten Anwendungen verlieren \
         ihren Zugriff.";
    end_sessions_title: "End all sessions?", "Alle Sitzungen beenden?";
    end_sessions_text:
        "The user is signed out everywhere.",
        "Der Benutzer wird überall abgemeldet.";
    sessions_ended: "Ended.", "Beendet.";
    factors: "Second factors and password", "Zweite Faktoren und Passwort";
    authenticator_app: "Authenticator app since", "Authenticator-App seit";
    passkeys: "Passkeys", "Passkeys";
    recovery_codes: "Recovery codes left", "Verbliebene Wiederherstellungscodes";
    reset_factors: "Reset factors", "Faktoren zurücksetzen";
    reset_factors_title: "Reset the second factors?", "Zweite Faktoren zurücksetzen?";
    reset_factors_text:
        "Authenticator app, passkeys and recovery codes are taken away, and all sessions end. \
         Make sure that it is the user who asks you: a thief of the password would ask for this, \
         too.",
        "Authenticator-App, Passkeys und Wiederherstellungscodes werden entfernt, und alle \
         Sitzungen enden. Vergewissern Sie sich, dass der Benutzer selbst darum bittet: Wer das \
         Passwort gestohlen hat, würde auch darum bitten.";
    no_passkeys: "The user has no passkey.", "Der Benutzer hat keinen Passkey.";
    remove_passkey_title: "Remove this passkey?", "Diesen Passkey entfernen?";
    remove_passkey_text:
        "Nobody can sign in by it any more. If somebody else may have it, end the sessions, too.",
        "Niemand kann sich damit mehr anmelden. Wenn ihn jemand anderes haben könnte, beenden Sie \
         auch die Sitzungen.";
    passkey_removed: "The passkey was removed.", "Der Passkey wurde entfernt.";
    links: "Accounts at other providers", "Konten bei anderen Anbietern";
    no_links:
        "The user signs in by no other provider.",
        "Der Benutzer meldet sich über keinen anderen Anbieter an.";
    add_link: "Link an account", "Konto verknüpfen";
    link_provider: "Provider", "Anbieter";
    link_provider_hint:
        "Its name in the configuration, or that of a directory.",
        "Sein Name in der Konfiguration, oder der eines Verzeichnisses.";
    link_subject: "Subject", "Kennung dort";
    link_subject_hint:
        "Whom the provider calls so: the sub of its ID tokens, or its subject_claim.",
        "Wen der Anbieter so nennt: das sub seiner ID-Token, oder sein subject_claim.";
    link_issuer_hint:
        "Only where the provider has one for each tenant.",
        "Nur wenn der Anbieter für jeden Mandanten einen hat.";
    link_added: "The account was linked.", "Das Konto wurde verknüpft.";
    link_removed: "The link was removed.", "Die Verknüpfung wurde entfernt.";
    remove_link_title: "Remove this link?", "Diese Verknüpfung entfernen?";
    remove_link_text:
        "The user can't sign in by it any more, and the sessions that began by it end.",
        "Der Benutzer kann sich darüber nicht mehr anmelden, und die Sitzungen, die so begannen, \
         enden.";
    provisioned_by: "Managed by SCIM through", "Per SCIM verwaltet durch";
    factors_reset: "The factors were reset.", "Die Faktoren wurden zurückgesetzt.";
    password_link: "Send a password link", "Passwort-Link senden";
    password_link_title:
        "Send a link to set another password?",
        "Link zum Setzen eines neuen Passworts senden?";
    password_link_text:
        "It goes to the address of the account.",
        "Er geht an die Adresse des Kontos.";
    link_sent: "The link is on its way.", "Der Link ist unterwegs.";
    grants: "Clients with access", "Clients mit Zugriff";
    no_grants:
        "No client has access to the user's data.",
        "Kein Client hat Zugriff auf die Daten des Benutzers.";
    revoke: "Revoke", "Widerrufen";
    revoke_title: "Revoke the access?", "Zugriff widerrufen?";
    revoke_text:
        "The client loses its tokens, and must ask the user again.",
        "Der Client verliert seine Token und muss den Benutzer wieder fragen.";
    revoked: "The access was revoked.", "Der Zugriff wurde widerrufen.";
    // Invitations.
    invitations: "Invitations", "Einladungen";
    open_invitations: "Open invitations", "Offene Einladungen";
    no_invitations: "Nobody is invited.", "Es ist niemand eingeladen.";
    invite: "Invite somebody", "Jemanden einladen";
    invite_groups_hint:
        "Names of groups that are there, one a line. The user becomes a member.",
        "Namen von Gruppen, die es gibt, einer je Zeile. Der Benutzer wird Mitglied.";
    invited: "The invitation is on its way.", "Die Einladung ist unterwegs.";
    mail_language: "Language of the mail", "Sprache der E-Mail";
    show_link:
        "Send no mail, and show me the link to pass on",
        "Keine E-Mail senden, sondern mir den Link zum Weitergeben zeigen";
    days_rule: "Give 1 to {}.", "Geben Sie 1 bis {} an.";
    invitation_link: "The link of the invitation", "Der Link der Einladung";
    invitation_link_text:
        "Pass it on yourself: you vouch for the address. It is not shown again.",
        "Geben Sie ihn selbst weiter: Sie stehen für die Adresse ein. Er wird nicht noch einmal \
         angezeigt.";
    withdraw: "Withdraw", "Zurückziehen";
    withdraw_title: "Withdraw the invitation?", "Einladung zurückziehen?";
    withdraw_text: "Its link does not work any more.", "Ihr Link funktioniert dann nicht mehr.";
    withdrawn: "The invitation was withdrawn.", "Die Einladung wurde zurückgezogen.";
    // Groups.
    no_groups: "There is no group.", "Es gibt keine Gruppe.";
    add_group: "Add a group", "Gruppe anlegen";
    group_name: "Name", "Name";
    shown_as: "Shown as", "Angezeigt als";
    shown_as_hint: "What people call it, if that is not its name. It is in no token.",
        "Wie man sie nennt, wenn nicht beim Namen. Es steht in keinem Token.";
    group_name_rule:
        "Letters (a to z), digits, and . _ - : / between them, 64 at most.",
        "Buchstaben (a bis z), Ziffern und dazwischen . _ - : /, höchstens 64.";
    group_added: "The group was added.", "Die Gruppe wurde angelegt.";
    group_removed: "The group was removed.", "Die Gruppe wurde entfernt.";
    remove_group_title: "Remove the group {}?", "Gruppe {} entfernen?";
    remove_group_text:
        "Its members stay users, and lose what the group gave them.",
        "Ihre Mitglieder bleiben Benutzer und verlieren, was die Gruppe ihnen gab.";
    members_get: "What members get", "Was Mitglieder erhalten";
    members: "Members", "Mitglieder";
    no_members: "The group has no members.", "Die Gruppe hat keine Mitglieder.";
    add_member: "Add a member", "Mitglied hinzufügen";
    member_added: "The member was added.", "Das Mitglied wurde hinzugefügt.";
    member_removed: "The member was removed.", "Das Mitglied wurde entfernt.";
    remove_member_title: "End this membership?", "Diese Mitgliedschaft beenden?";
    remove_member_text:
        "The user loses what the group gave.",
        "Der Benutzer verliert, was die Gruppe gab.";
    // Directories.
    directories: "Directories", "Verzeichnisse";
    no_directories:
        "The users of no directory are managed: none has a table [directories.management] in the \
         configuration.",
        "Von keinem Verzeichnis werden die Benutzer verwaltet: Keines hat in der Konfiguration \
         eine Tabelle [directories.management].";
    directory_search_hint:
        "Of a large directory the first 2000 users are shown that are found.",
        "Von einem großen Verzeichnis werden die ersten 2000 gefundenen Benutzer gezeigt.";
    directory_password_hint:
        "Without one nobody can sign in. The directory's own rules hold.",
        "Ohne Passwort kann sich niemand anmelden. Es gelten die Regeln des Verzeichnisses.";
    directory_parent: "Below the entry", "Unter dem Eintrag";
    directory_parent_hint:
        "A distinguished name in the part that is managed. Usually none is needed.",
        "Ein Distinguished Name in dem Teil, der verwaltet wird. Meist ist keiner nötig.";
    directory_rename_hint:
        "Where the entry is named by it, change it by itself.",
        "Wenn der Eintrag danach heißt, ändern Sie ihn für sich allein.";
    must_change:
        "The user has to set another password at the next sign-in",
        "Der Benutzer muss bei der nächsten Anmeldung ein anderes Passwort setzen";
    set_password: "Set password", "Passwort setzen";
    set_password_text:
        "It is set in the directory, and counts wherever the user signs in with it. All sessions \
         here end.",
        "Es wird im Verzeichnis gesetzt und gilt überall, wo der Benutzer sich damit anmeldet. \
         Alle Sitzungen hier enden.";
    directory_password_set: "The password was set.", "Das Passwort wurde gesetzt.";
    entry: "Entry", "Eintrag";
    entry_name: "Distinguished name", "Distinguished Name";
    entry_id: "Identifier of the entry", "Kennung des Eintrags";
    no_account_yet: "None before the first sign-in", "Keines vor der ersten Anmeldung";
    no_groups_of_user: "The user is in no group.", "Der Benutzer ist in keiner Gruppe.";
    add_to_group: "Add to a group", "Zu einer Gruppe hinzufügen";
    search_clients: "Beginning of the identifier", "Anfang der Kennung";
    search_groups: "Beginning of the group's name", "Anfang des Namens der Gruppe";
    search_usernames: "Beginning of the user name", "Anfang des Benutzernamens";
    search_addresses: "Beginning of the address", "Anfang der Adresse";
    nothing_begins_so: "Nothing was found that begins so.", "Nichts gefunden, das so beginnt.";
    // Clients.
    clients: "Clients", "Clients";
    no_clients: "There is no client.", "Es gibt keinen Client.";
    confidential: "Confidential", "Vertraulich";
    public: "Public", "Öffentlich";
    administers: "Administers", "Verwaltet";
    from_file: "From the configuration", "Aus der Konfiguration";
    add_client: "Add a client", "Client anlegen";
    kind: "Kind", "Art";
    kind_server: "Web application with a server", "Webanwendung mit Server";
    kind_page:
        "Page or app, which can't keep a secret",
        "Seite oder App, die kein Geheimnis bewahren kann";
    kind_machine: "Service that acts for itself", "Dienst, der für sich selbst handelt";
    client_id: "Identifier (client_id)", "Kennung (client_id)";
    client_name: "Name, as users see it", "Name, wie Benutzer ihn sehen";
    scopes_hint:
        "What it may ask for. Each scope is defined in the configuration.",
        "Was er anfragen darf. Jeder Scope ist in der Konfiguration definiert.";
    branding_name: "Name at the top", "Name oben auf der Seite";
    branding_logo: "Logo", "Logo";
    branding_logo_hint:
        "A file in the folder of logos, as shop.png.",
        "Eine Datei im Ordner der Logos, etwa shop.png.";
    branding_accent: "Colour on light pages", "Farbe auf hellen Seiten";
    branding_accent_hint:
        "Such as #175c4a. One that can't be read is refused.",
        "Etwa #175c4a. Eine, die nicht lesbar ist, wird abgelehnt.";
    branding_accent_dark: "Colour on dark pages", "Farbe auf dunklen Seiten";
    branding_imprint: "Link to the imprint", "Link zum Impressum";
    branding_privacy: "Link to the privacy policy", "Link zur Datenschutzerklärung";
    branding_help: "Link to help", "Link zur Hilfe";
    branding_links_hint:
        "An https address, or a path on the provider's own origin.",
        "Eine Adresse mit https, oder ein Pfad beim Anbieter selbst.";
    branding_texts: "Words", "Wörter";
    branding_texts_hint:
        "The name of a folder in the folder branding.texts.",
        "Der Name eines Ordners im Ordner branding.texts.";
    salt: "Salt", "Salt";
    salt_hint:
        "At least 16 random characters. It is not shown again.",
        "Mindestens 16 zufällige Zeichen. Er wird nicht noch einmal angezeigt.";
    secret_is_set:
        "It is set and not shown. Empty: it stays as it is.",
        "Er ist gesetzt und wird nicht gezeigt. Leer: Er bleibt, wie er ist.";
    client_added: "The client was added.", "Der Client wurde angelegt.";
    client_removed: "The client was removed.", "Der Client wurde entfernt.";
    to_client: "I have it, go on", "Ich habe es, weiter";
    settings: "Settings", "Einstellungen";
    remove_client_title: "Remove the client {}?", "Client {} entfernen?";
    remove_client_text:
        "It is removed with everything that it was granted. This can't be undone.",
        "Er wird mit allem entfernt, was ihm gewährt wurde. Das lässt sich nicht rückgängig \
         machen.";
    secrets: "Secrets", "Geheimnisse";
    no_secrets: "The client has no secret.", "Der Client hat kein Geheimnis.";
    add_secret: "Add a secret", "Geheimnis anlegen";
    client_secret: "The client's secret", "Das Geheimnis des Clients";
    secret_once:
        "Copy it now: it is kept as a hash, and not shown again.",
        "Kopieren Sie es jetzt: Es wird nur als Hash aufbewahrt und nicht noch einmal angezeigt.";
    days_hint:
        "It expires after so many days. Empty: never.",
        "Nach so vielen Tagen läuft es ab. Leer: nie.";
    remove_secret_title: "Remove this secret?", "Dieses Geheimnis entfernen?";
    remove_secret_text:
        "Whoever uses it is refused from now on.",
        "Wer es verwendet, wird ab sofort abgewiesen.";
    registered_clients: "Registered clients", "Registrierte Clients";
    no_registered: "No client has registered itself.", "Kein Client hat sich selbst registriert.";
    remove_registered_title: "Remove this client?", "Diesen Client entfernen?";
    registration_tokens: "Registration tokens", "Registrierungstoken";
    registration_token: "The registration token", "Das Registrierungstoken";
    no_registration_tokens: "There is no registration token.", "Es gibt kein Registrierungstoken.";
    add_registration_token: "Make a token", "Token anlegen";
    token_uses: "Clients that may register with it", "Clients, die sich damit registrieren dürfen";
    remove_registration_token_title: "Remove this token?", "Dieses Token entfernen?";
    remove_registration_token_text:
        "Nobody registers with it any more. Clients that were registered with it stay.",
        "Niemand registriert sich mehr damit. Clients, die damit registriert wurden, bleiben.";
    registration_token_removed: "The token was removed.", "Das Token wurde entfernt.";
    // Identity providers.
    identity_providers: "Identity providers", "Andere Anbieter";
    no_identity_providers:
        "Users sign in by no other provider.",
        "Benutzer melden sich über keinen anderen Anbieter an.";
    add_identity_provider: "Add a provider", "Anbieter anlegen";
    provider_name: "Name in addresses", "Name in Adressen";
    provider_name_rule:
        "1 to 32 characters: a to z, 0 to 9, and hyphens. It can't be changed.",
        "1 bis 32 Zeichen: a bis z, 0 bis 9 und Bindestriche. Er lässt sich nicht ändern.";
    provider_enabled: "Enabled", "Aktiv";
    provider_disabled: "Disabled", "Abgeschaltet";
    provider_unused: "Not used", "Nicht benutzt";
    provider_added:
        "The provider was added. Check it before you tell users of it.",
        "Der Anbieter wurde angelegt. Prüfen Sie ihn, bevor Sie Benutzern davon erzählen.";
    provider_removed: "The provider was removed.", "Der Anbieter wurde entfernt.";
    registration: "What to enter there", "Was dort einzutragen ist";
    registration_text:
        "Register this server there as a client, with these addresses.",
        "Registrieren Sie diesen Server dort als Client, mit diesen Adressen.";
    registration_hint:
        "From the name follows what to enter at the provider, which gives you an identifier and a \
         secret then.",
        "Aus dem Namen folgt, was beim Anbieter einzutragen ist, der Ihnen dann eine Kennung und \
         ein Geheimnis gibt.";
    registered_redirect: "Redirect URI", "Redirect-URI";
    registered_sign_out: "Redirect URI after sign-out", "Redirect-URI nach der Abmeldung";
    registered_back_channel: "Address for logout tokens", "Adresse für Logout-Token";
    credential: "Authenticates by", "Weist sich aus durch";
    credential_stays: "What there is, which stays", "Was da ist: Es bleibt";
    credential_secret: "Secret", "Geheimnis";
    credential_key: "Private key", "Privater Schlüssel";
    credential_hint:
        "It is encrypted, and never shown again. Where it would be sent to another address, give \
         it again.",
        "Es wird verschlüsselt und nie wieder angezeigt. Wo es an eine andere Adresse gesendet \
         würde, geben Sie es noch einmal an.";
    credential_key_hint:
        "In PEM (PKCS 8). It is encrypted, and never shown again.",
        "In PEM (PKCS 8). Er wird verschlüsselt und nie wieder angezeigt.";
    replace_credential: "Replace the secret", "Geheimnis ersetzen";
    replace_credential_text:
        "From then on this server authenticates there by the new one alone.",
        "Von da an weist sich dieser Server dort nur noch durch das neue aus.";
    credential_replaced: "The secret was replaced.", "Das Geheimnis wurde ersetzt.";
    provider_check: "Check", "Prüfung";
    check_provider: "Check now", "Jetzt prüfen";
    check_provider_text:
        "The server asks the provider for its metadata and its keys, and makes a request as a \
         sign-in does. Nobody is signed in.",
        "Der Server fragt den Anbieter nach seinen Metadaten und Schlüsseln und stellt eine \
         Anfrage wie bei einer Anmeldung. Niemand wird angemeldet.";
    step_succeeded: "In order", "In Ordnung";
    step_failed: "Failed", "Gescheitert";
    disable_provider: "Disable", "Abschalten";
    disable_provider_title: "Disable the provider {}?", "Anbieter {} abschalten?";
    disable_provider_text:
        "Nobody signs in by it any more, and no page shows its button. Sessions go on, and links \
         of users stay: you can enable it again.",
        "Niemand meldet sich mehr darüber an, und keine Seite zeigt seine Schaltfläche. Sitzungen \
         laufen weiter, und Verknüpfungen bleiben: Sie können ihn wieder einschalten.";
    provider_was_disabled: "The provider was disabled.", "Der Anbieter wurde abgeschaltet.";
    enable_provider: "Enable", "Einschalten";
    enable_provider_title: "Enable the provider {}?", "Anbieter {} einschalten?";
    enable_provider_text:
        "Users can sign in by it, with what its rules give them.",
        "Benutzer können sich darüber anmelden, mit dem, was seine Regeln ihnen geben.";
    provider_was_enabled: "The provider was enabled.", "Der Anbieter wurde eingeschaltet.";
    remove_provider_title: "Remove the provider {}?", "Anbieter {} entfernen?";
    remove_provider_text:
        "Nobody signs in by it any more: who has no other way in needs a password link. Its \
         settings and its secret are gone, which can't be undone. Sessions go on until they end. \
         Links of users stay, and count again if a provider with the same issuer is added.",
        "Niemand meldet sich mehr darüber an: Wer sich nicht anders anmelden kann, braucht einen \
         Passwort-Link. Seine Einstellungen und sein Geheimnis sind weg, was sich nicht rückgängig \
         machen lässt. Sitzungen laufen weiter, bis sie enden. Verknüpfungen von Benutzern bleiben \
         und zählen wieder, wenn ein Anbieter mit demselben Aussteller angelegt wird.";
    // Resources.
    resources: "Resources and scopes", "Ressourcen und Scopes";
    apis: "APIs", "APIs";
    identity_resources: "Identity resources", "Identitätsressourcen";
    scopes: "Scopes of APIs", "Scopes von APIs";
    // Keys.
    keys: "Keys", "Schlüssel";
    signing_keys: "Signing keys", "Signaturschlüssel";
    no_keys: "There is no key.", "Es gibt keinen Schlüssel.";
    signs: "Signs", "Signiert";
    announced: "Announced", "Angekündigt";
    retained: "Retained", "Aufbewahrt";
    rotate: "Rotate", "Wechseln";
    rotate_title: "Make new keys?", "Neue Schlüssel anlegen?";
    rotate_text:
        "They take over in seven minutes, so that everybody has read them by then. The present \
         ones stay valid for what they have signed.",
        "Sie übernehmen in sieben Minuten, damit bis dahin alle sie gelesen haben. Die jetzigen \
         bleiben gültig für das, was sie signiert haben.";
    keys_rotated: "New keys were made.", "Neue Schlüssel wurden angelegt.";
    retire: "Retire", "Entfernen";
    retire_title: "Retire the key {}?", "Schlüssel {} entfernen?";
    retire_text:
        "Tokens that it signed are no longer valid.",
        "Token, die er signiert hat, sind dann nicht mehr gültig.";
    retire_signing_text:
        "This key signs. A new one takes its place at once, and all tokens that it signed are no \
         longer valid: do this after a leak. Otherwise rotate, and retire it later.",
        "Dieser Schlüssel signiert. Ein neuer nimmt sofort seinen Platz ein, und alle Token, die \
         er signiert hat, sind nicht mehr gültig: Tun Sie das nach einem Leck. Sonst wechseln Sie \
         die Schlüssel und entfernen ihn später.";
    key_retired: "The key was retired.", "Der Schlüssel wurde entfernt.";
    // Outbox.
    outbox: "Outbox", "Postausgang";
    no_mails: "No mail waits.", "Es wartet keine E-Mail.";
    mail_is_tried: "The mail is tried again.", "Die E-Mail wird noch einmal versucht.";
    // Events.
    events: "Audit history", "Audit-Verlauf";
    no_events: "No record is found on this page.", "Auf dieser Seite wurde kein Eintrag gefunden.";
    export: "Export as JSON lines", "Als JSON Lines exportieren";
    event_name: "Event", "Ereignis";
    actor_kind: "Kind of actor", "Art des Handelnden";
    outcome: "Outcome", "Ausgang";
    from_day: "From", "Von";
    until_day: "Until (before this day)", "Bis (vor diesem Tag)";
    more_fields: "More fields", "Weitere Felder";
    show_all: "Show all", "Alle anzeigen";
    // Configuration.
    configuration: "Configuration", "Konfiguration";
    configuration_is_read_only:
        "This is the configuration in effect, without secrets. It is written in {}: change it \
         there.",
        "Das ist die wirksame Konfiguration ohne Geheimnisse. Sie steht in {}: Ändern Sie sie \
         dort.";
    configuration_needs_restart:
        "These settings were changed in the file and count after a restart of the server: {}.",
        "Diese Einstellungen wurden in der Datei geändert und gelten nach einem Neustart des \
         Servers: {}.";

    // The headings of tables.
    @
    directory_columns: ["Name", "Managed below"], ["Name", "Verwaltet unter"];
    directory_group_columns: ["Name", ""], ["Name", ""];
    user_columns:
        ["User name", "Full name", "E-mail address", "State"],
        ["Benutzername", "Vollständiger Name", "E-Mail-Adresse", "Zustand"];
    session_columns:
        ["Signed in", "From", "How", "Expires", ""],
        ["Angemeldet", "Von", "Wie", "Läuft ab", ""];
    passkey_columns:
        ["Name", "Since", "Last used", ""],
        ["Name", "Seit", "Zuletzt genutzt", ""];
    link_columns:
        ["Provider", "Subject", "Name there", "Since", "Last used", ""],
        ["Anbieter", "Kennung dort", "Name dort", "Seit", "Zuletzt genutzt", ""];
    registered_columns:
        ["Identifier", "Name", "Redirect URIs", "Used", "Registered", "Expires", ""],
        ["Kennung", "Name", "Redirect-URIs", "Benutzt", "Registriert", "Läuft ab", ""];
    registration_token_columns:
        ["Identifier", "Description", "Uses left", "Expires", ""],
        ["Kennung", "Beschreibung", "Noch nutzbar", "Läuft ab", ""];
    grant_columns:
        ["Client", "Scope", "Last used", ""],
        ["Client", "Scope", "Zuletzt genutzt", ""];
    invitation_columns:
        ["E-mail address", "What the account gets", "Expires", ""],
        ["E-Mail-Adresse", "Was das Konto erhält", "Läuft ab", ""];
    group_columns:
        ["Name", "Shown as", "Description", "Roles in applications"],
        ["Name", "Angezeigt als", "Beschreibung", "Rollen in Anwendungen"];
    member_columns:
        ["User name", "Identifier (sub)", ""],
        ["Benutzername", "Kennung (sub)", ""];
    found_columns:
        ["User name", "E-mail address", ""],
        ["Benutzername", "E-Mail-Adresse", ""];
    client_columns:
        ["Identifier", "Name", "Type", "State"],
        ["Kennung", "Name", "Typ", "Zustand"];
    identity_provider_columns:
        ["Name", "Shown as", "Kind", "Issuer", "State"],
        ["Name", "Angezeigt als", "Art", "Aussteller", "Zustand"];
    secret_columns:
        ["Hash", "Description", "Expires", ""],
        ["Hash", "Beschreibung", "Läuft ab", ""];
    api_columns:
        ["Name", "Shown as", "Scopes", "Claims"],
        ["Name", "Angezeigt als", "Scopes", "Claims"];
    identity_columns:
        ["Name", "Shown as", "Claims"],
        ["Name", "Angezeigt als", "Claims"];
    scope_columns:
        ["Name", "Shown as", "Description"],
        ["Name", "Angezeigt als", "Beschreibung"];
    key_columns:
        ["Identifier (kid)", "Algorithm", "State", "Since", ""],
        ["Kennung (kid)", "Algorithmus", "Zustand", "Seit", ""];
    mail_columns:
        ["To", "Kind", "Written", "Attempts", "Next attempt", "Last problem", ""],
        ["An", "Art", "Geschrieben", "Versuche", "Nächster Versuch", "Letztes Problem", ""];
    event_fields:
        [
            "Event",
            "Actor",
            "User (sub)",
            "Kind of object",
            "Object",
            "Client",
            "Address",
            "User agent",
            "Request"
        ],
        [
            "Ereignis",
            "Handelnder",
            "Benutzer (sub)",
            "Art des Objekts",
            "Objekt",
            "Client",
            "Adresse",
            "User-Agent",
            "Anfrage"
        ];
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_language_is_german_or_english() {
        for (language, expected) in [("de", "de"), ("de-AT", "de"), ("en-GB", "en"), ("fr", "en")] {
            assert_eq!(of(language).language, expected, "{language}");
        }
    }

    #[test]
    fn tables_have_as_many_headings_in_each_language() {
        let (english, german) = (of("en"), of("de"));
        assert_eq!(english.user_columns.len(), german.user_columns.len());
        assert_eq!(english.event_fields.len(), german.event_fields.len());
        assert_eq!(english.role_name("owner"), "Owner");
        assert_eq!(german.role_name("something else"), "something else");
    }
}
