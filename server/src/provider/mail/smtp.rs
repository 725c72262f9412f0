//! Sends messages by SMTP (RFC 5321), with TLS by rustls: one connection for each message.
//!
//! The steps are told apart, so that a failure says which of them it was and what to do.

use std::{fmt, future::Future};

use doorward_mail::Message;
use doorward_protocol::secret::Secret;
use lettre::{
    Address,
    message::{
        Mailbox, MultiPart,
        header::{HeaderName, HeaderValue},
    },
    transport::smtp::{
        Error,
        authentication::{Credentials, DEFAULT_MECHANISMS},
        client::{AsyncSmtpConnection, Certificate, TlsParameters},
        commands::{Data, Mail, Rcpt},
        extension::{ClientId, Extension, MailBodyParameter, MailParameter},
    },
};

use super::refusal::{Blame, blame};
use crate::config::{MailPassword, MailServer, MailTls};

/// The longest address that a mail server must accept (RFC 5321 section 4.5.3.1.3, less the angle
/// brackets).
const LONGEST_ADDRESS: usize = 254;

/// Sends messages to one mail server.
#[derive(Debug)]
pub struct SmtpSender {
    /// The way there.
    pub server: MailServer,
    /// Our host name, as we greet the server with it.
    pub hello: String,
    /// Certification authorities (DER) that are trusted beside the machine's.
    pub trusted: Vec<Vec<u8>>,
}

/// A step on the way of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// The message is put together.
    Write,
    /// The server is reached and greets us, by TLS if that comes first.
    Connect,
    /// TLS begins by `STARTTLS`.
    StartTls,
    /// We sign in.
    SignIn,
    /// The server lets us send from our address.
    Sender,
    /// The server takes mail for the address that it goes to.
    Recipient,
    /// The server takes the message.
    Send,
}

/// A message was not sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{step}: {cause}")]
pub struct SmtpError {
    /// Which step failed.
    pub step: Step,
    /// Why.
    pub cause: String,
    /// Whose fault it is.
    pub blame: Blame,
}

impl fmt::Display for Step {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Write => "the message can't be written",
            Self::Connect => "the mail server can't be reached",
            Self::StartTls => "the mail server's STARTTLS failed",
            Self::SignIn => "the mail server does not accept our name and password",
            Self::Sender => "the mail server does not let us send",
            Self::Recipient => "the mail server does not take mail for this address",
            Self::Send => "the mail server does not take the message",
        })
    }
}

impl Step {
    /// The step in a word or two.
    pub fn label(self) -> &'static str {
        match self {
            Self::Write => "message",
            Self::Connect => "connection",
            Self::StartTls => "STARTTLS",
            Self::SignIn => "sign-in",
            Self::Sender => "sender",
            Self::Recipient => "recipient",
            Self::Send => "delivery",
        }
    }
}

impl SmtpError {
    /// What to try.
    pub fn advice(&self) -> &'static str {
        match self.step {
            Step::Write => "give an address like alice@example.com",
            Step::Connect => {
                "check mail.host, mail.port and mail.tls (implicit is usual on port 465, starttls \
                 on 587), the firewall, and that the certificate is for this host and from an \
                 authority that this machine, or tls.trusted_ca, trusts"
            }
            Step::StartTls => {
                "if the server speaks TLS from the first byte, set mail.tls = \"implicit\"; its \
                 certificate must be for mail.host and from an authority that this machine, or \
                 tls.trusted_ca, trusts"
            }
            Step::SignIn => {
                "check mail.username and the password; many services want a password made for \
                 applications only"
            }
            Step::Sender => {
                "the server's words say why: often it does not let this account send from \
                 mail.from, or wants mail.username and a password"
            }
            Step::Recipient => {
                "the server's words say why: often there is no such address, or the server lets \
                 this account not send from mail.from, or not to addresses elsewhere"
            }
            Step::Send => "the server's words say why: often it has no room, or dislikes the text",
        }
    }

    fn new(step: Step, cause: impl Into<String>, blame: Blame) -> Self {
        Self { step, cause: cause.into(), blame }
    }
}

