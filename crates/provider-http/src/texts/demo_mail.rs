//! The texts of `/demo/mail`.

use super::replaced::replaceable;

replaceable! {
    /// The texts about kept messages in one language.
    #[derive(Debug)]
    pub(crate) struct DemoMailTexts {
        /// Title, and the link to the page.
        pub(crate) title: &'static str,
        /// Under the title.
        pub(crate) explanation: &'static str,
        /// When there are none.
        pub(crate) none: &'static str,
        /// Before an address.
        pub(crate) to: &'static str,
        /// Link.
        pub(crate) as_html: &'static str,
        /// Link.
        pub(crate) all: &'static str,
    }
}

pub(super) static ENGLISH: DemoMailTexts = DemoMailTexts {
    title: "Mail",
    explanation: "This is demo mode: mail is not sent. It is kept here until the server stops.",
    none: "No message has been written yet.",
    to: "To",
    as_html: "Show it as a mail program does",
    all: "All messages",
};

pub(super) static GERMAN: DemoMailTexts = DemoMailTexts {
    title: "E-Mails",
    explanation: "Dies ist der Demo-Betrieb: E-Mails werden nicht versandt. Sie bleiben hier, bis \
        der Server endet.",
    none: "Es wurde noch keine Nachricht geschrieben.",
    to: "An",
    as_html: "So anzeigen wie ein Mailprogramm",
    all: "Alle Nachrichten",
};
