//! German.

use doorward_protocol::{ids::ClientId, params::ParamsError};
use doorward_provider::use_case::{
    authorize::UnsafeRequest,
    end_session::{EndSessionError, EndSessionProblem},
};

use super::{
    Texts, accounts, demo_mail, directory, external, factors, own_page,
    phrase::{Counted, Phrase},
    upstream,
};
use crate::http::form::FormError;

/// Every text in German.
pub(crate) static GERMAN: Texts = Texts {
    lang: "de",
    footer: Phrase("Die Anmeldung übernimmt {name}. Ihr Passwort bleibt hier."),
    imprint: "Impressum",
    help: "Hilfe",
    sign_in: "Anmelden",
    to_this_provider: "bei diesem Anbieter",
    to_continue_to: Phrase("um mit {name} fortzufahren"),
    user_name: "Benutzername",
    password: "Passwort",
    remember_me: "Auf diesem Gerät angemeldet bleiben",
    cancel: "Abbrechen",
    wrong_password: "Benutzername oder Passwort ist falsch. Prüfen Sie beides und versuchen Sie es \
        noch einmal.",
    form_expired: "Diese Seite war zu lange geöffnet, oder Cookies sind gesperrt. Versuchen Sie es \
        noch einmal.",
    too_busy: "Im Augenblick melden sich zu viele Menschen an. Versuchen Sie es in ein paar \
        Sekunden noch einmal.",
    enter_both: "Geben Sie Benutzername und Passwort ein.",
    throttled: Counted {
        one: "Zu viele Anmeldungen sind fehlgeschlagen. Warten Sie 1 Sekunde und versuchen Sie es \
            dann noch einmal.",
        other: Phrase(
            "Zu viele Anmeldungen sind fehlgeschlagen. Warten Sie {seconds} Sekunden und versuchen \
             Sie es dann noch einmal.",
        ),
    },
    another_user_expected: Phrase(
        "Sie sind als {name} angemeldet, und die Anwendung erwartet eine andere Person. \
                 Melden Sie sich als diese an, oder brechen Sie ab.",
    ),
    allow_access: "Zugriff erlauben",
    allow_client: Phrase("{name} erlauben?"),
    signed_in_as: "Sie sind angemeldet als",
    registered_itself: Phrase(
        "Diese Anwendung hat sich selbst angemeldet. Niemand hier hat sie oder ihren Namen \
             geprüft. Was Sie erlauben, geht an {place}.",
    ),
    described_at: Phrase(
        "Diese Anwendung wird von {host} beschrieben. Niemand hier hat sie geprüft. Was Sie \
             erlauben, geht an {place}.",
    ),
    this_computer: "ein Programm auf diesem Rechner",
    privacy_policy: "Datenschutz",
    terms_of_service: "Nutzungsbedingungen",
    it_asks_for: "Die Anwendung bittet um:",
    always_needed: "Immer nötig",
    remember_decision: "Meine Entscheidung merken",
    allow: "Erlauben",
    do_not_allow: "Nicht erlauben",
    something_is_wrong: "Etwas stimmt nicht",
    did_not_work: "Das hat nicht geklappt",
    go_back: "Gehen Sie zur Anwendung zurück und versuchen Sie es noch einmal. Wenn es wieder \
        geschieht, nennen Sie den Betreibern diesen Code:",
    unvouched_page: Phrase(
        "Die Anwendung auf {host} hat eine Anfrage gestellt, die nicht beantwortet werden \
             kann. Sie hat sich selbst angemeldet, und niemand hier hat sie geprüft. Gehen Sie \
             nur weiter, wenn Sie {host} kennen.",
    ),
    go_on_to: Phrase("Weiter zu {host}"),
    unavailable: "Der Anbieter kann im Augenblick nicht antworten. Versuchen Sie es in einer \
        Minute noch einmal.",
    no_such_page: "Diese Seite gibt es hier nicht. Wenn eine Anwendung Sie geschickt hat, gehen \
        Sie zu ihr zurück und versuchen Sie es noch einmal.",
    foreign_return_url: "Diese Seite wurde mit einer Rücksprungadresse geöffnet, die nicht zu \
        diesem Anbieter gehört. Beginnen Sie noch einmal in der Anwendung.",
    form_refused,
    authorize_refused,
    end_session_refused,
    one_moment: "Einen Augenblick",
    being_returned: "Sie werden zur Anwendung zurückgeleitet.",
    go_on: "Weiter",
    signed_in: "Angemeldet",
    you_are_signed_in: "Sie sind angemeldet",
    browser_signed_in_as: "Dieser Browser ist angemeldet als",
    no_password_again: "Anwendungen, die diesen Anbieter nutzen, fragen nicht noch einmal nach \
        Ihrem Passwort.",
    sign_out: "Abmelden",
    sign_out_question: "Abmelden?",
    client_asks: Phrase("{name} möchte Sie abmelden."),
    end_session_problem,
    stay_signed_in: "Angemeldet bleiben",
    signed_out: "Abgemeldet",
    you_are_signed_out: "Sie sind abgemeldet",
    signing_out_elsewhere: "Sie werden auch bei Ihren anderen Anwendungen abgemeldet. Danach geht \
        es zurück zur Anwendung.",
    you_can_close: "Sie können diese Seite schließen oder sich wieder anmelden.",
    back_to: Phrase("Zurück zu {name}"),
    the_application: "der Anwendung",
    client_signs_out: "Abmeldung bei einer Anwendung",
    access_and_sessions: "Zugriffe und Sitzungen",
    with_access: "Anwendungen mit Zugriff",
    nobody_has_access: "Im Augenblick hat keine Anwendung Zugriff.",
    since: "Seit",
    last_used: "zuletzt genutzt",
    not_in_use: "Erlaubt, nicht genutzt",
    open: "Öffnen",
    open_application: Phrase("{name} öffnen"),
    take_back: "Zugriff entziehen",
    take_back_from: Phrase("{name} den Zugriff entziehen"),
    where_signed_in: "Wo Sie angemeldet sind",
    older_sessions: "Ältere Anmeldungen",
    more_applications: "Weitere Anwendungen",
    unknown_browser: "Unbekannter Browser",
    this_browser: "Dieser Browser",
    end: "Beenden",
    end_session_in: Phrase("Die Sitzung in {name} beenden"),
    signed_in_at: "Angemeldet",
    address: "Adresse",
    back: "Zurück",
    connect_a_device: "Ein Gerät verbinden",
    enter_device_code: "Geben Sie den Code ein, den das Gerät anzeigt.",
    code: "Code",
    go_on_with_phone: "Mit dem Telefon fortfahren",
    qr_code: "Die Adresse dieser Seite als QR-Code",
    device_shows: "Zeigt Ihr Gerät",
    device_warning: "Fahren Sie nur fort, wenn Sie das Gerät selbst vor sich haben. Wer Ihnen den \
        Code geschickt hat, käme sonst in Ihr Konto.",
    command_line_warning: "Damit bekommt eine Kommandozeile die ganze Verwaltung, mit allen Ihren \
        Rechten. Erlauben Sie es nur, wenn Sie sie gerade selbst auf Ihrem Rechner gestartet \
        haben. Hat Ihnen jemand den Code geschickt, erlauben Sie es nicht.",
    type_command_code: "Tippen Sie den Code ein, den Ihre Kommandozeile anzeigt. Hat Ihnen jemand \
        den Code oder einen Link hierher geschickt, schließen Sie die Seite: Man will Ihre Rechte.",
    not_an_administrator: "Dieser Code gehört zu einer Kommandozeile für die Verwaltung, und Sie \
        verwalten hier nichts. Hat Ihnen jemand den Code geschickt, melden Sie es.",
    device_asks_for: "Das Gerät bittet um:",
    device_connected: (
        "Das Gerät ist verbunden",
        "Gehen Sie zum Gerät zurück: Es macht in ein paar Sekunden von selbst weiter. \
         Sie können diese Seite schließen.",
    ),
    device_not_connected: (
        "Das Gerät ist nicht verbunden",
        "Sie haben es nicht erlaubt. Sie können diese Seite schließen.",
    ),
    unknown_device_code: "Dieser Code ist falsch, abgelaufen oder wurde schon benutzt. Geben Sie \
        den Code ein, den das Gerät jetzt anzeigt.",
    factors: &factors::GERMAN,
    external: &external::GERMAN,
    upstream: &upstream::GERMAN,
    directory: &directory::GERMAN,
    codes_throttled: Counted {
        one: "Zu viele Codes wurden eingegeben. Warten Sie 1 Sekunde und versuchen Sie es dann \
            noch einmal.",
        other: Phrase(
            "Zu viele Codes wurden eingegeben. Warten Sie {seconds} Sekunden und versuchen Sie es \
             dann noch einmal.",
        ),
    },
    accounts: accounts::GERMAN,
    own_page: own_page::GERMAN,
    demo_mail: &demo_mail::GERMAN,
    scopes: SCOPES,
};