impl SmtpSender {
    /// Sends a message. `id` names it for the receivers, so that they can tell a second copy of it.
    /// `passed` hears of each step that succeeded.
    pub async fn send(
        &self,
        to: &str,
        id: &str,
        message: &Message,
        mut passed: impl FnMut(Step, &str),
    ) -> Result<(), SmtpError> {
        let message = self.compose(to, id, message)?;
        passed(Step::Write, "the address and the sender are well-formed");
        let hello = ClientId::Domain(self.hello.clone());
        let MailServer { host, port, tls, timeout, .. } = &self.server;
        let first = match tls {
            MailTls::Implicit => Some(self.tls(Step::Connect)?),
            MailTls::StartTls | MailTls::None => None,
        };
        let server = (host.as_str(), *port);
        let connect =
            AsyncSmtpConnection::connect_tokio1(server, Some(*timeout), &hello, first, None);
        let mut connection = self.limited(Step::Connect, connect).await?;
        passed(Step::Connect, "the server greets us");
        if *tls == MailTls::StartTls {
            let tls = self.tls(Step::StartTls)?;
            self.limited(Step::StartTls, connection.starttls(tls, &hello)).await?;
            passed(Step::StartTls, "the connection is encrypted, and the certificate is right");
        }
        if let Some((username, password)) = &self.server.login {
            let password = read(password)?;
            let credentials = Credentials::new(username.clone(), password.expose().to_owned());
            self.limited(Step::SignIn, connection.auth(DEFAULT_MECHANISMS, &credentials)).await?;
            passed(Step::SignIn, "the server accepts our name and password");
        }
        let sent = self.hand_over(&mut connection, &message, passed).await;
        // Whether or not it has the message now, however it answers.
        let _ = tokio::time::timeout(*timeout, connection.quit()).await;
        sent
    }

    /// Hands the message to a server that has signed us in. The commands go one by one: only a
    /// refusal of the recipient may be the mail's own.
    async fn hand_over(
        &self,
        connection: &mut AsyncSmtpConnection,
        message: &lettre::Message,
        mut passed: impl FnMut(Step, &str),
    ) -> Result<(), SmtpError> {
        let (envelope, bytes) = (message.envelope(), message.formatted());
        let mut parameters = Vec::new();
        let is_beyond_ascii = |address: &Address| !AsRef::<str>::as_ref(address).is_ascii();
        if envelope.from().into_iter().chain(envelope.to()).any(is_beyond_ascii) {
            if !connection.server_info().supports_feature(Extension::SmtpUtfEight) {
                return Err(self.takes_ascii_only());
            }
            parameters.push(MailParameter::SmtpUtfEight);
        }
        if !bytes.is_ascii() {
            // RFC 6531 section 3.1: whoever knows SMTPUTF8 knows this, too.
            parameters.push(MailParameter::Body(MailBodyParameter::EightBitMime));
        }
        let from = Mail::new(envelope.from().cloned(), parameters);
        self.limited(Step::Sender, connection.command(from)).await?;
        passed(Step::Sender, "the server lets us send from mail.from");
        for to in envelope.to() {
            let to = Rcpt::new(to.clone(), Vec::new());
            self.limited(Step::Recipient, connection.command(to)).await?;
        }
        passed(Step::Recipient, "the server takes mail for this address");
        self.limited(Step::Send, connection.command(Data)).await?;
        self.limited(Step::Send, connection.message(&bytes)).await?;
        passed(Step::Send, "the server takes the message");
        Ok(())
    }

    /// The error about an address with characters beyond ASCII before its `@`.
    fn takes_ascii_only(&self) -> SmtpError {
        const ONLY: &str = "has characters beyond ASCII before the @, which this mail server does \
                            not know (SMTPUTF8)";
        let from: &str = self.server.from.email.as_ref();
        if from.is_ascii() {
            let cause = format!("the address {ONLY}");
            SmtpError::new(Step::Recipient, cause, Blame::Message)
        } else {
            SmtpError::new(Step::Sender, format!("mail.from {ONLY}"), Blame::Server)
        }
    }

