//! A small SMTP server for tests: it keeps what it takes, and can be told to misbehave.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::{
    ServerConfig,
    crypto::aws_lc_rs,
    pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::TcpListener,
};
use tokio_rustls::TlsAcceptor;

/// When the server speaks TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encryption {
    /// From the first byte.
    Implicit,
    /// From the command of this name on.
    StartTls,
    /// Never.
    None,
}

/// How the server behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    /// It takes every message.
    Takes,
    /// It takes every message, and knows addresses beyond ASCII.
    KnowsUnicode,
    /// It lets nobody send.
    RefusesSender,
    /// It refuses every address for good.
    RefusesAddress,
    /// It does not let us send to addresses elsewhere.
    RefusesToRelay,
    /// It wants no message when one is about to come.
    RefusesData,
    /// It refuses every message that has come.
    RefusesMessage,
    /// It asks to come back later.
    ComesBackLater,
    /// It accepts connections and says nothing.
    SaysNothing,
    /// It closes the connection when the message is sent.
    ClosesEarly,
    /// It refuses every password.
    RefusesPassword,
    /// It knows no STARTTLS.
    HasNoStartTls,
}

/// A running server. It ends with the runtime of the test.
#[derive(Debug)]
pub struct TestServer {
    pub port: u16,
    /// The certification authority (DER) of its certificate, which is for `localhost`.
    pub authority: Vec<u8>,
    /// The same in PEM.
    pub authority_pem: String,
    received: Received,
}

/// Each connection's part. What the client has an answer to is there.
type Received = Arc<Mutex<Vec<String>>>;

/// The part of one connection.
struct Heard {
    received: Received,
    index: usize,
}

impl Heard {
    /// Of a connection that begins.
    fn begin(received: &Received) -> Self {
        let mut all = received.lock().unwrap();
        all.push(String::new());
        Self { received: Arc::clone(received), index: all.len() - 1 }
    }

    fn push(&self, line: &str) {
        self.received.lock().unwrap()[self.index].push_str(line);
    }
}

impl TestServer {
    pub async fn start(tls: Encryption, manner: Manner) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let received = Received::default();
        let (acceptor, authority, authority_pem) = acceptor();
        let kept = Arc::clone(&received);
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let (heard, acceptor) = (Heard::begin(&kept), acceptor.clone());
                tokio::spawn(async move { serve(stream, tls, manner, &acceptor, &heard).await });
            }
        });
        Self { port, authority, authority_pem, received }
    }

    /// What it was sent so far: the commands and the message of each connection.
    pub fn received(&self) -> Vec<String> {
        self.received.lock().unwrap().clone()
    }
}

async fn serve(
    mut stream: tokio::net::TcpStream,
    tls: Encryption,
    manner: Manner,
    acceptor: &TlsAcceptor,
    heard: &Heard,
) {
    if tls == Encryption::Implicit {
        let Ok(mut stream) = acceptor.accept(stream).await else { return };
        converse(&mut stream, manner, false, true, heard).await;
    } else {
        let offers = tls == Encryption::StartTls && manner != Manner::HasNoStartTls;
        if converse(&mut stream, manner, offers, true, heard).await == Some(Upgrade) {
            let Ok(mut stream) = acceptor.accept(stream).await else { return };
            converse(&mut stream, manner, false, false, heard).await;
        }
    }
}

/// The client asked for TLS.
#[derive(Debug, PartialEq, Eq)]
struct Upgrade;

async fn converse<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut S,
    manner: Manner,
    offers_tls: bool,
    greets: bool,
    heard: &Heard,
) -> Option<Upgrade> {
    if manner == Manner::SaysNothing {
        tokio::time::sleep(Duration::from_hours(1)).await;
    }
    if greets {
        stream.write_all(b"220 test server\r\n").await.ok()?;
    }
    loop {
        let line = line(stream).await?;
        heard.push(&line);
        let command = line.split([' ', '\r']).next().unwrap_or_default().to_ascii_uppercase();
        let answer = match (command.as_str(), manner) {
            ("EHLO", _) if offers_tls => "250-test\r\n250-8BITMIME\r\n250 STARTTLS",
            ("EHLO", Manner::KnowsUnicode) => "250-test\r\n250-8BITMIME\r\n250 SMTPUTF8",
            ("EHLO", _) => "250-test\r\n250-8BITMIME\r\n250 AUTH PLAIN LOGIN",
            ("STARTTLS", _) => {
                stream.write_all(b"220 go\r\n").await.ok()?;
                return Some(Upgrade);
            }
            ("AUTH", Manner::RefusesPassword) => "535 5.7.8 wrong name or password",
            ("AUTH", _) => "235 welcome",
            ("MAIL", Manner::RefusesSender) => "550 5.7.1 sender not allowed",
            ("RCPT", Manner::RefusesToRelay) => "554 5.7.1 relay access denied",
            ("RCPT", Manner::RefusesAddress) => "550 5.1.1 nobody has this address",
            ("RCPT", Manner::ComesBackLater) => "451 4.7.1 try again later",
            ("DATA", Manner::ClosesEarly) => return None,
            ("DATA", Manner::RefusesData) => "503 5.5.1 not now",
            ("DATA", _) => {
                stream.write_all(b"354 go on\r\n").await.ok()?;
                let mut last = String::new();
                while last != ".\r\n" {
                    last = self::line(stream).await?;
                    heard.push(&last);
                }
                match manner {
                    Manner::RefusesMessage => "554 5.6.0 we do not like it",
                    _ => "250 2.0.0 taken",
                }
            }
            ("QUIT", _) => {
                let _ = stream.write_all(b"221 bye\r\n").await;
                return None;
            }
            _ => "250 ok",
        };
        stream.write_all(format!("{answer}\r\n").as_bytes()).await.ok()?;
    }
}

/// Byte by byte, so that nothing is read that belongs to the handshake after it.
async fn line<S: AsyncRead + Unpin>(stream: &mut S) -> Option<String> {
    let mut bytes = Vec::new();
    while !bytes.ends_with(b"\n") {
        bytes.push(stream.read_u8().await.ok()?);
    }
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

/// TLS for `localhost`, and the certification authority (DER and PEM) that vouches for it.
pub fn acceptor() -> (TlsAcceptor, Vec<u8>, String) {
    let mut authority = CertificateParams::new(Vec::new()).unwrap();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(vec!["localhost".to_owned()])
        .unwrap()
        .signed_by(&key, &authority)
        .unwrap();
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)
        .unwrap();
    (TlsAcceptor::from(Arc::new(config)), authority.der().to_vec(), authority.pem())
}