fn form_refused(error: &FormError) -> String {
    match error {
        FormError::Params(ParamsError::Repeated(name)) => {
            format!("Die Anfrage enthält den Parameter {name} mehr als einmal.")
        }
        FormError::Body(_) => {
            "Die Anfrage ist zu groß, oder sie kam nicht vollständig an.".to_owned()
        }
        FormError::NotAForm | FormError::Params(_) => {
            "Die Anfrage ist nicht lesbar. Sie ist kein Formular, oder sie ist zu lang.".to_owned()
        }
    }
}

fn end_session_problem(problem: EndSessionProblem) -> String {
    let what = match problem {
        EndSessionProblem::InvalidHint => {
            "Die Anwendung hat nicht nachgewiesen, zu welcher Anmeldung sie gehört (id_token_hint)."
        }
        EndSessionProblem::NoClient => {
            "Die Anwendung nennt eine Rücksprungadresse, aber nicht, wer sie ist (client_id)."
        }
        EndSessionProblem::UnknownClient => {
            "Die Anwendung, die Sie geschickt hat, ist hier nicht bekannt (client_id)."
        }
        EndSessionProblem::UnregisteredAddress => {
            "Die Anwendung nennt eine Rücksprungadresse, die für sie nicht eingetragen ist \
             (post_logout_redirect_uri)."
        }
    };
    format!("{what} Sie werden nicht zu ihr zurückgeleitet.")
}