    fn compose(&self, to: &str, id: &str, message: &Message) -> Result<lettre::Message, SmtpError> {
        let refused = |cause: String| SmtpError::new(Step::Write, cause, Blame::Message);
        let to = address(to).map_err(refused)?;
        let automatic = HeaderName::new_from_ascii_str("Auto-Submitted");
        lettre::Message::builder()
            .from(self.server.from.clone())
            .to(Mailbox::new(None, to))
            .subject(message.subject.clone())
            .message_id(Some(format!("<{id}@{}>", self.server.from.email.domain())))
            // RFC 3834 section 5: nobody's holiday answers this.
            .raw_header(HeaderValue::new(automatic, "auto-generated".to_owned()))
            .multipart(MultiPart::alternative_plain_html(
                message.text.clone(),
                message.html.clone(),
            ))
            .map_err(|error| refused(error.to_string()))
    }

    fn tls(&self, step: Step) -> Result<TlsParameters, SmtpError> {
        let failed = |error: Error| SmtpError::new(step, innermost(&error), Blame::Server);
        let mut builder = TlsParameters::builder(self.server.host.clone());
        for authority in &self.trusted {
            let certificate = Certificate::from_der(authority.clone()).map_err(failed)?;
            builder = builder.add_root_certificate(certificate);
        }
        builder.build().map_err(failed)
    }

