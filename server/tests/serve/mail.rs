//! `doorward mail …` with a real SMTP server, and what a start refuses.

use std::{fs, process::Output};

use crate::{
    smtp_server::{Encryption, Manner, TestServer},
    support::Sandbox,
};

/// Tries the settings of a server on this machine.
async fn test(manner: Manner, is_trusted: bool) -> (Output, Vec<String>) {
    let (place, server) = (Sandbox::new(), TestServer::start(Encryption::StartTls, manner).await);
    let authority = place.folder().join("authority.pem");
    fs::write(&authority, server.authority_pem.as_str()).unwrap();
    let mut command = place.command(&["mail", "test", "zoe@example.com", "--language", "de"]);
    command
        .env("DOORWARD_DEMO", "true")
        .env("DOORWARD_MAIL__HOST", "localhost")
        .env("DOORWARD_MAIL__PORT", server.port.to_string())
        .env("DOORWARD_MAIL__TLS", "starttls")
        .env("DOORWARD_MAIL__FROM", "Example <accounts@example.com>")
        .env("DOORWARD_MAIL__USERNAME", "me")
        .env("DOORWARD_MAIL__PASSWORD", "hunter2");
    if is_trusted {
        command.env("DOORWARD_TLS__TRUSTED_CA", authority);
    }
    // The test server runs in this thread's runtime, so the command must not block it.
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    (output, server.received())
}

fn told(output: &Output) -> (Option<i32>, String, String) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

#[tokio::test]
async fn a_test_letter_tells_each_step() {
    let (output, received) = test(Manner::Takes, true).await;
    let (code, stdout, stderr) = told(&output);
    assert_eq!(code, Some(0), "{stderr}");
    let steps: Vec<&str> = stdout.lines().filter(|line| line.starts_with("ok ")).collect();
    assert_eq!(steps.len(), 7, "{stdout}");
    assert!(stdout.contains("on its way to zoe@example.com"), "{stdout}");
    assert!(received[0].contains("From: Example <accounts@example.com>"), "{received:?}");
    assert!(received[0].contains("Eine Testnachricht von Doorward"), "{received:?}");
}

#[tokio::test]
async fn a_test_letter_that_fails_tells_which_step_and_what_to_do() {
    for (manner, step, advice) in [
        (Manner::RefusesPassword, "wrong name or password", "mail.username"),
        (Manner::RefusesSender, "sender not allowed", "mail.from"),
        (Manner::RefusesAddress, "nobody has this address", "no such address"),
        (Manner::RefusesMessage, "we do not like it", "the server's words"),
        (Manner::HasNoStartTls, "STARTTLS", "implicit"),
    ] {
        let (code, stdout, stderr) = told(&test(manner, true).await.0);
        assert_eq!(code, Some(1), "{stderr}");
        assert!(stderr.contains(step) && stderr.contains(advice), "{manner:?}: {stderr}");
        assert!(!stderr.contains("hunter2") && !stdout.contains("hunter2"));
    }
    let untrusted = test(Manner::Takes, false).await.0;
    let (code, _, stderr) = told(&untrusted);
    assert_eq!(code, Some(1), "{stderr}");
    assert!(stderr.contains("certificate") && stderr.contains("tls.trusted_ca"), "{stderr}");
}

#[test]
fn our_templates_are_written_and_a_mistake_in_one_is_refused_at_the_start() {
    let place = Sandbox::new();
    let folder = place.folder().join("letters");
    let name = folder.to_str().unwrap();
    let written = place.command(&["mail", "templates", name]).output().unwrap();
    assert_eq!(written.status.code(), Some(0), "{written:?}");
    let check = || {
        let mut command = place.command(&["config", "check"]);
        command.env("DOORWARD_MAIL__TEMPLATES", name).env("DOORWARD_DEMO", "true");
        told(&command.output().unwrap())
    };
    let (code, _, stderr) = check();
    assert_eq!(code, Some(0), "ours are in order: {stderr}");
    let file = folder.join("de/verify_email.txt");
    fs::write(&file, "Subject: Hallo\n\n{{ lnik }}\n").unwrap();
    let (code, _, stderr) = check();
    assert_eq!(code, Some(2), "{stderr}");
    assert!(stderr.contains("de/verify_email.txt:3: "), "{stderr}");
    let again = place.command(&["mail", "templates", name]).output().unwrap();
    assert_eq!(again.status.code(), Some(0));
    assert!(fs::read_to_string(&file).unwrap().contains("lnik"), "what is there stays");
    fs::remove_file(&file).unwrap();
    fs::write(folder.join("de/verfy_email.txt"), "Subject: a\n\nb\n").unwrap();
    let (code, _, stderr) = check();
    assert_eq!(code, Some(2), "{stderr}");
    assert!(stderr.contains("verfy_email.txt"), "{stderr}");
}

#[test]
fn settings_that_can_not_work_are_refused() {
    let place = Sandbox::new();
    for (settings, key, says) in [
        (vec![("HOST", "smtp.example.com"), ("TLS", "none")], "mail.tls", "without TLS"),
        (vec![("HOST", "smtp.example.com")], "mail.from", "give the sender"),
        (vec![("HOST", "https://smtp.example.com")], "mail.host", "host name alone"),
        (vec![("FROM", "a@example.com")], "mail.from", "mail.host"),
        (
            vec![("HOST", "smtp.example.com"), ("FROM", "a@example.com"), ("USERNAME", "me")],
            "mail.username",
            "mail.password",
        ),
        (
            vec![("HOST", "smtp.example.com"), ("FROM", "a@example.com"), ("PASSWORD", "hunter2")],
            "mail.password",
            "mail.username",
        ),
        (
            vec![("HOST", "smtp.example.com"), ("FROM", "a@example.com"), ("TIMEOUT", "61")],
            "mail.timeout",
            "60",
        ),
    ] {
        let mut command = place.command(&["config", "check"]);
        for (name, value) in &settings {
            command.env(format!("DOORWARD_MAIL__{name}"), value);
        }
        let (code, _, stderr) = told(&command.output().unwrap());
        assert_eq!(code, Some(2), "{settings:?}: {stderr}");
        assert!(stderr.contains(key) && stderr.contains(says), "{settings:?}: {stderr}");
        assert!(!stderr.contains("hunter2"), "{stderr}");
    }
}