fn end_session_refused(error: EndSessionError) -> String {
    match error {
        EndSessionError::ClientMismatch => {
            "Die client_id der Anwendung passt nicht zu ihrem id_token_hint.".to_owned()
        }
        EndSessionError::Unavailable => {
            "Der Anmeldedienst kann gerade nicht antworten. Versuchen Sie es in einer Minute noch \
             einmal."
                .to_owned()
        }
    }
}

fn authorize_refused(request: &UnsafeRequest) -> String {
    let text = match request {
        UnsafeRequest::Unreadable(_) => "Die Anfrage der Anwendung kann nicht gelesen werden.",
        UnsafeRequest::UnknownClient => {
            "Die Anwendung, die Sie geschickt hat, ist hier nicht bekannt."
        }
        UnsafeRequest::UnreadableDocument(host) => {
            return format!(
                "Die Anwendung beschreibt sich unter {host}, und diese Beschreibung kann nicht \
                 gelesen werden oder ist nicht gültig."
            );
        }
        UnsafeRequest::OverlongDocumentUrl => {
            return format!(
                "Die Anwendung beschreibt sich unter einer Adresse mit mehr als {} Zeichen \
                 (client_id), was hier zu lang ist.",
                ClientId::LONGEST
            );
        }
        UnsafeRequest::UnknownRequestUri => {
            "Der Link, über den Sie hierher kamen, ist abgelaufen oder wurde schon benutzt. \
             Beginnen Sie in der Anwendung von vorn."
        }
        UnsafeRequest::Unavailable => {
            "Die Anmeldung ist im Moment nicht möglich. Versuchen Sie es in einer Minute noch \
             einmal."
        }
        UnsafeRequest::MissingRedirectUri => {
            "Die Anwendung hat nicht gesagt, wohin es zurückgehen soll (redirect_uri)."
        }
        UnsafeRequest::UnregisteredRedirectUri => {
            "Die Anwendung nennt eine Rücksprungadresse, die für sie nicht eingetragen ist \
             (redirect_uri)."
        }
        UnsafeRequest::RequestObject(code, _) => {
            return format!(
                "Die Anwendung hat eine Anfrage geschickt, die hier nicht angenommen wird ({code})."
            );
        }
        UnsafeRequest::TooLarge => {
            "Die Anwendung hat eine Anfrage geschickt, die hier zu groß ist."
        }
        UnsafeRequest::Repeated(name) => {
            return format!("Die Anwendung hat den Parameter {name} mehr als einmal geschickt.");
        }
    };
    text.to_owned()
}

/// The scopes of OIDC Core section 5.4, `groups` and `offline_access`, by their English names.
const SCOPES: &[(&str, &str)] = &[
    ("Your user identifier", "Ihre Benutzerkennung"),
    ("Your profile: name and the like", "Ihr Profil: Name und Ähnliches"),
    ("Your email address", "Ihre E-Mail-Adresse"),
    ("Your phone number", "Ihre Telefonnummer"),
    ("Your postal address", "Ihre Postanschrift"),
    ("Your groups", "Ihre Gruppen"),
    ("Access while you are away", "Zugriff, während Sie nicht da sind"),
    (
        "The application stays signed in for you without asking again.",
        "Die Anwendung bleibt für Sie angemeldet, ohne noch einmal zu fragen.",
    ),
];