    /// One step, within the limit of time.
    async fn limited<T>(
        &self,
        step: Step,
        work: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, SmtpError> {
        match tokio::time::timeout(self.server.timeout, work).await {
            Ok(Ok(done)) => Ok(done),
            Ok(Err(error)) => {
                let words = source(&error).to_string();
                let blame =
                    error.status().map_or(Blame::Server, |code| blame(step, code.into(), &words));
                Err(SmtpError::new(step, innermost(&error), blame))
            }
            Err(_) => {
                let cause = format!("no answer within {} seconds", self.server.timeout.as_secs());
                Err(SmtpError::new(step, cause, Blame::Server))
            }
        }
    }
}

fn read(password: &MailPassword) -> Result<Secret, SmtpError> {
    match password {
        MailPassword::Setting(password) => Ok(password.clone()),
        MailPassword::File(path) => match std::fs::read_to_string(path) {
            Ok(text) => Ok(Secret::new(text.trim_end_matches(['\r', '\n']))),
            Err(error) => {
                let cause = format!("mail.password_file {}: {error}", path.display());
                Err(SmtpError::new(Step::SignIn, cause, Blame::Server))
            }
        },
    }
}

/// The address of a person. Nothing in it can end a line or begin another header.
pub fn address(text: &str) -> Result<Address, String> {
    if text.len() > LONGEST_ADDRESS {
        return Err(format!("the address is longer than {LONGEST_ADDRESS} bytes"));
    }
    if text.chars().any(|own| own.is_control() || own.is_whitespace()) {
        return Err("the address has a space or a control character in it".to_owned());
    }
    let (local, domain) = text.rsplit_once('@').ok_or("there is no @ in the address")?;
    // Servers know a domain with letters beyond ASCII by its encoded form (RFC 5891).
    let Ok(url::Host::Domain(domain)) = url::Host::parse(domain) else {
        return Err("what follows the @ is not a domain".to_owned());
    };
    Address::new(local, domain).map_err(|error| format!("the address is not well-formed: {error}"))
}

/// The innermost cause, which says most: "connection refused".
fn source(error: &Error) -> &dyn std::error::Error {
    let mut cause: &dyn std::error::Error = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause
}

/// The innermost cause, with the server's code if it has one.
fn innermost(error: &Error) -> String {
    let cause = source(error);
    match error.status() {
        Some(status) => format!("{status} {cause}"),
        None => cause.to_string(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::time::Duration;

    use super::{
        super::test_server::{self, Manner},
        *,
    };

    struct TestServer(test_server::TestServer);

    impl TestServer {
        async fn start(tls: MailTls, manner: Manner) -> Self {
            let tls = match tls {
                MailTls::Implicit => test_server::Encryption::Implicit,
                MailTls::StartTls => test_server::Encryption::StartTls,
                MailTls::None => test_server::Encryption::None,
            };
            Self(test_server::TestServer::start(tls, manner).await)
        }

        fn received(&self) -> Vec<String> {
            self.0.received()
        }
    }

    fn sender(server: &TestServer, tls: MailTls) -> SmtpSender {
        SmtpSender {
            server: MailServer {
                host: "localhost".to_owned(),
                port: server.0.port,
                tls,
                login: None,
                from: "Doorward <accounts@example.com>".parse().unwrap(),
                timeout: Duration::from_secs(20),
            },
            hello: "op.example".to_owned(),
            trusted: vec![server.0.authority.clone()],
        }
    }

    fn letter(subject: &str) -> Message {
        Message {
            subject: subject.to_owned(),
            text: "Guten Tag Zo\u{eb},\n.\nhttps://op.example/a?b=c\n".to_owned(),
            html: "<p>Hello</p>".to_owned(),
        }
    }

    async fn send(sender: &SmtpSender, to: &str) -> Result<Vec<Step>, SmtpError> {
        let mut passed = Vec::new();
        sender.send(to, "id1", &letter("Gr\u{fc}\u{df}e"), |step, _| passed.push(step)).await?;
        Ok(passed)
    }

    #[tokio::test]
    async fn a_letter_arrives_by_each_kind_of_tls() {
        for tls in [MailTls::Implicit, MailTls::StartTls, MailTls::None] {
            let server = TestServer::start(tls, Manner::Takes).await;
            let passed = send(&sender(&server, tls), "zoe@example.com").await.unwrap();
            assert_eq!(passed.contains(&Step::StartTls), tls == MailTls::StartTls);
            let received = server.received().join("\n");
            for part in [
                "EHLO op.example",
                "MAIL FROM:<accounts@example.com>",
                "RCPT TO:<zoe@example.com>",
                "Message-ID: <id1@example.com>",
                "Auto-Submitted: auto-generated",
                "multipart/alternative",
            ] {
                assert!(received.contains(part), "{tls:?} {part}: {received}");
            }
        }
    }

    #[tokio::test]
    async fn we_sign_in_with_name_and_password() {
        let server = TestServer::start(MailTls::Implicit, Manner::Takes).await;
        let mut sender = sender(&server, MailTls::Implicit);
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("password");
        std::fs::write(&file, "secret\n").unwrap();
        sender.server.login = Some(("me".to_owned(), MailPassword::File(file.clone())));
        assert!(send(&sender, "zoe@example.com").await.unwrap().contains(&Step::SignIn));
        // "\0me\0secret" in Base64.
        assert!(server.received()[0].contains("AUTH PLAIN AG1lAHNlY3JldA=="));
        std::fs::remove_file(file).unwrap();
        let refused = send(&sender, "zoe@example.com").await.unwrap_err();
        assert_eq!((refused.step, refused.blame), (Step::SignIn, Blame::Server));
    }

    #[tokio::test]
    async fn each_refusal_names_its_step_and_whose_fault_it_is() {
        let tls = MailTls::Implicit;
        for (manner, step, blame) in [
            (Manner::RefusesSender, Step::Sender, Blame::Server),
            (Manner::RefusesAddress, Step::Recipient, Blame::Message),
            (Manner::ComesBackLater, Step::Recipient, Blame::Recipient),
            (Manner::RefusesToRelay, Step::Recipient, Blame::Server),
            (Manner::ClosesEarly, Step::Send, Blame::Server),
            (Manner::RefusesData, Step::Send, Blame::Server),
            (Manner::RefusesMessage, Step::Send, Blame::Server),
            (Manner::RefusesPassword, Step::SignIn, Blame::Server),
        ] {
            let server = TestServer::start(tls, manner).await;
            let mut sender = sender(&server, tls);
            let password = MailPassword::Setting(Secret::new("hunter2"));
            sender.server.login = Some(("me".to_owned(), password));
            let refused = send(&sender, "zoe@example.com").await.unwrap_err();
            assert_eq!((refused.step, refused.blame), (step, blame), "{refused}");
            assert!(!refused.to_string().contains("hunter2"), "{refused}");
        }
        let server = TestServer::start(MailTls::StartTls, Manner::HasNoStartTls).await;
        let refused =
            send(&sender(&server, MailTls::StartTls), "zoe@example.com").await.unwrap_err();
        assert_eq!((refused.step, refused.blame), (Step::StartTls, Blame::Server));
        assert!(!server.received().join("").contains("RCPT"), "nothing is sent in the clear");
    }

    #[tokio::test]
    async fn a_certificate_that_nobody_vouches_for_is_refused() {
        for (tls, step) in [(MailTls::Implicit, Step::Connect), (MailTls::StartTls, Step::StartTls)]
        {
            let server = TestServer::start(tls, Manner::Takes).await;
            let unknown = SmtpSender { trusted: Vec::new(), ..sender(&server, tls) };
            let refused = send(&unknown, "zoe@example.com").await.unwrap_err();
            assert_eq!((refused.step, refused.blame), (step, Blame::Server), "{refused}");
            assert!(refused.cause.contains("certificate"), "{refused}");
            let mut other_name = sender(&server, tls);
            other_name.server.host = "127.0.0.1".to_owned();
            let refused = send(&other_name, "zoe@example.com").await.unwrap_err();
            assert_eq!(refused.step, step, "{refused}");
        }
    }

    #[tokio::test]
    async fn an_address_beyond_ascii_needs_a_server_that_knows_such() {
        let server = TestServer::start(MailTls::None, Manner::Takes).await;
        let sender_to = |from: &str| {
            let mut sender = sender(&server, MailTls::None);
            sender.server.from = from.parse().unwrap();
            sender
        };
        let ascii = sender_to("accounts@example.com");
        let refused = send(&ascii, "zo\u{eb}@example.com").await.unwrap_err();
        assert_eq!((refused.step, refused.blame), (Step::Recipient, Blame::Message), "{refused}");
        assert!(refused.cause.contains("SMTPUTF8"), "{refused}");
        let beyond = sender_to("zo\u{eb}@example.com");
        let refused = send(&beyond, "zoe@example.com").await.unwrap_err();
        assert_eq!((refused.step, refused.blame), (Step::Sender, Blame::Server), "{refused}");
        assert!(!server.received().join("").contains("MAIL"), "nothing is sent");

        let server = TestServer::start(MailTls::None, Manner::KnowsUnicode).await;
        let sender = sender(&server, MailTls::None);
        send(&sender, "zo\u{eb}@example.com").await.unwrap();
        let received = server.received().remove(0);
        assert!(received.contains("MAIL FROM:<accounts@example.com> SMTPUTF8"), "{received}");
        assert!(received.contains("RCPT TO:<zo\u{eb}@example.com>"), "{received}");
    }

    #[tokio::test]
    async fn a_server_that_hangs_or_is_gone_is_given_up() {
        let server = TestServer::start(MailTls::None, Manner::SaysNothing).await;
        let mut sender = sender(&server, MailTls::None);
        sender.server.timeout = Duration::from_millis(50);
        let refused = send(&sender, "zoe@example.com").await.unwrap_err();
        assert_eq!((refused.step, refused.blame), (Step::Connect, Blame::Server));
        let nobody = test_ports::ReservedPort::new();
        sender.server.port = nobody.number();
        let refused = send(&sender, "zoe@example.com").await.unwrap_err();
        assert_eq!((refused.step, refused.blame), (Step::Connect, Blame::Server));
    }

    #[tokio::test]
    async fn no_address_and_no_subject_adds_a_line() {
        let server = TestServer::start(MailTls::None, Manner::Takes).await;
        let sender = sender(&server, MailTls::None);
        for to in [
            "a@example.com\r\nRCPT TO:<b@example.com>",
            "a@example.com\nBcc: b@example.com",
            "\"a\r\n.\"@example.com",
            "a b@example.com",
            "a@example.com>",
            "Zoe <a@example.com>",
            "a@exam\u{2028}ple.com",
            "@example.com",
            "a@",
            "nobody",
            &format!("{}@example.com", "x".repeat(300)),
        ] {
            let refused = send(&sender, to).await.unwrap_err();
            assert_eq!((refused.step, refused.blame), (Step::Write, Blame::Message), "{to:?}");
        }
        assert!(server.received().is_empty(), "the server never heard of them");
        let evil = letter("a\r\nBcc: b@example.com\r\n\r\nbody");
        sender.send("o'neil+x@b\u{fc}cher.example", "id1", &evil, |_, _| ()).await.unwrap();
        let received = server.received().remove(0);
        assert!(received.contains("RCPT TO:<o'neil+x@xn--bcher-kva.example>"), "{received}");
        let head = received.split_once("\r\n\r\n").unwrap().0;
        assert!(!head.contains("\nBcc"), "{received}");
        assert!(head.contains("Auto-Submitted"), "the head ends where we end it: {received}");
    }
}
