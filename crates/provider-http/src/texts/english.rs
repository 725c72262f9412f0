//! English.

use doorward_protocol::params::ParamsError;
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

/// Every text in English.
pub(crate) static ENGLISH: Texts = Texts {
    lang: "en",
    footer: Phrase("Signing in is handled by {name}. Your password stays here."),
    imprint: "Imprint",
    help: "Help",
    sign_in: "Sign in",
    to_this_provider: "to this provider",
    to_continue_to: Phrase("to continue to {name}"),
    user_name: "User name",
    password: "Password",
    remember_me: "Remember me on this device",
    cancel: "Cancel",
    wrong_password: "The user name or the password is wrong. Check both and try again.",
    form_expired: "This page was open for too long, or cookies are blocked. Try again.",
    too_busy: "Too many people are signing in at the moment. Try again in a few seconds.",
    enter_both: "Enter your user name and your password.",
    throttled: Counted {
        one: "Too many sign-ins have failed. Wait 1 second, then try again.",
        other: Phrase("Too many sign-ins have failed. Wait {seconds} seconds, then try again."),
    },
    another_user_expected: Phrase(
        "You are signed in as {name}, and the application expects another user. Sign in \
                 as that user, or cancel.",
    ),
    allow_access: "Allow access",
    allow_client: Phrase("Allow {name}?"),
    signed_in_as: "You are signed in as",
    registered_itself: Phrase(
        "This application registered itself. Nobody here has checked it or its name. What you \
             allow goes to {place}.",
    ),
    described_at: Phrase(
        "This application is described by {host}. Nobody here has checked it. What you allow \
             goes to {place}.",
    ),
    this_computer: "a program on this computer",
    privacy_policy: "Privacy policy",
    terms_of_service: "Terms of service",
    it_asks_for: "The application asks for:",
    always_needed: "Always needed",
    remember_decision: "Remember my decision",
    allow: "Allow",
    do_not_allow: "Do not allow",
    something_is_wrong: "Something is wrong",
    did_not_work: "This did not work",
    go_back: "Go back to the application and try again. If it happens again, tell the people who \
        run it this code:",
    unvouched_page: Phrase(
        "The application at {host} sent a request that can't be answered. It registered \
             itself, and nobody here has checked it. Go on only if you know {host}.",
    ),
    go_on_to: Phrase("Go on to {host}"),
    unavailable: "The provider can't answer at the moment. Try again in a minute.",
    no_such_page: "There is no such page here. If an application sent you, go back to it and try \
        again.",
    foreign_return_url: "This page was opened with a return address that does not belong to this \
        provider. Start again from the application.",
    form_refused,
    authorize_refused,
    end_session_refused,
    one_moment: "One moment",
    being_returned: "You are being returned to the application.",
    go_on: "Continue",
    signed_in: "Signed in",
    you_are_signed_in: "You are signed in",
    browser_signed_in_as: "This browser is signed in as",
    no_password_again: "Applications that use this provider don't ask for your password again.",
    sign_out: "Sign out",
    sign_out_question: "Sign out?",
    client_asks: Phrase("{name} asks to sign you out."),
    end_session_problem,
    stay_signed_in: "Stay signed in",
    signed_out: "Signed out",
    you_are_signed_out: "You are signed out",
    signing_out_elsewhere: "You are being signed out of your other applications. Then you return \
        to the application.",
    you_can_close: "You can close this page, or sign in again.",
    back_to: Phrase("Back to {name}"),
    the_application: "the application",
    client_signs_out: "Signing out of an application",
    access_and_sessions: "Access and sessions",
    with_access: "Applications with access",
    nobody_has_access: "No application has access at the moment.",
    since: "Since",
    last_used: "last used",
    not_in_use: "Allowed, not in use",
    open: "Open",
    open_application: Phrase("Open {name}"),
    take_back: "Remove access",
    take_back_from: Phrase("Remove the access of {name}"),
    where_signed_in: "Where you are signed in",
    older_sessions: "Older sign-ins",
    more_applications: "More applications",
    unknown_browser: "Unknown browser",
    this_browser: "This browser",
    end: "End",
    end_session_in: Phrase("End the session in {name}"),
    signed_in_at: "Signed in",
    address: "address",
    back: "Back",
    connect_a_device: "Connect a device",
    enter_device_code: "Enter the code that the device shows.",
    code: "Code",
    go_on_with_phone: "Continue on your phone",
    qr_code: "The address of this page as a QR code",
    device_shows: "Does your device show",
    device_warning: "Continue only if you have this device in front of you. If someone sent you \
        the code, they would get into your account.",
    command_line_warning: "This gives a command line the whole administration, with all your \
        rights. Allow it only if you started it a moment ago on your own machine. If someone sent \
        you the code, do not allow it.",
    type_command_code: "Type the code that your command line shows. If someone sent you the code \
        or a link to this page, close it: they want your rights.",
    not_an_administrator: "This code is of a command line for administrators, and you are not one. \
        If someone sent you the code, tell your administrators.",
    device_asks_for: "The device asks for:",
    device_connected: (
        "The device is connected",
        "Go back to the device: it continues in a few seconds. You can close this page.",
    ),
    device_not_connected: (
        "The device is not connected",
        "You did not allow it. You can close this page.",
    ),
    unknown_device_code: "This code is wrong, has expired or was already used. Enter the code that \
        the device shows now.",
    factors: &factors::ENGLISH,
    external: &external::ENGLISH,
    upstream: &upstream::ENGLISH,
    directory: &directory::ENGLISH,
    codes_throttled: Counted {
        one: "Too many codes were entered. Wait 1 second, then try again.",
        other: Phrase("Too many codes were entered. Wait {seconds} seconds, then try again."),
    },
    accounts: accounts::ENGLISH,
    own_page: own_page::ENGLISH,
    demo_mail: &demo_mail::ENGLISH,
    scopes: SCOPES,
};

fn form_refused(error: &FormError) -> String {
    match error {
        FormError::Params(ParamsError::Repeated(name)) => {
            format!("The request has the parameter {name} more than once.")
        }
        FormError::Body(_) => "The request is too large, or it did not arrive in full.".to_owned(),
        FormError::NotAForm | FormError::Params(_) => {
            "The request can't be read. It is not a form, or it is too long.".to_owned()
        }
    }
}

fn authorize_refused(request: &UnsafeRequest) -> String {
    request.to_string()
}

fn end_session_problem(problem: EndSessionProblem) -> String {
    let what = match problem {
        EndSessionProblem::InvalidHint => {
            "The application did not prove which sign-in it belongs to (id_token_hint)."
        }
        EndSessionProblem::NoClient => {
            "The application asked to return to an address, but did not say who it is \
             (client_id)."
        }
        EndSessionProblem::UnknownClient => {
            "The application that sent you here is not known to this provider (client_id)."
        }
        EndSessionProblem::UnregisteredAddress => {
            "The application asked to return to an address that is not registered for it \
             (post_logout_redirect_uri)."
        }
    };
    format!("{what} You are not taken back to it.")
}

fn end_session_refused(error: EndSessionError) -> String {
    error.to_string()
}

/// They are in English already.
const SCOPES: &[(&str, &str)] = &[];
