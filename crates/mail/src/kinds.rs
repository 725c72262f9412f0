//! Which messages there are, what is known when each is written, and our templates for them.

use serde_json::{Map, Value};

/// The languages of the messages, by their tags. The first is for readers of any other.
pub const LANGUAGES: [&str; 2] = ["en", "de"];

/// The message that an operator sends to try out the settings.
pub const TEST_MESSAGE: &str = "test";

/// A kind of message. Each value comes with an example.
#[derive(Debug)]
pub struct MessageKind {
    /// The name of its templates, without language and ending.
    pub name: &'static str,
    /// What it always has.
    always: &'static [(&'static str, &'static str)],
    /// What it has if it is known.
    sometimes: &'static [(&'static str, &'static str)],
}

const SITE: (&str, &str) = ("site", "accounts.example.com");
const LINK: (&str, &str) = ("link", "https://accounts.example.com/account/example?ticket=abc");
const VALID_FOR: (&str, &str) = ("valid_for", "30 minutes");
const NAME: (&str, &str) = ("name", "Alice Example");
const DEVICE: (&str, &str) = ("device", "Firefox, Linux");
const ADDRESS: (&str, &str) = ("address", "192.0.2.7");
const AT: (&str, &str) = ("at", "2027-01-15 08:00 UTC");
/// Whether it was an administrator who made the change: it is true, or not there.
const BY_ADMINISTRATOR: (&str, &str) = ("by_administrator", TRUE);
/// The example of a value that is true, and not a text.
const TRUE: &str = "true";
const FACTOR: (&str, &str) = ("factor", "passkey “Laptop”");

/// Every kind of message. Those to an address that nobody has confirmed yet say no name: otherwise
/// strangers could use it to send words of their own to anyone.
pub const MESSAGE_KINDS: [MessageKind; 18] = [
    MessageKind { name: "verify_email", always: &[SITE, LINK, VALID_FOR], sometimes: &[] },
    MessageKind { name: "change_email", always: &[SITE, LINK, VALID_FOR], sometimes: &[] },
    MessageKind {
        name: "email_changed",
        always: &[SITE],
        sometimes: &[NAME, ("new_email", "new@example.com"), AT, BY_ADMINISTRATOR],
    },
    MessageKind { name: "reset_password", always: &[SITE, LINK, VALID_FOR], sometimes: &[NAME] },
    MessageKind {
        name: "password_changed",
        always: &[SITE],
        sometimes: &[NAME, DEVICE, ADDRESS, AT, BY_ADMINISTRATOR],
    },
    MessageKind {
        name: "password_removed",
        always: &[SITE],
        sometimes: &[NAME, DEVICE, ADDRESS, AT],
    },
    MessageKind {
        name: "profile_changed",
        always: &[SITE],
        sometimes: &[NAME, DEVICE, ADDRESS, AT],
    },
    MessageKind {
        name: "password_guessed",
        always: &[SITE],
        sometimes: &[NAME, ADDRESS, AT, LINK],
    },
    MessageKind { name: "invitation", always: &[SITE, LINK, VALID_FOR], sometimes: &[] },
    MessageKind { name: "account_exists", always: &[SITE], sometimes: &[LINK] },
    MessageKind { name: "new_device", always: &[SITE], sometimes: &[NAME, DEVICE, ADDRESS, AT] },
    MessageKind {
        name: "factor_added",
        always: &[SITE, FACTOR],
        sometimes: &[NAME, AT, BY_ADMINISTRATOR],
    },
    MessageKind {
        name: "factor_removed",
        always: &[SITE, FACTOR],
        sometimes: &[NAME, AT, BY_ADMINISTRATOR],
    },
    MessageKind { name: "factors_reset", always: &[SITE], sometimes: &[NAME, AT] },
    MessageKind {
        name: "recovery_code_used",
        always: &[SITE],
        sometimes: &[NAME, ("left", "7"), AT],
    },
    MessageKind {
        name: "recovery_codes_made",
        always: &[SITE],
        sometimes: &[NAME, DEVICE, ADDRESS, AT],
    },
    MessageKind { name: "account_deleted", always: &[SITE], sometimes: &[NAME, AT] },
    MessageKind { name: TEST_MESSAGE, always: &[], sometimes: &[SITE] },
];

impl MessageKind {
    /// Made-up data with every value that a message of this kind may have.
    pub fn sample(&self) -> Map<String, Value> {
        values(self.always.iter().chain(self.sometimes))
    }

    /// Made-up data with the values that it always has.
    pub(crate) fn bare_sample(&self) -> Map<String, Value> {
        values(self.always)
    }
}

fn values<'a>(
    pairs: impl IntoIterator<Item = &'a (&'static str, &'static str)>,
) -> Map<String, Value> {
    let example = |text: &str| if text == TRUE { Value::Bool(true) } else { text.into() };
    pairs.into_iter().map(|&(key, text)| (key.to_owned(), example(text))).collect()
}

/// Whether a file of this name has a place: `message.html`, or `LANGUAGE/KIND.txt` or `.html`.
pub(crate) fn may_have_template(name: &str) -> bool {
    let of_kind = || {
        let (language, file) = name.split_once('/')?;
        let (kind, ending) = file.split_once('.')?;
        let is_kind = MESSAGE_KINDS.iter().any(|known| known.name == kind);
        Some(is_kind && LANGUAGES.contains(&language) && ["txt", "html"].contains(&ending))
    };
    name == "message.html" || of_kind().unwrap_or(false)
}

macro_rules! in_both_languages {
    ($($name:literal),* $(,)?) => {
        [
            $(
                (concat!("en/", $name, ".txt"),
                 include_str!(concat!("../templates/en/", $name, ".txt"))),
                (concat!("de/", $name, ".txt"),
                 include_str!(concat!("../templates/de/", $name, ".txt"))),
            )*
            ("message.html", include_str!("../templates/message.html")),
        ]
    };
}

/// Our templates, as they are: the name of each with its text.
pub fn originals() -> impl Iterator<Item = (String, &'static str)> {
    let all = in_both_languages![
        "verify_email",
        "change_email",
        "email_changed",
        "reset_password",
        "password_changed",
        "password_removed",
        "profile_changed",
        "password_guessed",
        "invitation",
        "account_exists",
        "new_device",
        "factor_added",
        "factor_removed",
        "factors_reset",
        "recovery_code_used",
        "recovery_codes_made",
        "account_deleted",
        "test",
    ];
    all.into_iter().map(|(name, text)| (name.to_owned(), text))
}
