//! Servers that are down, hang, are slow, talk nonsense, or send others elsewhere.

use std::{net::SocketAddr, time::Duration};

use doorward_directory::settings::{DirectorySettings, Limits, Security};
use doorward_provider::use_case::directory::{DirectoryClient as _, DirectoryError};
use test_slapd::{BASE, TestSlapd, person};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};

use crate::{SLAPD, open, server, settings, sign_in};

/// Short, for servers that never answer.
fn impatient(own: DirectorySettings) -> DirectorySettings {
    let short = Duration::from_millis(300);
    DirectorySettings { limits: Limits { connect: short, answer: short, ..own.limits }, ..own }
}

/// A server that answers every connection with these bytes, again and again if told so, and reads
/// what comes. Without bytes it is silent.
async fn stranger(says: &'static [u8], again: bool) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            tokio::spawn(async move {
                let mut buffer = [0; 1024];
                let _ = stream.read(&mut buffer).await;
                while stream.write_all(says).await.is_ok() && again && !says.is_empty() {}
                while stream.read(&mut buffer).await.is_ok_and(|length| length > 0) {}
            });
        }
    });
    address
}

fn unavailable(error: &DirectoryError) -> &str {
    match error {
        DirectoryError::Unavailable(cause) => cause,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn the_second_server_is_asked_when_the_first_is_down() {
    let entries = person("ada", "secret");
    let (mut first, second) = (TestSlapd::start(&entries), TestSlapd::start(&entries));
    let servers = [&first, &second].map(|own| server(own.tls_port(), Security::Tls));
    let authorities = vec![first.authority(), second.authority()];
    let own = DirectorySettings { servers: servers.into(), authorities, ..settings(&first) };
    let directory = open(own);
    let by_first = sign_in(&directory, "ada", "secret").await.unwrap();
    first.stop();
    let by_second = sign_in(&directory, "ada", "secret").await.unwrap();
    assert_ne!(by_first.subject, by_second.subject, "it was another server");
    assert!(directory.is_up());
    // A wrong password is wrong with one server, and is not tried with the next.
    let refused = sign_in(&directory, "ada", "wrong").await.unwrap_err();
    assert_eq!(refused, DirectoryError::WrongPassword);
}

#[tokio::test]
async fn a_directory_that_is_down_says_so_and_comes_back() {
    let mut slapd = TestSlapd::start(&person("ada", "secret"));
    let directory = open(settings(&slapd));
    sign_in(&directory, "ada", "secret").await.unwrap();
    slapd.stop();
    let refused = sign_in(&directory, "ada", "secret").await.unwrap_err();
    assert!(!unavailable(&refused).is_empty());
    assert!(!directory.is_up() && !directory.probe().await);
    slapd.start_again();
    // It is asked again after a rest.
    while !directory.probe().await {
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    sign_in(&directory, "ada", "secret").await.unwrap();
    assert!(directory.is_up());
}

#[tokio::test]
async fn a_server_that_hangs_is_given_up_and_the_next_is_asked() {
    let silent = stranger(b"", false).await;
    for security in [Security::Plain, Security::StartTls, Security::Tls] {
        let own = settings(&SLAPD);
        let hanging = server(silent.port(), security);
        let servers = vec![hanging.clone()];
        let directory = open(impatient(DirectorySettings { servers, ..own.clone() }));
        let refused = sign_in(&directory, "ada", "ada's password").await.unwrap_err();
        let cause = unavailable(&refused);
        assert!(cause.contains("within 0.3 seconds"), "{cause}");
        let servers = vec![hanging, own.servers[0].clone()];
        let limits = Limits { connect: Duration::from_secs(2), ..own.limits };
        let limits = Limits { answer: Duration::from_secs(2), ..limits };
        let directory = open(DirectorySettings { servers, limits, ..own });
        // On a busy machine the second server may be late, too: then it is asked again.
        while sign_in(&directory, "ada", "ada's password").await.is_err() {}
    }
}

#[tokio::test]
async fn an_entry_that_is_too_large_says_nothing_about_the_server() {
    let directory = open(settings(&SLAPD));
    let refused = sign_in(&directory, "large", "large's password").await.unwrap_err();
    let DirectoryError::NotAccepted(cause) = refused else { panic!("{refused:?}") };
    assert!(cause.contains("more than"), "{cause}");
    assert!(directory.is_up());
    assert!(sign_in(&directory, "ada", "ada's password").await.is_ok(), "at once");
}

#[tokio::test]
async fn all_questions_about_a_user_have_one_end() {
    let silent = stranger(b"", false).await;
    let servers = vec![server(silent.port(), Security::Plain)];
    let own = settings(&SLAPD);
    let limits = Limits { whole: Duration::from_millis(300), ..own.limits };
    let directory = open(DirectorySettings { servers, limits, ..own });
    let refused = sign_in(&directory, "ada", "ada's password").await.unwrap_err();
    let cause = unavailable(&refused);
    assert!(cause.contains("not all answers within 0.3 seconds"), "{cause}");
}

#[tokio::test]
async fn what_is_no_answer_ends_the_connection() {
    /// An answer to the first question whose parts are not those of one.
    const STRANGE: &[u8] = &[0x30, 7, 2, 1, 1, 0x61, 2, 4, 0];
    /// An entry that nobody asked for, without end.
    const ENTRY: &[u8] = &[0x30, 9, 2, 1, 1, 0x64, 4, 4, 0, 0x30, 0];
    for (says, again) in [
        (&b"HTTP/1.1 400 Bad Request\r\n\r\n"[..], false),
        (&[0x30, 0x84, 0x7f, 0xff, 0xff, 0xff][..], false),
        (STRANGE, false),
        (ENTRY, true),
    ] {
        let address = stranger(says, again).await;
        let servers = vec![server(address.port(), Security::Plain)];
        let directory = open(impatient(DirectorySettings { servers, ..settings(&SLAPD) }));
        let refused = sign_in(&directory, "ada", "ada's password").await.unwrap_err();
        assert!(!unavailable(&refused).is_empty(), "{says:?}");
    }
}

#[tokio::test]
async fn a_password_is_never_sent_before_the_connection_is_protected() {
    // A server that takes StartTLS for what it does not know, and goes on in the clear.
    let answer: &[u8] = &[0x30, 12, 2, 1, 1, 0x78, 7, 0x0a, 1, 2, 4, 0, 4, 0];
    let address = stranger(answer, false).await;
    let servers = vec![server(address.port(), Security::StartTls)];
    let directory = open(DirectorySettings { servers, ..settings(&SLAPD) });
    let refused = sign_in(&directory, "ada", "ada's password").await.unwrap_err();
    let cause = unavailable(&refused);
    assert!(cause.contains("StartTLS: result code 2"), "{cause}");
}

#[tokio::test]
async fn referrals_are_not_followed() {
    // One among the entries that a search passes is left out; the base of a search is refused.
    let directory = open(settings(&SLAPD));
    assert!(sign_in(&directory, "ada", "ada's password").await.is_ok());
    let base = format!("ou=elsewhere,{BASE}");
    let directory = open(DirectorySettings { base, ..settings(&SLAPD) });
    let refused = sign_in(&directory, "ada", "ada's password").await.unwrap_err();
    let DirectoryError::NotAccepted(cause) = refused else { panic!("{refused:?}") };
    assert!(cause.contains("referrals are not followed"), "{cause}");
}
